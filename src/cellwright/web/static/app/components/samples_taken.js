import { html } from '../../vendor/preact.js';
import { dateTime, number, t } from '../i18n.js';
import { CodeLink, term } from '../objects.js';
import { VerdictChip } from './verdict.js';

/** @typedef {Record<string, any>} Data */

/** Samples that were taken, the newest first. @param {{rows: Data[]}} props */
export function Taken({ rows }) {
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label=${t('sample.title')}><table class="table">
    <thead><tr><th scope="col">${t('sample.when')}</th><th scope="col">${t('check.verdict')}</th><th scope="col" class="num">${t('sample.values')}</th><th scope="col">${t('sample.modes')}</th><th scope="col">${t('sample.units')}</th></tr></thead>
    <tbody>${rows.map(
      (row) => html`<tr key=${row.sample}>
        <td class="nowrap">${dateTime(row.recorded_us)}</td>
        <td><${VerdictChip} verdict=${row.is_good ? 'pass' : 'fail'} /></td>
        <td class="num">${row.values.map((/** @type {number | null} */ each) => (each === null ? '–' : number(each))).join(', ')}</td>
        <td>${row.modes.map((/** @type {string} */ each) => term(each, each)).join(', ')}</td>
        <td>${row.units.length === 0 ? '–' : html`<${CodeLink} kind="unit" code=${row.units[0]} />${row.units.length > 1 && ` + ${row.units.length - 1}`}`}
          ${row.hold > 0 && html` <a href="/holds">${t('sample.hold', { id: String(row.hold) })}</a>`}</td>
      </tr>`,
    )}</tbody>
  </table></div>`;
}
