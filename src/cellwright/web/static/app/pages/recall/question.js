/** What is in doubt: lots with a stretch and a lane, and what a station worked on; it lives in the address. */
import { html, useEffect, useId, useRef, useState } from '../../../vendor/preact.js';
import { getJson, Problem } from '../../api.js';
import { Icon } from '../../components/icon.js';
import { Card } from '../../components/page_head.js';
import { ErrorState } from '../../components/states.js';
import { dateTime, fromZone, has, t, timeZone, unitSymbol } from '../../i18n.js';
import { nameWord } from '../../names.js';
import { addressOf, amount, positionScale as scaleOf, term } from '../../objects.js';
import { onScan } from '../../scan.js';

/**
 * A lot as somebody names it; `start` and `end` are what stands in the fields, in the unit people tell the lot in.
 * @typedef {{lot: string, start: string, end: string, lane: string, measure: string, material: string, quantity: number | null}} LotRow
 */
/** @typedef {{station: string, from: string, to: string, tool: string, channel: string, carrier: string}} StationRow */

const NARROWING = /** @type {const} */ (['tool', 'channel', 'carrier']);
/** @typedef {Record<string, string>} Problems by the path of the field, as the server names it */

const NO_LOT = { lot: '', start: '', end: '', lane: '', measure: '', material: '', quantity: null };
const NO_STATION = { station: '', from: '', to: '', tool: '', channel: '', carrier: '' };
const TIME = /^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d)?)?$/;

/** @param {any} lot @returns {LotRow} */
const rowOf = (lot) => {
  const [scale] = scaleOf(lot.measure);
  /** @param {number | null} value */
  const shown = (value) => (value === null ? '' : String(value / scale));
  return { ...lot, start: shown(lot.start), end: shown(lot.end), lane: lot.lane ? String(lot.lane) : '' };
};

/** @param {number} time_us */
const written = (time_us) => (time_us ? dateTime(time_us).replace(/:00$/, '') : '');

/** @param {{path: string, code: string, text: string, values: Record<string, any>}} problem */
function textOf({ code, text, values }) {
  if (!has(`recall_problem.${code}`)) return text;
  return t(`recall_problem.${code}`, 'quantity' in values ? { ...values, quantity: amount(values.quantity, values.measure) } : values);
}

/** What a scanned or typed text names: a lot, or what is wrong with it. @param {string} text @returns {Promise<Partial<LotRow> & {problem?: string}>} */
async function findLot(text) {
  try {
    const { is_exact, hits } = await getJson(`/search.json?q=${encodeURIComponent(text)}`);
    const hit = is_exact && hits.find((/** @type {any} */ each) => each.kind === 'lot');
    if (hit) {
      const { lot } = await getJson(`${addressOf('lot', hit.code)}.json`);
      return { lot: lot.code, measure: lot.measure, material: lot.material, quantity: lot.quantity };
    }
    const isUnit = is_exact && hits.some((/** @type {any} */ each) => ['cell', 'module', 'pack'].includes(each.kind));
    return { problem: t(isUnit ? 'recall_problem.is_unit' : 'recall_problem.unknown', { lot: text }) };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { problem: error.status ? error.message : t('form.no_answer') };
  }
}

