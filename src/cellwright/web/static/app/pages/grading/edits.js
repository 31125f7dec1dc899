/** Limits that a person changed and the server has not yet answered. */
import { t } from '../../i18n.js';

/** @typedef {{lower: number | null, upper: number | null}} Ends NaN = what stands there is no number */
/** @typedef {Record<string, Ends>} Edits by grade and characteristic */

/** @param {any} limit */
export const keyOf = ({ grade, characteristic }) => `${grade}:${characteristic}`;

/** What a limit is now. @param {any} limit @param {Edits} edits @returns {Ends} */
export const ends = (limit, edits) => edits[keyOf(limit)] ?? { lower: limit.asked_lower, upper: limit.asked_upper };

/** What is wrong with a limit, or nothing. @param {Ends} ends */
export function problemOf({ lower, upper }) {
  if (Number.isNaN(lower) || Number.isNaN(upper)) return t('grading.no_number');
  return lower !== null && upper !== null && lower > upper ? t('grading.reversed') : '';
}

/** Whether a limit is another one than that in force. @param {any} limit @param {Edits} edits */
export function isChanged(limit, edits) {
  const { lower, upper } = ends(limit, edits);
  return lower !== limit.lower || upper !== limit.upper;
}

/** Changed limits as they stand in the address. @param {any[]} limits @param {Edits} edits */
export const limitsQuery = (limits, edits) =>
  limits
    .filter((each) => isChanged(each, edits))
    .map((each) => {
      const { lower, upper } = ends(each, edits);
      return `${keyOf(each)}:${lower ?? ''}..${upper ?? ''}`;
    })
    .join(',');

/** A number with as many digits as somebody can set a limit to, within a range. @param {number} value @param {number} span */
export function rounded(value, span) {
  const digits = Math.max(0, 3 - Math.ceil(Math.log10(span || 1)));
  return Number(value.toFixed(Math.min(12, digits)));
}
