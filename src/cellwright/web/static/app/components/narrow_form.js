/** Of what stretch of a lot, and as of when, something is asked: fields that become the address. */
import { html, useId, useRef, useState } from '../../vendor/preact.js';
import { t, unitSymbol } from '../i18n.js';
import { time_us as now_us } from '../live.js';
import { amount, positionScale } from '../objects.js';
import { withQuery } from './facets.js';
import { TimeField, timeIn, written } from './time_field.js';

/**
 * What the server read of the address; of a unit `measure` is "".
 * @typedef {{measure: string, quantity: number, start: number | null, end: number | null, lane: number, lanes: number[]}} Asked
 * @typedef {{start: string, end: string, lane: string, as_of: string, known: string}} Fields
 */

/**
 * `time_us`: as of when it is told; `known_us`: as of when the record is told; undefined = it cannot be asked.
 * @param {Asked & {time_us?: number | null, known_us?: number | null}} props
 */
export function NarrowForm({ time_us, known_us, ...asked }) {
  const isLot = asked.measure !== '';
  const [divisor, unit] = positionScale(asked.measure);
  const before = { ...fieldsOf(asked, time_us, divisor), known: known_us ? written(known_us) : '' };
  const [fields, setFields] = useState(before);
  const [problems, setProblems] = useState(/** @type {Record<string, string>} */ ({}));
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  if (!isLot && time_us === undefined && known_us === undefined) return null;
  /** @param {string} name @returns {any} */
  const about = (name) => ({ name, value: fields[/** @type {keyof Fields} */ (name)], problem: problems[name], set: (/** @type {string} */ value) => setFields((old) => ({ ...old, [name]: value })) });
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    const found = problemsOf(fields, asked, divisor);
    setProblems(found);
    const first = Object.keys(found)[0];
    if (first) /** @type {HTMLElement | null} */ (form.current?.elements.namedItem(first))?.focus();
    else window.location.assign(withQuery(queryOf(fields, before, divisor)));
  };
  const label = (/** @type {string} */ name) => `${t(`column.${name}`)}${unit && ` (${unitSymbol(unit)})`}`;
  const isNarrow = Object.values(before).some(Boolean);
  return html`<form class="narrow" ref=${form} novalidate aria-label=${t('narrow.title')} onSubmit=${submit}>
    ${isLot && html`<${Field} ...${about('start')} label=${label('from')} hint=${t('recall.beginning')} /><${Field} ...${about('end')} label=${label('to')} hint=${t('recall.its_end')} />`}
    ${asked.lanes.length > 0 && html`<${LaneField} ...${about('lane')} lanes=${asked.lanes} />`}
    ${time_us !== undefined && html`<${TimeField} ...${about('as_of')} label=${t('trace.as_of')} max_us=${now_us.value} />`}
    ${known_us !== undefined && html`<${TimeField} ...${about('known')} label=${t('known.field')} max_us=${now_us.value} />`}
    <div class="narrow-actions">
      <button type="submit" class="button">${t('narrow.show')}</button>
      ${isNarrow && html`<a class="button button-quiet" href=${withQuery(Object.fromEntries(['start', 'end', 'lane', ...(before.as_of ? ['as_of'] : []), ...(before.known ? ['known'] : [])].map((name) => [name, null])))}>${t('roll_map.clear')}</a>`}
    </div>
  </form>`;
}

/** @param {Asked} asked @param {number | null | undefined} time_us @param {number} divisor @returns {Omit<Fields, 'known'>} */
function fieldsOf({ start, end, lane }, time_us, divisor) {
  /** @param {number | null} value */
  const shown = (value) => (value === null ? '' : String(value / divisor));
  return { start: shown(start), end: shown(end), lane: lane ? String(lane) : '', as_of: time_us ? written(time_us) : '' };
}

/** @param {string} text */
const numberIn = (text) => (text.trim() ? Number(text.trim().replace(',', '.')) : NaN);

/** @param {Fields} fields @param {Asked} asked @param {number} divisor @returns {Record<string, string>} */
export function problemsOf(fields, { quantity, measure }, divisor) {
  /** @type {Record<string, string>} */
  const found = {};
  const [start, end] = [fields.start, fields.end].map((text) => Math.round(numberIn(text) * divisor));
  for (const [name, value] of Object.entries({ start, end })) {
    if (!fields[/** @type {'start' | 'end'} */ (name)].trim()) continue;
    if (!(Number(value) >= 0)) found[name] = t('narrow.number');
    else if (Number(value) > quantity) found[name] = t('recall_problem.outside', { quantity: amount(quantity, measure) });
  }
  const isEmpty = Number(start) >= Number(end) || Number(end) === 0 || (!fields.end.trim() && Number(start) >= quantity);
  if (Object.keys(found).length === 0 && isEmpty) found[fields.end.trim() ? 'end' : 'start'] = t('recall_problem.reversed');
  for (const name of /** @type {const} */ (['as_of', 'known'])) {
    const time_us = timeIn(fields[name] ?? '');
    if (fields[name]?.trim() && !(time_us >= 0)) found[name] = t('recall_problem.time');
    else if (time_us > now_us.value) found[name] = t('recall_problem.future');
  }
  return found;
}

/** What the address is to say: what was not touched stays as it was, to the microsecond. @param {Fields} fields @param {Fields} before @param {number} divisor */
function queryOf(fields, before, divisor) {
  /** @type {Record<string, string | null>} */
  const changes = {};
  for (const name of /** @type {const} */ (['start', 'end'])) changes[name] = fields[name].trim() ? String(Math.round(numberIn(fields[name]) * divisor)) : null;
  changes.lane = fields.lane || null;
  for (const name of /** @type {const} */ (['as_of', 'known'])) {
    if (fields[name].trim() !== before[name]) changes[name] = fields[name].trim() ? new Date(timeIn(fields[name]) / 1000).toISOString().slice(0, 19) : null;
  }
  return changes;
}

/** @typedef {{name: string, value: string, problem?: string, set: (value: string) => void}} Common */

/** @param {Common & {label: string, hint: string}} props */
function Field({ name, value, problem, set, label, hint }) {
  const id = useId();
  return html`<div class="field">
    <label class="field-label" for=${id}>${label}</label>
    <input class="input" type="text" inputmode="decimal" ...${{ id, name, value }} placeholder=${hint} autocomplete="off" spellcheck=${false}
      aria-invalid=${problem ? 'true' : undefined} aria-describedby="${id}-help" onInput=${(/** @type {any} */ { currentTarget }) => set(currentTarget.value)} />
    <span class=${problem ? 'field-error' : 'field-help'} id="${id}-help" role=${problem ? 'alert' : undefined}>${problem}</span>
  </div>`;
}

/** @param {Common & {lanes: number[]}} props */
function LaneField({ name, value, set, lanes }) {
  const id = useId();
  return html`<div class="field">
    <label class="field-label" for=${id}>${t('column.lane')}</label>
    <select class="input" ...${{ id, name, value }} onChange=${(/** @type {any} */ { currentTarget }) => set(currentTarget.value)}>
      <option value="">${t('facet.all')}</option>
      ${lanes.map((lane) => html`<option key=${lane} value=${String(lane)}>${lane}</option>`)}
    </select>
    <span class="field-help"></span>
  </div>`;
}
