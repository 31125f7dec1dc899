import { html, useMemo } from '../../vendor/preact.js';
import { quantity, t } from '../i18n.js';
import { characteristic, digitsOf, operation, pageOf } from '../objects.js';
import { limitsText, ValueBar } from './value_bar.js';
import { VerdictChip } from './verdict.js';
import { VirtualTable } from './virtual_table.js';

/** @typedef {Record<string, any>} Measured a value as the server tells it */

/** @param {Measured} row */
const digits = (row) => digitsOf(row.value, row);

/** @param {Measured} row */
function Verdict({ value, is_good }) {
  if (value === null) return html`<${VerdictChip} verdict="open" text=${t('verdict.not_measured')} />`;
  if (is_good === null) return html`<span class="muted">${t('limits.none')}</span>`;
  return html`<${VerdictChip} verdict=${is_good ? 'pass' : 'fail'} />`;
}

/**
 * Measured values, every attempt, each against its limits; unknown is written as unknown.
 * @param {{rows: Measured[], names?: Record<string, string>}} props names of operations by code
 */
export function MeasuredTable({ rows, names = {} }) {
  const columns = useMemo(
    () => [
      { key: 'operation', label: t('column.operation'), kind: 'word', area: 'term', render: (/** @type {Measured} */ row) => html`<span title=${names[row.operation] ?? row.operation}>${operation(row.operation, names[row.operation])}</span>` },
      { key: 'characteristic', label: t('column.characteristic'), kind: 'word', area: 'term', render: (/** @type {Measured} */ row) => html`<span title=${row.characteristic}>${characteristic(row.characteristic)}</span>` },
      { key: 'value', label: t('column.value'), kind: 'number', render: (/** @type {Measured} */ row) => html`<b class=${row.is_good === false && row.value !== null ? 'late' : ''}>${quantity(row.value, row.unit, { digits: digits(row) })}</b>` },
      { key: 'bar', kind: 'code', label: t('check.against'), isFixed: true, render: (/** @type {Measured} */ row) => html`<span class="measured-bar"><${ValueBar} ...${row} digits=${digits(row)} label=${row.characteristic} /></span>` },
      { key: 'lower', label: t('column.limits'), kind: 'code', render: (/** @type {Measured} */ row) => html`<span class="secondary nowrap">${limitsText(row, row.unit, digits(row))}</span>` },
      { key: 'is_good', label: t('check.verdict'), kind: 'code', render: (/** @type {Measured} */ row) => html`<${Verdict} ...${row} />` },
      { key: 'attempt', label: t('column.attempt'), kind: 'number', render: (/** @type {Measured} */ row) => row.attempt ?? '' },
      { key: 'station', label: t('column.station'), kind: 'code', href: (/** @type {Measured} */ row) => pageOf('station', row.station) },
      { key: 'time_us', label: t('column.time'), kind: 'time' },
    ],
    [names],
  );
  const ordered = useMemo(() => rows.toReversed(), [rows]);
  return html`<${VirtualTable} caption=${t('unit.measurements')} columns=${columns} rows=${ordered} settings="measured" />`;
}