/** @param {{lots: any[], stations: any[], problems: any[], plan: any, station_names: {code: string, name: string}[]}} props */
export function QuestionCard({ lots: asked, stations: askedStations, problems: told, plan, station_names }) {
  const [lots, setLots] = useState(() => (asked.length > 0 ? asked.map(rowOf) : [NO_LOT]));
  const [stations, setStations] = useState(() =>
    askedStations.length > 0 ? askedStations.map(({ from_us, to_us, channel, ...others }) => ({ ...others, from: written(from_us), to: written(to_us), channel: channel === null ? '' : String(channel) })) : [NO_STATION],
  );
  const [problems, setProblems] = useState(/** @type {Problems} */ (Object.fromEntries(told.map((each) => [each.path, textOf(each)]))));
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const latest = useRef({ lots });
  latest.current = { lots };

  /** @param {number} index @param {Partial<LotRow>} changes */
  const changeLot = (index, changes) => setLots((old) => old.map((each, number) => (number === index ? { ...each, ...changes } : each)));
  /** @param {string} path @param {string} [text] */
  const say = (path, text) => setProblems(({ [path]: _, ...others }) => (text ? { ...others, [path]: text } : others));
  /** @param {number} index @param {string} text @returns {Promise<Partial<LotRow> & {problem?: string}>} */
  const lookUp = async (index, text) => {
    if (!text.trim()) return {};
    const { problem, ...found } = await findLot(text.trim());
    say(`lots.${index}.lot`, problem);
    changeLot(index, found);
    return { problem, ...found };
  };
  const scan = (/** @type {string} */ code) => {
    const rows = latest.current.lots;
    const free = rows.findIndex(({ lot }) => !lot.trim());
    const index = free < 0 ? rows.length : free;
    setLots(free < 0 ? [...rows, { ...NO_LOT, lot: code }] : rows.map((each, number) => (number === index ? { ...NO_LOT, lot: code } : each)));
    void lookUp(index, code);
  };
  useEffect(() => onScan(scan), []);

  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    const known = await Promise.all(lots.map(async (row, index) => ({ ...row, ...((row.start || row.end) && !row.measure ? await lookUp(index, row.lot) : {}) })));
    const found = { ...problemsOfLots(known), ...problemsOfStations(stations) };
    if (known.every(({ lot }) => !lot.trim()) && stations.every(({ station }) => !station)) found['lots.0.lot'] = t('recall_problem.nothing');
    setProblems(found);
    const first = Object.keys(found)[0];
    if (first) /** @type {HTMLElement | null} */ (form.current?.elements.namedItem(first))?.focus();
    else window.location.assign(`/recall?${queryOf(known, stations)}`);
  };
  const placed = new Set([...lots.flatMap((_, index) => ['lot', 'start', 'end', 'lane'].map((name) => `lots.${index}.${name}`)), ...stations.flatMap((_, index) => Object.keys(NO_STATION).map((name) => `stations.${index}.${name}`))]);
  const others = Object.entries(problems).filter(([path]) => !placed.has(path));
  return html`<${Card} id="question" title=${t('recall.question')} note=${html`<span class="screen-only">${t('recall.scan')}</span>`}>
    <form class="form recall-form" ref=${form} novalidate aria-label=${t('recall.question')} onSubmit=${submit}>
      ${lots.map((row, index) => html`<${LotFields} key=${index} ...${{ row, index, problems, lookUp, change: (/** @type {Partial<LotRow>} */ changes) => changeLot(index, changes), remove: lots.length > 1 && (() => setLots(lots.filter((_, number) => number !== index))) }} />`)}
      ${stations.map((row, index) => html`<${StationFields} key=${index} ...${{ row, index, problems, names: station_names, change: (/** @type {Partial<StationRow>} */ changes) => setStations((old) => old.map((each, number) => (number === index ? { ...each, ...changes } : each))) }} />`)}
      ${others.map(([path, text]) => html`<${ErrorState} key=${path} text=${text} />`)}
      <div class="form-actions">
        ${(plan || told.length > 0) && html`<a class="button button-quiet" href="/recall">${t('recall.anew')}</a>`}
        <button type="button" class="button" onClick=${() => setLots([...lots, NO_LOT])}>${t('recall.add_lot')}</button>
        <button type="submit" class="button ${plan ? '' : 'button-main'}">${t('recall.ask')}</button>
      </div>
    </form>
  <//>`;
}

