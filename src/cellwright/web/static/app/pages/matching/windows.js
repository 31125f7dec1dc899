/** Windows as people write them: millivolts and per cent; the server keeps volts and ratios. */
import { number, quantity, t } from '../../i18n.js';

/** @typedef {Record<string, any>} Data */
/** @typedef {{name: string, scale: number, unit: string, isOptional: boolean, least: number, most: number}} Field bounds in the unit that is written */

/** @type {Field[]} */
export const FIELDS = [
  { name: 'window_ocv_v', scale: 1000, unit: 'mV', isOptional: false, least: 0.001, most: 500 },
  { name: 'window_dcir_ratio', scale: 100, unit: '%', isOptional: false, least: 0.0001, most: 100 },
  { name: 'window_capacity_ratio', scale: 100, unit: '%', isOptional: true, least: 0.0001, most: 100 },
  { name: 'max_age_d', scale: 1, unit: 'd', isOptional: false, least: 0, most: 36_500 },
  { name: 'max_k_mv_per_d', scale: 1, unit: 'mV/d', isOptional: true, least: 0, most: 100 },
];

/** @param {Field} field @param {number | null | undefined} value */
export const writtenOf = ({ scale }, value) => (value === null || value === undefined ? '' : String(Number((value * scale).toPrecision(12))));

/** @param {Field} field @param {number | null} value */
export const windowText = ({ scale, unit }, value) => (value === null ? t('matching.free') : `${number(Number((value * scale).toPrecision(6)))}\u00a0${unit}`);

/** What is wrong with what was written, "" = nothing. @param {Field} field @param {string} text */
export function problemOf({ isOptional, least, most, unit }, text) {
  if (!text.trim()) return isOptional ? '' : t('form.required');
  const value = Number(text.trim().replace(',', '.'));
  return value >= least && value <= most ? '' : t('matching.window_wrong', { least: quantity(least, unit), most: quantity(most, unit) });
}

/** @param {Field} field @param {string} text @returns {number | null} */
export const valueOf = ({ scale }, text) => (text.trim() ? Number((Number(text.trim().replace(',', '.')) / scale).toPrecision(12)) : null);

/** What the address says of windows that are tried; those that are as in force are left out. @param {Data | null} tried @param {Data} in_force @returns {Record<string, string | null>} */
export function queryOf(tried, in_force) {
  const names = [...FIELDS.map(({ name }) => name), 'mix_batches'];
  return Object.fromEntries(names.map((name) => [name, tried === null || tried[name] === in_force[name] ? null : String(tried[name] ?? 'none')]));
}

/** @param {Data} a @param {Data} b */
export const isSame = (a, b) => [...FIELDS.map(({ name }) => name), 'mix_batches'].every((name) => a[name] === b[name]);
