/** What of the record was corrected, when, by whom and why: one notice each, the newest first. */
import { html } from '../../vendor/preact.js';
import { dateTime, t } from '../i18n.js';
import { Notice } from './states.js';

const SHOWN_MAX = 5;

/** @typedef {{number: number, reason: string, corrected_us: number, corrected_by: string, second_person: string}} Corrected */

/** Which correction it was. @param {Corrected} corrected */
export const correctionTitle = ({ number }) => t('corrected.title', { number: String(number) });

/** When it was, by whom and why. @param {Corrected} corrected */
export const correctionWords = ({ corrected_us, corrected_by, second_person, reason }) => t('corrected.text', { time: dateTime(corrected_us), person: corrected_by, second: second_person, reason });

/** @param {{corrections: Corrected[]}} props */
export function CorrectionNotices({ corrections }) {
  const newest = corrections.toReversed();
  return html`${newest.slice(0, SHOWN_MAX).map((each) => html`<${Notice} key=${each.number} icon="audit"><b>${correctionTitle(each)}</b> ${correctionWords(each)}<//>`)}
    ${newest.length > SHOWN_MAX && html`<p class="secondary">${t('corrected.more', { n: newest.length - SHOWN_MAX })}</p>`}`;
}

/** The corrections behind rows, each once, the oldest first. @param {{corrected: Corrected | null}[]} rows @returns {Corrected[]} */
export const correctionsOf = (rows) =>
  [...new Map(rows.flatMap((each) => (each.corrected ? [[each.corrected.number, each.corrected]] : []))).values()].sort((one, other) => one.number - other.number);
