import { html } from '../../vendor/preact.js';
import { number, t } from '../i18n.js';

/** @typedef {{good: number, in_process: number, scrapped: number}} Progress units of an order by what became of them */

/**
 * How far an order is: good, in process and scrapped units, one after another; the tick stands at what is wanted.
 * The scale ends at what is wanted or was begun, whichever is more.
 * @param {Progress & {quantity: number, isLarge?: boolean}} props
 */
export function ProgressBar({ good, in_process, scrapped, quantity, isLarge }) {
  const full = Math.max(quantity, good + in_process + scrapped, 1);
  /** @param {number} count */
  const percent = (count) => `${((count / full) * 100).toFixed(2)}%`;
  const sentence = t('order.bar', { good, in_process, scrapped, quantity });
  return html`<span class="progress-bar ${isLarge ? 'progress-bar-large' : ''}" role="img" aria-label=${sentence} title=${sentence}>
    <span class="progress-part" data-part="good" style=${{ width: percent(good) }}></span>
    <span class="progress-part" data-part="in_process" style=${{ width: percent(in_process) }}></span>
    <span class="progress-part" data-part="scrapped" style=${{ width: percent(scrapped) }}></span>
    ${quantity < full && html`<span class="progress-tick" style=${{ left: percent(quantity) }}></span>`}
  </span>`;
}

/** What the parts of the bar are, with their counts. @param {Progress} counts */
export function ProgressLegend(counts) {
  return html`<ul class="progress-legend">
    ${/** @type {const} */ (['good', 'in_process', 'scrapped']).map(
      (part) => html`<li key=${part}><span class="progress-key" data-part=${part} aria-hidden="true"></span>${t(`column.${part}`)} <b>${number(counts[part])}</b></li>`,
    )}
  </ul>`;
}
