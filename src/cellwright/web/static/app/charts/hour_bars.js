import { html, useMemo } from '../../vendor/preact.js';
import { dateTime, number, t, time } from '../i18n.js';
import { Figure } from './figure.js';
import { useWidth } from './use_width.js';

/** @typedef {{hour_us: number, kind: string, started_count: number, finished_count: number, scrapped_count: number}} Hour */

const HEIGHT = 64;
const LEFT = 76;
const RIGHT = 64;

/**
 * What came out hour by hour, a row for each kind, each from zero on its own scale with its largest value beside it.
 * @param {{hours: Hour[], kinds: string[]}} props
 */
export function HourBars({ hours, kinds }) {
  const { ref, width_px } = useWidth(640);
  const starts = useMemo(() => [...new Set(hours.map(({ hour_us }) => hour_us))].toSorted((a, b) => a - b), [hours]);
  const found = new Map(hours.map((each) => [`${each.hour_us} ${each.kind}`, each]));
  /** @param {number} hour_us @param {string} kind */
  const count = (hour_us, kind) => found.get(`${hour_us} ${kind}`)?.finished_count ?? 0;
  const sums = kinds.map((kind) => `${t(`kind.${kind}`)} ${number(starts.reduce((sum, hour_us) => sum + count(hour_us, kind), 0))}`);
  const table = () => ({
    headings: [t('chart.start'), ...kinds.map((kind) => t(`kind.${kind}`))],
    rows: starts.map((hour_us) => [dateTime(hour_us), ...kinds.map((kind) => number(count(hour_us, kind)))]),
  });
  const step = (width_px - LEFT - RIGHT) / Math.max(1, starts.length);
  const height = kinds.length * HEIGHT + 20;
  return html`<${Figure} title=${t('chart.hours')} unit=${t('chart.hours_unit')} sentence=${t('chart.hours_sentence', { sums: sums.join(', ') })} table=${table} isEmpty=${starts.length === 0}>
    <div ref=${ref}><svg width=${width_px} height=${height} viewBox="0 0 ${width_px} ${height}">
      ${kinds.map((kind, row) => {
        const base = (row + 1) * HEIGHT - 6;
        const most = Math.max(1, ...starts.map((hour_us) => count(hour_us, kind)));
        return html`<g key=${kind}>
          <line class="chart-line" x1=${LEFT} x2=${width_px - RIGHT} y1=${base + 0.5} y2=${base + 0.5} />
          <text class="chart-text" x=${LEFT - 8} y=${base - 2} text-anchor="end">${t(`kind.${kind}`)}</text>
          <text x=${width_px - RIGHT + 8} y=${base - HEIGHT + 22}>${t('chart.most', { count: most })}</text>
          ${starts.map((hour_us, index) => {
            const made = count(hour_us, kind);
            const tall = (made / most) * (HEIGHT - 18);
            return made > 0 && html`<rect key=${hour_us} class="chart-bar" x=${LEFT + index * step + 1} y=${base - tall} width=${Math.max(1, step - 2)} height=${tall}>
              <title>${`${time(hour_us)} ${t(`kind.${kind}`)} ${number(made)}`}</title></rect>`;
          })}
        </g>`;
      })}
      ${starts.map((hour_us, index) => index % 4 === 0 && html`<text key=${hour_us} x=${LEFT + index * step} y=${height - 4}>${time(hour_us).slice(0, 5)}</text>`)}
    </svg></div>
  <//>`;
}
