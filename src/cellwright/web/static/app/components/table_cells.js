/** How a cell of a table is shown, sorted and copied, by the kind of its column. */
import { html } from '../../vendor/preact.js';
import { age, dateTime, duration, number, quantity, t, unitSymbol, word } from '../i18n.js';
import { VerdictChip } from './verdict.js';

/** @typedef {Record<string, any>} Row */
/**
 * @typedef {Object} Column
 * @property {string} key of the row's field
 * @property {string} label translated
 * @property {'text' | 'code' | 'number' | 'ratio' | 'time' | 'age' | 'duration' | 'word' | 'verdict'} [kind]
 * @property {string | null} [unit] stands in the heading
 * @property {number} [digits]
 * @property {string} [area] of the catalogue, for kind `word`
 * @property {(row: Row) => string | null | undefined} [href]
 * @property {(row: Row) => any} [render] instead of what the kind would show
 * @property {boolean} [isHidden] until the viewer picks it
 * @property {boolean} [isFixed] cannot be hidden or sorted away: actions
 */

const NUMERIC = new Set(['number', 'ratio', 'age', 'duration']);

/** @param {Column} column */
export const isNumeric = ({ kind }) => NUMERIC.has(kind ?? 'text');

/** @param {Column} column */
export const heading = ({ label, unit, kind }) => (kind !== 'ratio' && unitSymbol(unit) ? `${label} (${unitSymbol(unit)})` : label);

/** A cell as words: what is shown, searched and copied. @param {Column} column @param {Row} row @returns {string} */
export function cellText(column, row) {
  const value = row[column.key];
  if (value === null || value === undefined) return t('common.unknown');
  switch (column.kind) {
    case 'number':
      return number(value, { digits: column.digits });
    case 'ratio':
      return quantity(value, 'ratio', { digits: column.digits ?? 1 });
    case 'time':
      return dateTime(value);
    case 'age':
      return age(value);
    case 'duration':
      return duration(value);
    case 'word':
      return word(column.area ?? column.key, value);
    case 'verdict':
      return word('verdict', value);
    default:
      return String(value);
  }
}

/** @param {{column: Column, row: Row}} props */
export function Cell({ column, row }) {
  if (column.render) return column.render(row);
  const value = row[column.key];
  if (value === null || value === undefined) return html`<span class="muted">${t('common.unknown')}</span>`;
  if (column.kind === 'verdict') return html`<${VerdictChip} verdict=${value} />`;
  const text = cellText(column, row);
  const shown = column.kind === 'code' ? html`<span class="code">${text}</span>` : text;
  const href = column.href?.(row);
  return href ? html`<a href=${href}>${shown}</a>` : shown;
}

const words = new Intl.Collator(undefined, { numeric: true });

/** Order two rows by a column; unknown comes last whichever way. @param {Column} column @param {boolean} isDescending */
export function byColumn(column, isDescending) {
  const sign = isDescending ? -1 : 1;
  /** @param {Row} left @param {Row} right */
  return (left, right) => {
    const [a, b] = [left[column.key], right[column.key]];
    if (a === b) return 0;
    if (a === null || a === undefined) return 1;
    if (b === null || b === undefined) return -1;
    const isNumber = typeof a === 'number' && typeof b === 'number';
    return sign * (isNumber ? a - b : words.compare(cellText(column, left), cellText(column, right)));
  };
}

/** Rows as Excel pastes them. @param {Column[]} columns @param {Row[]} rows */
export function tsv(columns, rows) {
  /** @param {string} text */
  const clean = (text) => text.replace(/[\t\r\n]+/g, ' ');
  const lines = [columns.map(heading), ...rows.map((row) => columns.map((column) => cellText(column, row)))];
  return lines.map((cells) => cells.map(clean).join('\t')).join('\n');
}

/** To the clipboard, also where the address is not a secure one. @param {string} text */
export async function copy(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.body.appendChild(document.createElement('textarea'));
  area.value = text;
  area.select();
  document.execCommand('copy');
  area.remove();
}
