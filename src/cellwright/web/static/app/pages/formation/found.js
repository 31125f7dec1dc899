/** What stands out in a batch of tests: cells unlike the rest, and contacts that are not to be trusted. */
import { html, useMemo } from '../../../vendor/preact.js';
import { Icon } from '../../components/icon.js';
import { EmptyState } from '../../components/states.js';
import { VirtualTable } from '../../components/virtual_table.js';
import { number, quantity, t } from '../../i18n.js';
import { characteristic, pageOf } from '../../objects.js';
import { isFault, keyOf } from './cells.js';

/** @typedef {Record<string, any>} Data as the server tells it */
/** @typedef {{data: Data, chosen: string | null, choose: (key: string | null) => void}} Props */

/** Digits that tell neighbours apart, by the unit in which a feature's name ends. @type {Record<string, number>} */
const DIGITS = { ah: 3, v: 4, c: 1, ohm: 5, ratio: 2 };

/** @param {string} feature */
const unitOf = (feature) => feature.slice(feature.lastIndexOf('_') + 1);

/** @param {string} feature @param {number | null} value */
const told = (feature, value) => quantity(value, unitOf(feature), { digits: DIGITS[unitOf(feature)] });

/** Far off, a tenth says nothing any more. @param {number} sigma @param {boolean} [is_signed] */
const far = (sigma, is_signed = false) => number(is_signed ? sigma : Math.abs(sigma), { digits: Math.abs(sigma) < 100 ? 1 : 0, is_signed });

/** Why a cell is unlike the rest, in words. @param {Data} reason */
function words({ feature, off_sigma, value, median, place_ratio }) {
  if (value === null) return t(`formation.off_${feature}`, { sigma: far(off_sigma), place: quantity(place_ratio, 'ratio', { digits: 0 }) });
  return t(off_sigma < 0 ? 'formation.below' : 'formation.above', { name: characteristic(feature), value: told(feature, value), median: told(feature, median), sigma: far(off_sigma) });
}

/** Shows a curve in the chart above. @param {{code: string, name: string, chosen: string | null, choose: Props['choose']}} props */
function Show({ code, name, chosen, choose }) {
  const label = t('formation.show', { code: name });
  return html`<button type="button" class="icon-button" aria-pressed=${chosen === code} aria-label=${label} title=${label} onClick=${() => choose(chosen === code ? null : code)}><${Icon} name="chart" /></button>`;
}

/** @param {{chosen: string | null, choose: Props['choose']}} props */
function columnsOf({ chosen, choose }) {
  return [
    { key: 'shown', label: t('formation.shown'), kind: 'code', isFixed: true, render: (/** @type {Data} */ row) => html`<${Show} code=${row.key} name=${row.code} ...${{ chosen, choose }} />` },
    { key: 'code', label: t('thing.cell'), kind: 'code', href: (/** @type {Data} */ row) => pageOf('unit', row.code) },
    { key: 'channel', label: t('formation.channel'), kind: 'code', render: (/** @type {Data} */ row) => (row.channel ? html`<span class="code">${row.channel}</span>` : html`<span class="muted">${t('common.unknown')}</span>`) },
  ];
}

/** @param {Props} props */
export function Outliers({ data, chosen, choose }) {
  const rows = useMemo(() => data.cells.filter((/** @type {Data} */ each) => each.outliers.length).map(outlierRow).toSorted((/** @type {Data} */ a, /** @type {Data} */ b) => Math.abs(b.off_sigma) - Math.abs(a.off_sigma)), [data]);
  const columns = useMemo(
    () => [
      ...columnsOf({ chosen, choose }),
      { key: 'reason', label: t('formation.reason'), render: Reason },
      { key: 'value', label: t('chart.value'), kind: 'number', render: (/** @type {Data} */ row) => number_(row, row.value) },
      { key: 'median', label: t('formation.median'), kind: 'number', render: (/** @type {Data} */ row) => number_(row, row.median) },
      { key: 'sigma', label: t('formation.robust_sigma'), kind: 'number', render: (/** @type {Data} */ row) => number_(row, row.sigma) },
      { key: 'off_sigma', label: t('formation.off'), kind: 'number', render: (/** @type {Data} */ row) => html`<b class="nowrap">${t('formation.sigma', { sigma: far(row.off_sigma, true) })}</b>` },
    ],
    [rows, chosen],
  );
  if (rows.length === 0) {
    const judged = data.cells.length - data.unknown_count;
    return html`<${EmptyState} title=${t(judged > 0 ? 'formation.no_outliers' : 'formation.not_compared')} text=${t(judged > 0 ? 'formation.no_outliers_text' : 'formation.not_compared_text', { sigma: far(data.limit_sigma) })} />`;
  }
  return html`<${VirtualTable} caption=${t('formation.outliers_title')} columns=${columns} rows=${rows} rowKey="key" hrefOf=${(/** @type {Data} */ row) => pageOf('unit', row.code)} hasTools=${rows.length > 8} />`;
}

