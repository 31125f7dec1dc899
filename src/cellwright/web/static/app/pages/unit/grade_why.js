/** Why a cell has its grade: every limit of every grade, the value that was asked for, and how that was corrected. */
import { html, useMemo } from '../../../vendor/preact.js';
import { dateTime, number, quantity, t } from '../../i18n.js';
import { defect } from '../../names.js';
import { characteristic, CodeLink, digitsOf, operation } from '../../objects.js';
import { limitsText, ValueBar } from '../../components/value_bar.js';
import { VerdictChip } from '../../components/verdict.js';
import { VirtualTable } from '../../components/virtual_table.js';

/** @typedef {Record<string, any>} Row as the server tells it */

/** @param {number | null} ratio */
const percent = (ratio) => quantity(ratio, 'ratio', { digits: 2 });

/** @param {number} ratio */
const change = (ratio) => quantity(ratio, 'ratio', { digits: 2, is_signed: true });

/** The value that the limit was asked of. @param {Row} row */
const asked = (row) => (row.is_corrected ? row.corrected : row.measured);

/** @param {Row} row */
const digits = (row) => digitsOf(asked(row), row);

/** It was measured, but what was asked for could not be worked out of it. @param {Row} row */
const isDoubtful = (row) => row.is_corrected && row.corrected === null && row.measured !== null;

/** What decided: the first limit of the first better grade that was not met. @param {Row} why */
function sentence(why) {
  const decisive = why.limits.find((/** @type {Row} */ each) => each.grade !== why.grade && (each.is_met === false || (each.is_met === null && each.is_required)));
  if (!why.grade) return why.defect ? t('grade_why.not_good', { defect: defect(why.defect) }) : t('grade_why.none');
  if (!decisive) return t('grade_why.all_met', { grade: why.grade });
  const names = { grade: why.grade, better: decisive.grade, name: characteristic(decisive.characteristic) };
  if (isDoubtful(decisive)) return t('grade_why.doubtful', names);
  if (decisive.is_met === null) return t('grade_why.not_measured', names);
  const limits = limitsText(decisive, decisive.unit, digits(decisive));
  return t('grade_why.outside', { ...names, value: quantity(asked(decisive), decisive.unit, { digits: digits(decisive) }), limits });
}

/** @param {Row} row */
function Verdict(row) {
  const { is_met, is_required } = row;
  if (isDoubtful(row)) return html`<${VerdictChip} verdict="open" text=${t('common.unknown')} />`;
  if (is_met === null) return html`<${VerdictChip} verdict="open" text=${t(is_required ? 'verdict.not_measured' : 'grade_why.not_asked')} />`;
  return html`<${VerdictChip} verdict=${is_met ? 'pass' : 'fail'} />`;
}

/** @param {Row} row */
function errorOf(row) {
  if (row.error_mv_per_h !== null) return `± ${quantity(row.error_mv_per_h, row.unit, { digits: digits(row) })}`;
  return row.error_ratio === null ? t('grade_why.error_unknown') : `± ${percent(row.error_ratio)}`;
}

/** @param {Row} row */
function Corrected(row) {
  if (row.corrected === null) return html`<span class="muted">${t(isDoubtful(row) ? 'common.unknown' : 'grade_why.uncorrected')}</span>`;
  return html`<b>${quantity(row.corrected, row.unit, { digits: digits(row) })}</b> <span class="secondary nowrap">${errorOf(row)}</span>`;
}

/** @param {{why: Row}} props */
export function GradeWhy({ why }) {
  const columns = useMemo(
    () => [
      { key: 'grade', label: t('column.grade') },
      { key: 'characteristic', label: t('column.characteristic'), kind: 'word', area: 'term', render: (/** @type {Row} */ row) => html`<span title=${row.characteristic}>${characteristic(row.characteristic)}</span>` },
      { key: 'measured', label: t('grade_why.measured'), kind: 'number', render: (/** @type {Row} */ row) => html`<span class=${row.is_corrected ? 'secondary' : ''}>${quantity(row.measured, row.unit, { digits: digits(row) })}</span>` },
      { key: 'corrected', label: t('grade_why.corrected'), kind: 'number', render: (/** @type {Row} */ row) => html`<${Corrected} ...${row} />` },
      { key: 'bar', kind: 'code', label: t('check.against'), isFixed: true, render: (/** @type {Row} */ row) => html`<span class="measured-bar"><${ValueBar} value=${asked(row)} unit=${row.unit} lower=${row.lower} upper=${row.upper} digits=${digits(row)} label=${row.characteristic} /></span>` },
      { key: 'lower', label: t('column.limits'), kind: 'code', render: (/** @type {Row} */ row) => html`<span class="secondary nowrap">${limitsText(row, row.unit, digits(row))}</span>` },
      { key: 'margin', label: t('grade_why.margin'), kind: 'number', render: (/** @type {Row} */ row) => quantity(row.margin, row.unit, { digits: digits(row), is_signed: true }) },
      { key: 'is_met', label: t('check.verdict'), kind: 'code', render: (/** @type {Row} */ row) => html`<${Verdict} ...${row} />` },
    ],
    [],
  );
  return html`<div class="stack">
    <div><p class="now">${sentence(why)}</p>
    <p class="secondary">${t('grade_why.rules', { operation: operation(why.operation), route: why.route, revision: why.revision, time: dateTime(why.time_us) })} <${CodeLink} kind="station" code=${why.station} /></p></div>
    ${why.limits.length > 0 && html`<${VirtualTable} caption=${t('grade_why.title')} columns=${columns} rows=${why.limits} hasTools=${false} />`}
    ${why.corrections.length > 0 && html`<ul>${why.corrections.map((/** @type {Row} */ each) => html`<li key=${each.characteristic}><${Applied} ...${each} gauges=${why.gauges} /></li>`)}</ul>`}
  </div>`;
}

/** How one characteristic was corrected, and by whose release. @param {Row} row */
function Applied({ characteristic: code, temperature_c, reference_c, version, released_us, released_by, gauges }) {
  const own = gauges.filter((/** @type {Row} */ each) => each.characteristic === code);
  const parts = own.map((/** @type {Row} */ each) => {
    const names = { gauge: characteristic(each.by), level: each.level };
    if (each.offset_ratio === null) return t('grade_why.gauge_unknown', names);
    return t('grade_why.gauge', { ...names, offset: change(each.offset_ratio), error: percent(each.error_ratio), n: number(each.count) });
  });
  if (temperature_c !== null) parts.unshift(t('grade_why.temperature', { temperature: quantity(temperature_c, 'C', { digits: 1 }), reference: quantity(reference_c, 'C', { digits: 1 }) }));
  const release = version ? t('grade_why.version', { version, time: dateTime(released_us), person: released_by }) : t('grade_why.unreleased');
  return html`<b>${characteristic(code)}</b>: ${parts.join('; ')}. <span class="secondary">${release}</span>`;
}
