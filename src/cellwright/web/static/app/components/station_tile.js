import { html } from '../../vendor/preact.js';
import { age, duration, number, quantityParts, t, word } from '../i18n.js';
import { pageOf } from '../objects.js';
import { AlarmIcon } from './alarm_icon.js';
import { Icon } from './icon.js';
import { Sparkline } from './sparkline.js';

/**
 * @typedef {'running' | 'idle' | 'starved' | 'blocked' | 'setup' | 'down' | 'offline' | 'manual'} MachineState
 * @typedef {{text: string, age_us: number | null}} LastRefusal
 *
 * @typedef {Object} Station
 * @property {string} code
 * @property {string} name
 * @property {MachineState} state
 * @property {number | null} [state_age_us] how long it has been so
 * @property {string | null} [unit] code of the unit or lot in work
 * @property {string | null} [unit_href]
 * @property {string | null} [waits_for] a sentence
 * @property {number | null} [cycle_s] the last cycle
 * @property {number | null} [cycle_target_s]
 * @property {(number | null)[]} [cycles_s] the last cycles, oldest first
 * @property {number | null} [good_count]
 * @property {number | null} [bad_count]
 * @property {LastRefusal | null} [refusal]
 * @property {1 | 2 | 3 | 4 | null} [priority] of the worst open alarm
 * @property {boolean} [is_stale]
 */

/** A cycle from here on is told in minutes and hours. */
const LONG_S = 120;

/** The glyph that says a state besides its word; running is plain. @type {Partial<Record<MachineState, string>>} */
const GLYPHS = {
  starved: 'arrow-left',
  blocked: 'arrow-right',
  setup: 'wrench',
  offline: 'offline',
  manual: 'hand',
  idle: 'wait',
};

/** A machine state in a table or a heading; `priority` is that of its alarm. @param {{state: MachineState, priority?: 1 | 2 | 3 | 4 | null}} props */
export function StateWord({ state, priority }) {
  const glyph = GLYPHS[state];
  return html`<span class="machine-state" data-state=${state}>
    ${glyph && html`<${Icon} name=${glyph} />`}${priority ? html`<${AlarmIcon} priority=${priority} size=${14} />` : null}
    ${word('machine', state)}
  </span>`;
}

/** One station of a line: what it is, what it does now, how fast, how well, and what it was refused. @param {Station} station */
export function StationTile(station) {
  const { code, name, state, state_age_us, unit, unit_href, waits_for, cycles_s, is_stale } = station;
  return html`<article class="tile ${is_stale ? 'stale' : ''}" data-state=${state} data-station=${code}>
    <header class="tile-head">
      <a class="tile-code code" href=${pageOf('station', code)}>${code}</a>
      <${StateWord} state=${state} priority=${station.priority} />
    </header>
    <p class="tile-name" title=${name}>${name}</p>
    <div class="tile-main">
      <${TileFigure} ...${station} />
      ${cycles_s && state !== 'down' && html`<${Sparkline} values=${cycles_s} label=${t('tile.cycle')} />`}
    </div>
    <p class="tile-unit" title=${unit ?? waits_for ?? ''}>
      ${unit
        ? html`<a class="code" href=${unit_href ?? pageOf('unit', unit)}>${unit}</a>`
        : html`<span class="muted">${waits_for ?? t('tile.no_unit')}</span>`}
    </p>
    <footer class="tile-foot">
      <span class="tile-count" title=${t('tile.good')}><${Icon} name="check" />${number(station.good_count)}</span>
      <span class="tile-count" title=${t('tile.bad')}><${Icon} name="cross" />${number(station.bad_count)}</span>
      <span class="tile-age" title=${t('tile.state_age')}>${state_age_us === undefined ? '' : age(state_age_us)}</span>
    </footer>
    <${Refusal} refusal=${station.refusal ?? null} />
  </article>`;
}

/** @param {Station} station */
function TileFigure({ state, state_age_us, cycle_s, cycle_target_s }) {
  if (state === 'down') return html`<span class="tile-figure">${duration(state_age_us)}</span>`;
  const isLong = (cycle_s ?? 0) >= LONG_S;
  const [value, unit] = isLong ? [duration((cycle_s ?? 0) * 1e6), ''] : quantityParts(cycle_s, t('format.s'), { digits: 1 });
  const isUnknown = cycle_s === null || cycle_s === undefined;
  return html`<span class="tile-figure ${isUnknown ? 'tile-unknown' : ''}">
    ${value}${unit && html`<small>${unit}</small>`}
    ${cycle_target_s && html`<small class="tile-target">/ ${number(cycle_target_s)}</small>`}
  </span>`;
}

/** @param {{refusal: LastRefusal | null}} props */
function Refusal({ refusal }) {
  if (!refusal) return html`<p class="tile-refusal tile-refusal-none">${t('tile.no_refusal')}</p>`;
  return html`<p class="tile-refusal" title=${refusal.text}>
    <${Icon} name="refused" /><span class="tile-refusal-text">${refusal.text}</span>
    ${refusal.age_us !== null && html`<span class="tile-age">${age(refusal.age_us)}</span>`}
  </p>`;
}

/** What lies between two stations: how many units or carriers, of how many that fit.
 * @param {{name: string, count: number | null, capacity?: number | null}} props */
export function Buffer({ name, count, capacity }) {
  const share = capacity && count !== null ? Math.min(1, count / capacity) : 0;
  const text = capacity ? t('tile.buffer_of', { count: number(count), capacity: number(capacity) }) : number(count);
  return html`<div class="buffer" title=${name} data-full=${share >= 1}>
    <${Icon} name="chevron-right" />
    <span class="buffer-count">${text}</span>
    <span class="buffer-bar" aria-hidden="true"><span style=${{ height: `${share * 100}%` }}></span></span>
    <span class="visually-hidden">${name}</span>
  </div>`;
}