/** @param {LotRow[]} rows @returns {Problems} */
function problemsOfLots(rows) {
  /** @type {Problems} */
  const found = {};
  rows.forEach((row, index) => {
    const problem = /** @type {any} */ (row).problem;
    if (problem) found[`lots.${index}.lot`] = problem;
    else if (!row.lot.trim() && (row.start || row.end || row.lane)) found[`lots.${index}.lot`] = t('form.required');
    for (const name of /** @type {const} */ (['start', 'end', 'lane'])) {
      const value = Number(row[name]);
      if (row[name].trim() && !(value >= 0 && (name !== 'lane' || Number.isInteger(value)))) found[`lots.${index}.${name}`] = t('form.number');
    }
    if (row.start.trim() && row.end.trim() && Number(row.start) >= Number(row.end)) found[`lots.${index}.end`] = t('recall_problem.reversed');
  });
  return found;
}

/** @param {StationRow[]} rows @returns {Problems} */
function problemsOfStations(rows) {
  /** @type {Problems} */
  const found = {};
  rows.forEach((row, index) => {
    if (!row.station && (row.from.trim() || row.to.trim())) found[`stations.${index}.station`] = t('form.required');
    if (!row.station) return;
    for (const name of /** @type {const} */ (['from', 'to'])) if (!TIME.test(row[name].trim()) || Number.isNaN(moment(row[name]))) found[`stations.${index}.${name}`] = t('recall_problem.time');
    if (row.channel.trim() && !/^\d{1,5}$/.test(row.channel.trim())) found[`stations.${index}.channel`] = t('recall_problem.channel');
  });
  return found;
}

/** @param {string} text */
const moment = (text) => Date.parse(`${text.trim().replace(' ', 'T')}${text.trim().length === 10 ? 'T00:00' : ''}Z`);

/** A time of a field as the address says it, in UTC. @param {string} text */
const isoOf = (text) => new Date(fromZone(new Date(moment(text)).toISOString().slice(0, 19)) / 1000).toISOString().slice(0, 19);

/** Of several, each has all columns, so that the server knows which belongs to which. @param {LotRow[]} lots @param {StationRow[]} stations */
function queryOf(lots, stations) {
  const query = new URLSearchParams();
  const rows = lots.filter(({ lot }) => lot.trim());
  const isUsed = Object.fromEntries(['start', 'end', 'lane'].map((name) => [name, rows.some((row) => /** @type {any} */ (row)[name].trim())]));
  for (const row of rows) {
    const [scale] = scaleOf(row.measure);
    /** @param {string} text */
    const whole = (text) => (text.trim() ? String(Math.round(Number(text) * scale)) : '');
    query.append('lot', row.lot.trim());
    if (isUsed.start) query.append('start', whole(row.start));
    if (isUsed.end) query.append('end', whole(row.end));
    if (isUsed.lane) query.append('lane', row.lane.trim());
  }
  const machines = stations.filter((each) => each.station);
  const isNarrowed = Object.fromEntries(NARROWING.map((name) => [name, machines.some((row) => row[name].trim())]));
  for (const row of machines) {
    query.append('machine', row.station);
    query.append('from', isoOf(row.from));
    query.append('to', isoOf(row.to));
    for (const name of NARROWING) if (isNarrowed[name]) query.append(name, row[name].trim());
  }
  return query;
}

/** @typedef {{name: string, label: string, value: string, problem?: string, help?: string, set: (value: string) => void}} FieldProps */

/** @param {FieldProps & {isCode?: boolean, isNumber?: boolean, leave?: () => void, placeholder?: string}} props */
function TextField({ name, label, value, problem, help, set, isCode, isNumber, leave, placeholder }) {
  const id = useId();
  return html`<div class="field">
    <label class="field-label" for=${id}>${label}</label>
    <input class="input ${isCode ? 'code' : ''}" type="text" ...${{ id, name, value, placeholder }} inputmode=${isNumber ? 'decimal' : undefined} autocomplete="off" spellcheck=${false}
      aria-invalid=${problem ? 'true' : undefined} aria-describedby="${id}-help" onBlur=${leave}
      onInput=${(/** @type {Event} */ event) => set(/** @type {HTMLInputElement} */ (event.currentTarget).value)} />
    <span class=${problem ? 'field-error' : 'field-help'} id="${id}-help" role=${problem ? 'alert' : undefined}>${problem ?? help}</span>
  </div>`;
}

