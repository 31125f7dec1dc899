/** The limits of each grade, to be changed, with the share outside and how capable the values are of them. */
import { html, useState } from '../../../vendor/preact.js';
import { limitsText } from '../../components/value_bar.js';
import { VirtualTable } from '../../components/virtual_table.js';
import { number, quantity, t, unitSymbol } from '../../i18n.js';
import { characteristic, digitsOf } from '../../objects.js';
import { ends, isChanged, keyOf, problemOf } from './edits.js';

/** @typedef {import('./edits.js').Edits} Edits */

/** @param {{answer: any, edits: Edits, change: (limit: any, change: any) => void}} props */
export function LimitsTable({ answer, edits, change }) {
  const rows = answer.limits.map((/** @type {any} */ each) => ({ ...each, key: keyOf(each), name: characteristic(each.characteristic) }));
  const problem = rows.map((/** @type {any} */ row) => problemOf(ends(row, edits))).find(Boolean);
  const input = (/** @type {'lower' | 'upper'} */ end) => (/** @type {any} */ row) => html`<${LimitInput} key=${row.key} ...${{ row, end, edits, change }} />`;
  const columns = [
    { key: 'grade', label: t('column.grade') },
    { key: 'name', label: t('column.characteristic') },
    { key: 'in_force', label: t('grading.in_force'), kind: 'code', render: (/** @type {any} */ row) => html`<span class="secondary nowrap">${limitsText(row, row.unit, digitsOf(row.lower ?? row.upper, row))}</span>` },
    { key: 'asked_lower', label: t('grading.lower'), kind: 'number', isFixed: true, render: input('lower') },
    { key: 'asked_upper', label: t('grading.upper'), kind: 'number', isFixed: true, render: input('upper') },
    { key: 'outside_count', label: t('grading.outside'), kind: 'number', render: Outside },
    { key: 'ppk', label: t('grading.ppk'), kind: 'number', render: Ppk },
  ];
  return html`<${VirtualTable} caption=${t('grading.limits')} columns=${columns} rows=${rows} rowKey="key" hasTools=${false} />
    <p class="caption grading-note">${t('grading.method')}</p>
    ${problem && html`<p class="field-error grading-note" role="alert">${problem}</p>`}`;
}

/** @param {any} row */
function Outside({ outside_count, known_count, outside_low_ratio, outside_high_ratio, asked_lower, asked_upper }) {
  if (asked_lower === null && asked_upper === null) return html`<span class="muted">${t('limits.none')}</span>`;
  if (known_count === 0) return html`<span class="muted">${t('common.unknown')}</span>`;
  const bound = t('grading.bound', { low: quantity(outside_low_ratio, 'ratio', { digits: 2 }), high: quantity(outside_high_ratio, 'ratio', { digits: 2 }) });
  return html`<b>${quantity(outside_count / known_count, 'ratio', { digits: 2 })}</b> <span class="secondary nowrap">${bound}</span> <span class="secondary nowrap">${t('grading.of_n', { k: outside_count, n: known_count })}</span>`;
}

/** @param {any} row */
function Ppk({ ppk, ppk_low }) {
  if (ppk === null) return html`<span class="muted">${t('common.unknown')}</span>`;
  return html`<b>${number(ppk, { digits: 2 })}</b> <span class="secondary nowrap">${t('grading.at_least', { low: number(ppk_low, { digits: 2 }) })}</span>`;
}

/** One end of a limit; empty = no limit. @param {any} props */
function LimitInput({ row, end, edits, change }) {
  const value = ends(row, edits)[/** @type {'lower' | 'upper'} */ (end)];
  const shown = value === null || Number.isNaN(value) ? '' : String(value);
  const [text, setText] = useState(shown);
  const [isOwn, setOwn] = useState(false);
  /** @param {string} typed */
  const type = (typed) => {
    setText(typed);
    const plain = typed.trim().replace(',', '.');
    change(row, { [end]: plain === '' ? null : Number(plain) });
  };
  const label = t(end === 'lower' ? 'grading.lower_of' : 'grading.upper_of', { grade: row.grade, name: row.name });
  const isOther = isChanged(row, edits);
  return html`<span class="grading-input">
    <input class="input input-short" type="text" inputmode="decimal" aria-label=${label} autocomplete="off" spellcheck=${false} placeholder=${t('limits.none')}
      data-changed=${isOther} aria-invalid=${problemOf(ends(row, edits)) !== ''} value=${isOwn ? text : shown}
      onFocus=${() => { setText(shown); setOwn(true); }} onBlur=${() => setOwn(false)} onInput=${(/** @type {any} */ event) => type(event.currentTarget.value)} />
    <span class="secondary">${unitSymbol(row.unit)}</span>
  </span>`;
}
