/** What is known of a unit in stock, in the units in which people tell it. */
import { number, t, unitSymbol } from '../../i18n.js';

/** @typedef {{scale: number, unit: string, digits: number}} Axis `scale`: so many of its units are one of the server's */

/** @type {Record<string, Axis>} */
export const AXES = {
  ocv_v: { scale: 1, unit: 'V', digits: 4 },
  dcir_ohm: { scale: 1000, unit: 'mΩ', digits: 3 },
  capacity_ah: { scale: 1, unit: 'Ah', digits: 3 },
  k_mv_per_d: { scale: 1, unit: 'mV/d', digits: 2 },
  age_d: { scale: 1, unit: 'd', digits: 1 },
};

/** @type {Axis} */
const PLAIN = { scale: 1, unit: '', digits: 3 };

/** @param {string} name */
export const axisOf = (name) => AXES[name] ?? PLAIN;

/** @param {string} name */
export const axisName = (name) => t(`matching_axis.${name}`);

/** A value in the unit of its axis, without it. @param {string} name @param {number | null | undefined} value */
export function shown(name, value) {
  const { scale, digits } = axisOf(name);
  return value === null || value === undefined ? t('common.unknown') : number(value * scale, { digits });
}

/** The same with it. @param {string} name @param {number | null | undefined} value */
export const told = (name, value) => (value === null || value === undefined ? t('common.unknown') : `${shown(name, value)}\u00a0${unitSymbol(axisOf(name).unit)}`);

/** How far units of a group may lie apart: voltages in millivolts, as windows are written. @param {string} name @param {number} window */
export const windowTold = (name, window) => (name === 'ocv_v' ? `${number(Number((window * 1000).toPrecision(6)))}\u00a0mV` : told(name, window));

/** Columns of a table, one for each value. @returns {import('../../components/table_cells.js').Column[]} */
export const valueColumns = () => Object.entries(AXES).map(([key, { unit }]) => ({ key, label: axisName(key), unit, kind: 'number', render: (row) => shown(key, row[key]) }));