/** @param {Data} cell */
const outlierRow = (cell) => ({ key: keyOf(cell), code: cell.code, channel: cell.channel, outliers: cell.outliers, ...cell.outliers[0], reason: words(cell.outliers[0]) });

/** What is told in sigma alone has no value of its own. @param {Data} row @param {number | null} value */
const number_ = ({ feature }, value) => (value === null ? html`<span class="muted">${t('formation.shape')}</span>` : html`<span class="nowrap">${told(feature, value)}</span>`);

/** The worst reason, and the others below it. @param {Data} row */
function Reason({ outliers }) {
  const [first, ...rest] = outliers;
  return html`<span class="formation-reason">${words(first)}
    ${rest.length > 0 && html`<details><summary>${t('formation.more_reasons', { n: rest.length })}</summary><ul>${rest.map((/** @type {Data} */ each) => html`<li key=${each.feature}>${words(each)}</li>`)}</ul></details>`}</span>`;
}

/** @param {Props} props */
export function Contacts({ data, chosen, choose }) {
  const rows = useMemo(() => data.cells.filter((/** @type {Data} */ each) => each.fault === 'unknown' || isFault(each)).map((/** @type {Data} */ each) => ({ ...each, key: keyOf(each) })), [data]);
  const columns = useMemo(
    () => [
      ...columnsOf({ chosen, choose }),
      { key: 'attempt', label: t('column.attempt'), kind: 'number' },
      { key: 'fault', label: t('formation.fault'), kind: 'word', area: 'contact_fault', render: (/** @type {Data} */ row) => html`<b>${t(`contact_fault.${row.fault}`)}</b>` },
      { key: 'fault_reason', label: t('formation.what_to_do'), render: (/** @type {Data} */ row) => html`<span class="formation-reason">${faultWords(row)}</span>` },
    ],
    [rows, chosen],
  );
  const unjudged = data.cells.filter((/** @type {Data} */ each) => each.fault === 'not_judged').length;
  if (unjudged === data.cells.length) return html`<${EmptyState} title=${t('formation.contacts_unknown')} text=${t('formation.contacts_unknown_text')} />`;
  if (rows.length === 0) return html`<${EmptyState} title=${t('formation.no_contacts')} text=${t('formation.no_contacts_text')} />`;
  return html`<${VirtualTable} caption=${t('formation.contacts_title')} columns=${columns} rows=${rows} rowKey="key" hrefOf=${(/** @type {Data} */ row) => pageOf('unit', row.code)} hasTools=${rows.length > 8} />`;
}

/** What was found of a contact, and what to do. @param {Data} cell */
export function faultWords({ fault, signs, features }) {
  return t(`contact.${fault}`, {
    ohm: quantity(signs.step_ohm, 'ohm', { digits: 4 }),
    onset: quantity(features.onset_ohm, 'ohm', { digits: 4 }),
    sigma: number(signs.onset_off_sigma, { digits: 1 }),
    jumps: signs.jumps_count,
    jump: signs.greatest_jump_v === null ? t('common.unknown') : quantity(signs.greatest_jump_v * 1000, 'mV', { digits: 0 }),
    end: quantity(signs.end_v, 'V', { digits: 3 }),
    share: quantity(signs.discharge_ratio, 'ratio', { digits: 1 }),
  });
}
