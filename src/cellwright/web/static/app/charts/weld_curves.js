/** The power of all welds over each other, each over its own mean and by the share of its time; outliers lie on top. */
import { html } from '../../vendor/preact.js';
import { number, quantity, t } from '../i18n.js';
import { Figure } from './figure.js';
import { roundUp, ticks } from './scale.js';
import { useWidth } from './use_width.js';

/** @typedef {{weld: number, is_outlier: boolean}} Weld */

const HEIGHT = 260;
const LEFT = 40;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 26;
const SHARES = [0, 0.25, 0.5, 0.75, 1];

/** @param {{welds: Weld[], grid: number[], shapes: (number | null)[][]}} props `grid`: shares of the time, 0 to 1 */
export function WeldCurves({ welds, grid, shapes }) {
  const { ref, width_px } = useWidth(640);
  const known = shapes.flat().filter((each) => each !== null);
  const top = roundUp(Math.max(1, ...known), 4);
  const outliers = welds.filter((each) => each.is_outlier).length;
  /** @param {number} share */
  const x = (share) => LEFT + share * (width_px - LEFT - RIGHT);
  /** @param {number} ratio */
  const y = (ratio) => HEIGHT - BOTTOM - (ratio / top) * (HEIGHT - BOTTOM - TOP);
  const order = welds.map((_, index) => index).sort((a, b) => Number(welds[a].is_outlier) - Number(welds[b].is_outlier));
  /** @param {(number | null)[]} shape */
  const points = (shape) => shape.flatMap((value, at) => (value === null ? [] : [`${x(grid[at]).toFixed(1)},${y(value).toFixed(1)}`])).join(' ');
  const table = () => ({
    headings: [t('weld.weld'), ...SHARES.map((share) => quantity(share, 'ratio', { digits: 0 }))],
    rows: welds.map((each, index) => [String(each.weld), ...SHARES.map((share) => number(shapes[index][nearest(grid, share)], { digits: 2 }))]),
  });
  const sentence = t('weld.curves_sentence', { n: welds.length, outliers });
  return html`<${Figure} title=${t('weld.power')} sentence=${sentence} table=${table} note=${`n = ${number(welds.length)} · ${t('weld.curves_note')}`} isEmpty=${known.length === 0}>
    <div ref=${ref}><svg width=${width_px} height=${HEIGHT} viewBox="0 0 ${width_px} ${HEIGHT}">
      ${ticks(0, top, 4).map((value) => html`<g key=${value}><line class="chart-line" x1=${LEFT} x2=${width_px - RIGHT} y1=${y(value)} y2=${y(value)} /><text x=${LEFT - 6} y=${y(value) + 4} text-anchor="end">${number(value)}</text></g>`)}
      ${SHARES.map((share) => html`<text key=${share} x=${x(share)} y=${HEIGHT - 6} text-anchor=${share === 1 ? 'end' : 'middle'}>${quantity(share, 'ratio', { digits: 0 })}</text>`)}
      ${order.map(
        (index) => html`<g key=${welds[index].weld} class=${welds[index].is_outlier ? 'late' : 'muted'}>
          <title>${`${t('weld.weld')} ${welds[index].weld}`}</title>
          <polyline points=${points(shapes[index])} fill="none" stroke="currentColor" stroke-opacity=${welds[index].is_outlier ? 1 : 0.3} stroke-width=${welds[index].is_outlier ? 2 : 1} />
        </g>`,
      )}
    </svg></div>
  <//>`;
}

/** @param {number[]} grid @param {number} share */
function nearest(grid, share) {
  return grid.reduce((best, each, index) => (Math.abs(each - share) < Math.abs(grid[best] - share) ? index : best), 0);
}
