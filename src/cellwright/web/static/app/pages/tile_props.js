/** From what the server says of a station to what its tile shows. */
import { number, t, word } from '../i18n.js';
import { nameWord } from '../names.js';
import { pageOf } from '../objects.js';

/**
 * @typedef {Object} Tile as web/tiles.py gives it
 * @property {string} station
 * @property {string} name
 * @property {string} work_center
 * @property {string[]} operations
 * @property {'running' | 'idle' | 'starved' | 'setup' | 'offline'} state
 * @property {number | null} since_us
 * @property {string} operation
 * @property {string} unit
 * @property {string} unit_kind
 * @property {number} running_count
 * @property {number} capacity_count
 * @property {number | null} waiting_count
 * @property {number | null} last_cycle_s
 * @property {number | null} median_cycle_s
 * @property {number} cycles_count
 * @property {number} ok_count
 * @property {number} ng_count
 * @property {number} refused_count
 * @property {{code: string, text: string, time_us: number, reasons_count: number, is_last: boolean} | null} refusal
 * @property {number} last_fact_us
 */

/** The page of what is in process. @param {Tile} tile */
export const unitAddress = ({ unit, unit_kind }) => (unit ? pageOf(unit_kind, unit) : null);

/** What a station without a unit waits for, as a sentence. @param {Tile} tile */
export function waitsFor({ state, refusal, waiting_count }) {
  if ((state === 'starved' || state === 'setup') && refusal?.is_last) return word('refusal', refusal.code);
  if (waiting_count === null) return t('tile.no_unit');
  return waiting_count === 0 ? t('tile.nothing_waits') : t('tile.waiting', { n: waiting_count });
}

/**
 * @param {Tile} tile
 * @param {number} now_us plant time
 * @param {boolean} isStale
 * @returns {import('../components/station_tile.js').Station}
 */
export function tileProps(tile, now_us, isStale) {
  const { refusal, since_us, running_count, unit } = tile;
  return {
    code: tile.station,
    name: running_count > 1 ? t('tile.name_count', { name: nameWord(tile.name), count: number(running_count) }) : nameWord(tile.name),
    state: tile.state,
    state_age_us: since_us === null ? null : Math.max(0, now_us - since_us),
    unit: unit || null,
    unit_href: unitAddress(tile),
    waits_for: waitsFor(tile),
    cycle_s: tile.last_cycle_s,
    good_count: tile.ok_count,
    bad_count: tile.ng_count,
    refusal: refusal && { text: word('refusal', refusal.code), age_us: Math.max(0, now_us - refusal.time_us) },
    is_stale: isStale,
  };
}
