/** Facts about one unit or lot as entries of a timeline. */
import { html } from '../../vendor/preact.js';
import { dateTime, has, number, t } from '../i18n.js';
import { defect } from '../names.js';
import { amount, CodeLink, operation, pageOf, term } from '../objects.js';

/** @typedef {import('../../vendor/preact.js').ComponentChildren} Children */
/** @typedef {import('./timeline.js').HistoryEvent} HistoryEvent */
/** @typedef {Record<string, any>} Fact an event as the server tells it */

/** @type {Record<string, HistoryEvent['kind']>} */
const KINDS = { Refused: 'refused', Held: 'held', Released: 'moved', Dispositioned: 'failed', CarrierLoaded: 'moved', CarrierUnloaded: 'moved', MaterialLoaded: 'moved', MaterialUnloaded: 'moved', UnitsShipped: 'moved', UnitsReturned: 'moved', PackInstalled: 'moved', PackRemoved: 'moved' };

/**
 * @param {Fact[]} facts newest first
 * @param {{measure?: string, names: Record<string, string>}} about names of operations by code; the measure of a lot
 * @returns {HistoryEvent[]}
 */
export function historyEvents(facts, about) {
  return facts.map((fact) => ({
    key: fact.position,
    time_us: fact.time_us,
    kind: fact.is_good === false ? 'failed' : (KINDS[fact.kind] ?? 'done'),
    text: html`<b>${title(fact, about.names)}</b>${detail(fact, about)}`,
    note: note(fact),
    aside: aside(fact),
  }));
}

/** @param {Fact} fact @param {Record<string, string>} names */
function title(fact, names) {
  const verdict = fact.is_good === false ? '.bad' : '';
  const key = `fact.${fact.kind}${has(`fact.${fact.kind}${verdict}`) ? verdict : ''}`;
  const done = fact.operation ? operation(fact.operation, names[fact.operation]) : '';
  return has(key) ? t(key, { operation: done, carrier: fact.carrier, action: fact.action && t(`disposition.${fact.action}`), command: fact.command && t(`command.${fact.command}`), partner: fact.partner, vehicle: fact.vehicle, code: fact.given_code }) : fact.kind;
}

/** @param {Fact} fact @param {{measure?: string, names: Record<string, string>}} about */
function detail(fact, { measure = '', names }) {
  const parts = [
    fact.attempt > 1 && t('fact.attempt', { attempt: fact.attempt }),
    fact.defect && t('fact.defect', { defect: defect(fact.defect) }),
    fact.grade && t('fact.grade', { grade: fact.grade }),
    fact.quantity !== null && measure && amount(fact.quantity, measure),
    fact.at_position && t('fact.at_position', { position: term(fact.at_position) }),
    fact.slot !== null && t('fact.slot', { slot: fact.slot }),
    fact.units_count > 1 && t('fact.units', { n: fact.units_count }),
    fact.next_operation && fact.action === 'rework' && t('fact.next', { operation: operation(fact.next_operation, names[fact.next_operation]) }),
    fact.supplier,
    fact.reference && t('fact.reference', { reference: fact.reference }),
    fact.happened_us && fact.happened_us !== fact.time_us && t('fact.happened', { time: dateTime(fact.happened_us) }),
  ].filter(Boolean);
  const parent = fact.parent && html`<span class="secondary"> · ${t('fact.parent')} <${CodeLink} kind="unit" code=${fact.parent} /></span>`;
  return html`${parts.length > 0 && html`<span class="secondary"> · ${parts.join(' · ')}</span>`}${parent}`;
}

/** @param {Fact} fact @returns {Children} */
function note(fact) {
  if (fact.reasons.length > 0) return html`<ul class="reasons">${fact.reasons.map((/** @type {any} */ each) => html`<li key=${each.code}>${each.text}</li>`)}</ul>`;
  if (fact.parts.length > 0) return html`${parts(fact)}${fact.reason && html` <span class="secondary">${fact.reason}</span>`}`;
  if (fact.members.length > 0) return members(fact.members);
  return fact.reason || null;
}

const LISTED = 6;

/** @param {string[]} codes */
function members(codes) {
  const rest = codes.length - LISTED;
  return html`<span class="code-list">${codes.slice(0, LISTED).map((code) => html`<${CodeLink} key=${code} kind="unit" code=${code} />`)}
    ${rest > 0 && html`<span>${t('object.more', { n: rest })}</span>`}</span>`;
}

/** @param {Fact} fact */
function parts({ parts: list }) {
  const codes = [...new Set(list.flatMap((/** @type {any} */ each) => [each.parent, each.child]))].slice(0, LISTED);
  return html`<span class="code-list">${codes.map((code) => html`<a class="code" key=${code} href=${pageOf('lot', code)}>${code}</a>`)}
    ${list.length > LISTED && html`<span>${t('fact.parts', { count: number(list.length) })}</span>`}</span>`;
}

/** @param {Fact} fact @returns {Children} */
function aside(fact) {
  const recipe = fact.recipe && t('fact.recipe', { recipe: fact.recipe, revision: fact.recipe_revision });
  const who = [fact.person || fact.actor, fact.second_person && t('fact.second', { person: fact.second_person })].filter(Boolean).join(', ');
  return html`${fact.station && html`<${CodeLink} kind="station" code=${fact.station} /> `}${[recipe, fact.station === who ? '' : who].filter(Boolean).join(' · ')}`;
}
