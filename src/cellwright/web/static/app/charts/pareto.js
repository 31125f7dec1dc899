import { html } from '../../vendor/preact.js';
import { number, quantity, t } from '../i18n.js';
import { Figure } from './figure.js';
import { useWidth } from './use_width.js';

/** @typedef {{key: string, label: string, count: number, href?: string, isOther?: boolean}} Cause */

const ROW = 26;
const BAR = 14;

/**
 * Causes by weight, the rest last, with the cumulative share as text: rows, so that long names stay readable.
 * @param {{title: string, unit?: string, causes: Cause[], total: number}} props
 */
export function Pareto({ title, unit, causes, total }) {
  const { ref, width_px } = useWidth(480);
  const ordered = [...causes].sort((a, b) => Number(a.isOther ?? false) - Number(b.isOther ?? false) || b.count - a.count);
  const first = ordered[0];
  const sentence = t('chart.pareto', { title, first: first?.label, share: quantity((first?.count ?? 0) / (total || 1), 'ratio'), total });
  let sum = 0;
  const rows = ordered.map((cause) => ({ ...cause, cumulative: (sum += cause.count) / (total || 1) }));
  const table = () => ({
    headings: [t('chart.cause'), t('chart.count'), t('chart.share'), t('chart.cumulative')],
    rows: rows.map(({ label, count, cumulative }) => [label, number(count), quantity(count / total, 'ratio'), quantity(cumulative, 'ratio')]),
  });
  return html`<${Figure} title=${title} unit=${unit} sentence=${sentence} table=${table} isEmpty=${total === 0}
    hasLinks=${causes.some(({ href }) => href)}>
    <div ref=${ref}><${Rows} ...${{ rows, total, width_px }} /></div>
  <//>`;
}

/** Bars and cumulative line share one axis, from nothing to all. */
/** @param {{rows: (Cause & {cumulative: number})[], total: number, width_px: number}} props */
function Rows({ rows, total, width_px }) {
  const left = Math.min(180, Math.round(width_px * 0.36));
  const right = 104;
  const room = width_px - left - right;
  /** @param {number} share */
  const along = (share) => left + share * room;
  const height = rows.length * ROW + 20;
  const points = rows.map(({ cumulative }, index) => `${along(cumulative).toFixed(1)} ${index * ROW + ROW / 2}`);
  const eighty = along(0.8);
  return html`<svg width=${width_px} height=${height} viewBox="0 0 ${width_px} ${height}">
    <line class="chart-limit" x1=${eighty} x2=${eighty} y1="0" y2=${height - 18} />
    <text x=${eighty} y=${height - 5} text-anchor="middle">80 %</text>
    ${rows.map(({ key, label, count, href, isOther }, index) => {
      const y = index * ROW;
      const row = html`<title>${label}</title>
        <text class="chart-text" x=${left - 8} y=${y + 17} text-anchor="end">${shorten(label, left)}</text>
        <rect class=${isOther ? 'chart-bar-rest' : 'chart-bar'} x=${left} y=${y + (ROW - BAR) / 2} width=${Math.max(1, (count / total) * room)} height=${BAR} />
        <text class="chart-strong" x=${width_px - 56} y=${y + 17} text-anchor="end">${number(count)}</text>
        <text x=${width_px} y=${y + 17} text-anchor="end">${quantity(rows[index]?.cumulative, 'ratio', { digits: 0 })}</text>`;
      return href ? html`<a key=${key} href=${href}>${row}</a>` : html`<g key=${key}>${row}</g>`;
    })}
    <path class="chart-cumulative" d="M${points.join('L')}" />
    ${rows.map(({ key, cumulative }, index) => html`<circle key=${key} class="chart-dot" r="2" cx=${along(cumulative)} cy=${index * ROW + ROW / 2} />`)}
  </svg>`;
}

/** @param {string} text @param {number} room_px */
function shorten(text, room_px) {
  const widths = [...text].map((each) => (each > '\u2e80' ? 11.5 : 6.2));
  let used = 0;
  const end = widths.findIndex((width) => (used += width) > room_px - 16);
  return end < 0 ? text : `${[...text].slice(0, end).join('')}…`;
}