/** @param {{row: LotRow, index: number, problems: Problems, change: (changes: Partial<LotRow>) => void, lookUp: (index: number, text: string) => Promise<unknown>, remove: false | (() => void)}} props */
function LotFields({ row, index, problems, change, lookUp, remove }) {
  const [, unit] = scaleOf(row.measure);
  /** @param {string} name @param {string} [withUnit] */
  const about = (name, withUnit) => ({
    name: `lots.${index}.${name}`,
    label: withUnit ? `${t(`recall.${name}`)} (${unitSymbol(withUnit)})` : t(`recall.${name}`),
    value: /** @type {any} */ (row)[name],
    problem: problems[`lots.${index}.${name}`],
    set: (/** @type {string} */ value) => change({ [name]: value }),
  });
  const help = row.quantity === null ? undefined : `${term(row.material)}, ${amount(row.quantity, row.measure)}`;
  const change_lot = (/** @type {string} */ lot) => change({ ...NO_LOT, lot, start: row.start, end: row.end, lane: row.lane });
  return html`<div class="recall-lot" role="group" aria-label=${t('recall.nth_lot', { n: index + 1 })}>
    <${TextField} ...${about('lot')} isCode help=${help} set=${change_lot} leave=${() => !row.measure && lookUp(index, row.lot)} />
    <${TextField} ...${about('start', unit)} isNumber placeholder=${t('recall.beginning')} />
    <${TextField} ...${about('end', unit)} isNumber placeholder=${t('recall.its_end')} />
    <${TextField} ...${about('lane')} isNumber placeholder=${t('facet.all')} />
    ${remove && html`<button type="button" class="icon-button" aria-label=${t('recall.remove_lot', { n: index + 1 })} onClick=${remove}><${Icon} name="close" /></button>`}
  </div>`;
}

/** @param {{row: StationRow, index: number, problems: Problems, names: {code: string, name: string}[], change: (changes: Partial<StationRow>) => void}} props */
function StationFields({ row, index, problems, names, change }) {
  const id = useId();
  const problem = problems[`stations.${index}.station`];
  const isOther = row.station && !names.some(({ code }) => code === row.station);
  /** @param {'from' | 'to'} name */
  const about = (name) => ({ ...field(name, `${t(`column.${name}`)} (${timeZone()})`), placeholder: t('audit.time_form') });
  /** @param {keyof StationRow} name @param {string} [label] */
  const field = (name, label) => ({ name: `stations.${index}.${name}`, label: label ?? t(`recall.${name}`), value: row[name], problem: problems[`stations.${index}.${name}`], placeholder: t('facet.all'), set: (/** @type {string} */ value) => change({ [name]: value }) });
  return html`<div class="recall-station" role="group" aria-label=${t('recall.worked')}>
    <div class="field">
      <label class="field-label" for=${id}>${t('recall.station')}</label>
      <select class="input" id=${id} name="stations.${index}.station" aria-invalid=${problem ? 'true' : undefined} aria-describedby="${id}-help" value=${row.station}
        onChange=${(/** @type {Event} */ event) => change({ station: /** @type {HTMLSelectElement} */ (event.currentTarget).value })}>
        <option value="">${t('recall.no_station')}</option>
        ${isOther && html`<option value=${row.station}>${row.station}</option>`}
        ${names.map(({ code, name }) => html`<option key=${code} value=${code}>${code} ${nameWord(name)}</option>`)}
      </select>
      <span class=${problem ? 'field-error' : 'field-help'} id="${id}-help" role=${problem ? 'alert' : undefined}>${problem}</span>
    </div>
    <${TextField} ...${about('from')} />
    <${TextField} ...${about('to')} />
    ${row.station && NARROWING.map((name) => html`<${TextField} key=${name} ...${field(name)} isCode=${name !== 'channel'} isNumber=${name === 'channel'} />`)}
  </div>`;
}
