import { html } from '../../vendor/preact.js';
import { quantityParts, t } from '../i18n.js';
import { Sparkline } from './sparkline.js';

/**
 * @typedef {Object} Kpi
 * @property {string} key
 * @property {string} label
 * @property {number | string | null} [value] a number is formatted with `unit`; null is unknown
 * @property {string} [unit]
 * @property {number} [digits]
 * @property {string} [note] what it stands on: n, the bound, the plan
 * @property {string} [href]
 * @property {(number | null)[]} [trend]
 * @property {boolean} [isStale]
 */

/** The few figures of a page, in one line, equal columns. @param {{items: Kpi[], label?: string}} props */
export function KpiStrip({ items, label = t('kpi.label') }) {
  return html`<ul class="kpis" aria-label=${label}>
    ${items.map((each) => html`<li key=${each.key}><${KpiCell} ...${each} /></li>`)}
  </ul>`;
}

/** @param {Kpi} props */
function KpiCell({ label, value, unit, digits, note, href, trend, isStale }) {
  const [shown, symbol] = typeof value === 'string' ? [value, ''] : quantityParts(value, unit, { digits });
  const isUnknown = value === null || value === undefined;
  const body = html`<span class="kpi-label">${label}</span>
    <span class="kpi-value ${isUnknown ? 'kpi-unknown' : ''} ${typeof value === 'string' ? 'kpi-text' : ''}">${shown}${symbol && html`<small>${symbol}</small>`}</span>
    <span class="kpi-note">${note ?? '\u00a0'}</span>
    ${trend && html`<${Sparkline} values=${trend} />`}`;
  return href
    ? html`<a class="kpi ${isStale ? 'stale' : ''}" href=${href}>${body}</a>`
    : html`<div class="kpi ${isStale ? 'stale' : ''}">${body}</div>`;
}
