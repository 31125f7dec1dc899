import { html } from '../../vendor/preact.js';
import { quantity, t } from '../i18n.js';

/**
 * @typedef {Object} Limits
 * @property {number | null} [lower]
 * @property {number | null} [target]
 * @property {number | null} [upper]
 */

const MARGIN = 0.25;

/** @param {number | null | undefined} value @returns {value is number} */
const isKnown = (value) => value !== null && value !== undefined;

/** Whether a value is outside its limits; unknown is neither. @param {number | null | undefined} value @param {Limits} limits */
export function isOutside(value, { lower, upper }) {
  if (!isKnown(value)) return false;
  return (isKnown(lower) && value < lower) || (isKnown(upper) && value > upper);
}

/** The limits as text: `3.200 to 3.230 V`, `at most 0.5 mΩ`. @param {Limits} limits @param {string | null} [unit] @param {number} [digits] */
export function limitsText({ lower, target, upper }, unit, digits) {
  const low = quantity(lower, isKnown(upper) ? '' : unit, { digits });
  const high = quantity(upper, unit, { digits });
  if (isKnown(lower) && isKnown(upper)) return t('limits.both', { low, high });
  if (isKnown(lower)) return t('limits.lower', { low });
  if (isKnown(upper)) return t('limits.upper', { high });
  if (isKnown(target)) return t('limits.target', { target: quantity(target, unit, { digits }) });
  return t('limits.none');
}

/** What the bar spans: the limits with a margin, wider when the value is far out.
 * @param {number | null | undefined} value @param {Limits} limits @returns {[number, number]} */
function domain(value, { lower, target, upper }) {
  const marks = [lower, target, upper].filter(isKnown);
  if (marks.length === 0) marks.push(0, isKnown(value) && value !== 0 ? value : 1);
  if (marks.length === 1) marks.push(0);
  const low = Math.min(...marks);
  const span = Math.max(...marks) - low || Math.abs(low) || 1;
  const ends = [low - span * MARGIN, low + span * (1 + MARGIN)];
  if (isKnown(value)) ends.push(value - span * 0.04, value + span * 0.04);
  return [Math.min(...ends), Math.max(...ends)];
}

/**
 * A measured value against what is expected: band, target tick, and the value in the fail colour when it is outside.
 * @param {{value: number | null | undefined, unit?: string | null, digits?: number, label?: string} & Limits} props
 */
export function ValueBar({ value, unit, digits, label = '', lower, target, upper }) {
  const limits = { lower, target, upper };
  const [low, high] = domain(value, limits);
  /** @param {number} at */
  const percent = (at) => `${(((at - low) / (high - low)) * 100).toFixed(2)}%`;
  const left = isKnown(lower) ? lower : low;
  const right = isKnown(upper) ? upper : high;
  const sentence = t(isOutside(value, limits) ? 'limits.outside' : 'limits.sentence', {
    label,
    value: quantity(value, unit, { digits }),
    limits: limitsText(limits, unit, digits),
  });
  return html`<span class="value-bar" data-outside=${isOutside(value, limits)} role="img" aria-label=${sentence.trim()}>
    <span class="value-bar-band" style=${{ left: percent(left), right: `calc(100% - ${percent(right)})` }}></span>
    ${isKnown(target) && html`<span class="value-bar-target" style=${{ left: percent(target) }}></span>`}
    ${isKnown(value) && html`<span class="value-bar-mark" style=${{ left: percent(value) }}></span>`}
  </span>`;
}

/**
 * How much is left or done, from zero to full. `low` draws a tick at the amount from which it is short.
 * @param {{value: number | null, full: number | null, unit?: string, low?: number, label?: string}} props
 */
export function AmountBar({ value, full, unit, low, label = '' }) {
  const share = isKnown(value) && isKnown(full) && full > 0 ? Math.min(1, Math.max(0, value / full)) : 0;
  const sentence = t('limits.amount', { label, value: quantity(value, unit), full: quantity(full, unit) });
  return html`<span class="amount-bar" role="img" aria-label=${sentence.trim()}>
    <span class="amount-bar-fill" style=${{ width: `${share * 100}%` }}></span>
    ${low !== undefined && full && html`<span class="amount-bar-tick" style=${{ left: `${(low / full) * 100}%` }}></span>`}
  </span>`;
}
