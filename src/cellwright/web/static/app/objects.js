/** What the pages of units, lots and lists have in common: addresses, names, stretches, the digits of a value. */
import { html } from '../vendor/preact.js';
import { has, language, number, t, unitSymbol } from './i18n.js';

/** @typedef {import('../vendor/preact.js').ComponentChildren} Children */

/** @type {Record<string, string>} */
const FOLDERS = { cell: 'units', module: 'units', pack: 'units', unit: 'units', lot: 'lots', carrier: 'carriers', station: 'stations', work: 'work', line: 'lines', order: 'orders', trace: 'trace', vehicle: 'trace', roll_map: 'roll-maps', pack_cells: 'pack-cells', welds: 'welds' };
const LIKE_DATA = /\.(json|csv|xlsx|parquet|html)$/;

/** The address of an object, without suffix; a code may hold any character. @param {string} kind @param {string} code */
export const addressOf = (kind, code) => `/${FOLDERS[kind] ?? kind}/${encodeURIComponent(code)}`;

/** The page of an object; `.html` keeps the end of a code from being taken for a suffix. @param {string} kind @param {string} code */
export const pageOf = (kind, code) => addressOf(kind, code) + (LIKE_DATA.test(code) ? '.html' : '');

/** @param {string} kind @param {string} code */
export const traceOf = (kind, code, direction = kind) => `${pageOf('trace', code)}?direction=${direction}`;

/** The page of a genealogy, or of a stretch of a lot. @param {string} direction @param {string} code */
export const genealogyOf = (direction, code) => `${pageOf('genealogy', code)}?direction=${direction}`;

/** A thing's code as a link to its page, nothing when there is none. @param {{kind: string, code: string | null | undefined}} props */
export function CodeLink({ kind, code }) {
  return code ? html`<a class="code" href=${pageOf(kind, code)}>${code}</a>` : '';
}

/**
 * What people call a thing of the plant's files: their name, in Chinese the one of the catalogue when it has one.
 * @param {string} code @param {string} [name]
 */
export function term(code, name) {
  const key = `term.${code}`;
  const isNamed = name !== undefined && name !== '' && name !== code;
  if (has(key) && (language() !== 'en' || !isNamed)) return t(key);
  return isNamed ? name : code.replaceAll('_', ' ');
}

/** What an operation is called in short; its full name when the catalogue has no word for it. @param {string} code @param {string} [name] */
export const operation = (code, name) => (has(`term.${code}`) ? t(`term.${code}`) : name || code.replaceAll('_', ' '));

/**
 * Names of characteristics end in their unit, which stands beside the value. One of many alike, as torque_07_nm, has the word
 * of torque_nm and its number.
 * @param {string} code
 */
export function characteristic(code) {
  const [, name, number, unit] = /^(.+)_(\d+)_([a-z]+)$/.exec(code) ?? [];
  return has(`term.${name}_${unit}`) ? `${t(`term.${name}_${unit}`)} ${Number(number)}` : operation(code);
}

/** @param {string | number | null | undefined} value */
const isKnown = (value) => value !== null && value !== undefined;

/** Digits behind the point that tell two values within these limits apart. @param {number | null} value @param {{lower?: number | null, upper?: number | null}} limits */
export function digitsOf(value, { lower, upper }) {
  const ends = [lower, upper].filter(isKnown).map(Number);
  if (ends.length === 2 && ends[0] === ends[1] && Number.isInteger(ends[0])) return 0;
  const span = ends.length === 2 ? Math.abs(Number(ends[1]) - Number(ends[0])) : Math.abs(ends[0] ?? value ?? 1);
  const size = Math.min(span || Math.abs(value ?? 1) || 1, Math.abs(value ?? span) * 10 || span || 1);
  return Math.max(0, Math.min(6, Math.ceil(-Math.log10(size)) + 2));
}

/** Units that people tell lengths and masses in: [from this much on, divided by, unit, digits]. @type {Record<string, [number, number, string, number][]>} */
const SCALES = {
  mm: [[1000, 1000, 'm', 3]],
  mg: [
    [1e6, 1e6, 'kg', 3],
    [1000, 1000, 'g', 1],
  ],
};

/** @type {Record<string, [number, string]>} */
const POSITION_SCALES = { mm: [1000, 'm'], mg: [1_000_000, 'kg'] };

/** @param {number} size @param {string} measure @returns {[number, string, number]} divisor, unit, digits */
function scaleOf(size, measure) {
  const found = SCALES[measure]?.find(([from]) => Math.abs(size) >= from);
  return found ? [found[1], found[2], found[3]] : [1, measure, 0];
}

/** How many of a lot's measure are one of the unit in which people write its positions, and that unit. @param {string} measure @returns {[number, string]} */
export const positionScale = (measure) => POSITION_SCALES[measure] ?? [1, ''];

/** A stretch of a lot, both ends in one unit: `58.777 to 59.736 m`. @param {number} start @param {number} end @param {string} measure */
export function stretch(start, end, measure) {
  if (measure === 'count') return t('object.pieces', { from: number(start), to: number(end) });
  const [scale, unit, digits] = scaleOf(Math.max(Math.abs(start), Math.abs(end)), measure);
  return t('object.stretch', { from: number(start / scale, { digits }), to: number(end / scale, { digits }), unit: unitSymbol(unit) });
}

/** An amount of a lot. @param {number} value @param {string} measure */
export const amount = (value, measure) => amountOf(value, measure, value, scaleOf(value, measure)[2]);

/** An amount in the unit in which the whole is told, so that the two compare. @param {number} value @param {string} measure @param {number} whole @param {number} [digits] */
export function amountOf(value, measure, whole, digits = 1) {
  if (measure === 'count') return t('object.count', { n: value });
  const [scale, unit] = scaleOf(whole, measure);
  return `${number(value / scale, { digits: scale === 1 ? 0 : digits })}\u00a0${unitSymbol(unit)}`;
}

/** How surely a stretch is known; below 0 = only which lots they were. @param {number} tolerance @param {string} basis @param {string} measure */
export function surety(tolerance, basis, measure) {
  if (basis === 'lot' || tolerance < 0) return t('basis.lot');
  if (!tolerance) return t('basis.exact');
  return `\u00b1\u00a0${amount(tolerance, measure)}`;
}

/** The state of a unit or lot as a word with its mark; only what must stop is more than grey.
 * @param {{status: string, holds?: number, area?: string}} props */
export function StatusTag({ status, holds = 0, area = 'unit_status' }) {
  const isHeld = holds > 0;
  const stop = status === 'scrapped' || status === 'rejected';
  return html`<span class="status-tag" data-stop=${stop} data-held=${isHeld}>${t(`${area}.${status}`)}</span>
    ${isHeld && html` <span class="status-tag" data-held="true">${t('object.held')}</span>`}`;
}
