/** What people ask of the plant: each is a command for the gate, under a key that makes a repetition harmless. */
import { Problem, send } from './api.js';
import { boot } from './boot.js';
import { fromZone, t, timeZone } from './i18n.js';
import { operation, term } from './objects.js';

/** @typedef {import('./components/form.js').Schema} Schema */
/** @typedef {import('./components/form.js').Field} Field */
/** @typedef {Record<string, any>} Values */
/**
 * What somebody may ask for, and what they are asked before.
 * @typedef {Object} Ask
 * @property {string} title
 * @property {string} text what will come of it
 * @property {string} submit
 * @property {string} done what is said once it is recorded
 * @property {boolean} [isDanger] it cannot be taken back
 * @property {Schema} schema
 * @property {(values: Values) => Record<string, unknown>} command
 * @property {string} [path] of the API, where it is not one command
 */

const NOTHING = { text: '', key: '' };
/** The wish that got no answer: asked again, it is the same. */
let unanswered = NOTHING;

/**
 * Put a command before the gate, or what takes several of them to the address that gives these.
 * @param {Record<string, unknown>} command @param {Values} [signatures] @param {string} [path] @returns {Promise<any>} what was recorded
 */
export async function give(command, signatures, path) {
  const text = JSON.stringify(command);
  const key = text === unanswered.text ? unanswered.key : crypto.randomUUID();
  unanswered = { text, key };
  let answer;
  try {
    answer = path ? await send(path, { key, ...command }) : await send('/api/v1/commands', signatures ? { key, command, signatures } : { key, command });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.status > 0 && error.status < 500) unanswered = NOTHING;
    throw error.status === 422 ? wrongSignature(error) : error;
  }
  unanswered = NOTHING;
  return answer;
}

/** The same in the viewer's language: the server does not say which of badge and password was wrong. @param {Problem} problem */
function wrongSignature({ status, problems }) {
  const text = t('sign_in.wrong');
  return new Problem(status, { detail: text, fields: problems.map(({ path }) => ({ path, text })) });
}

/** @returns {Field} */
const reason = () => ({ type: 'string', title: t('sign.reason'), format: 'multiline', pattern: '\\S', maxLength: 500, description: t('ask.reason_help') });

/** @param {string} title @param {string} autocomplete @returns {Field} */
const password = (title, autocomplete) => ({ type: 'string', title, format: 'password', autocomplete });

/** @param {'unit' | 'lot'} subject @param {string} code @returns {Ask} */
const holding = (subject, code) => ({
  title: t('ask.hold_title', { code }),
  text: t(`ask.hold_${subject}_text`),
  submit: t('ask.hold'),
  done: t('ask.hold_done', { code }),
  schema: { properties: { reason: reason() }, required: ['reason'] },
  command: (values) => ({ type: 'PlaceHold', subject, codes: [code], reason: values.reason }),
});

/** @param {{id: number, reason: string}} hold @returns {Ask} */
const lifting = ({ id, reason: why }) => ({
  title: t('ask.lift_title', { id: String(id) }),
  text: t('ask.lift_text', { why }),
  submit: t('ask.lift'),
  done: t('ask.lift_done', { id: String(id) }),
  schema: {
    properties: {
      reason: reason(),
      'signatures.password': password(t('ask.own_password', { person: boot.user?.person }), 'current-password'),
      second_person: { type: 'string', title: t('ask.second_person'), format: 'code', maxLength: 128, description: t('ask.second_person_help') },
      'signatures.second_password': password(t('ask.second_password'), 'off'),
    },
    required: ['reason', 'signatures.password', 'second_person', 'signatures.second_password'],
  },
  command: (values) => ({ type: 'ReleaseHold', hold: id, reason: values.reason, second_person: values.second_person.trim() }),
});

/** @param {string} code @returns {Ask} */
const scrapping = (code) => ({
  title: t('ask.scrap_title', { code }),
  text: t('ask.scrap_text'),
  submit: t('ask.scrap'),
  done: t('ask.scrap_done', { code }),
  isDanger: true,
  schema: { properties: { reason: reason() }, required: ['reason'] },
  command: (values) => ({ type: 'Disposition', units: [code], action: 'scrap', reason: values.reason }),
});

/** @param {string} code @param {{operation: string, name: string}[]} steps it may go back to @returns {Ask} */
const sendingBack = (code, steps) => ({
  title: t('ask.rework_title', { code }),
  text: t('ask.rework_text'),
  submit: t('ask.rework'),
  done: t('ask.rework_done', { code }),
  schema: {
    properties: {
      operation: { type: 'string', title: t('unit.operation'), enum: steps.map((each) => each.operation), enumTitles: steps.map((each) => operation(each.operation, each.name)) },
      reason: reason(),
    },
    required: ['operation', 'reason'],
  },
  command: (values) => ({ type: 'Disposition', units: [code], action: 'rework', operation: values.operation, reason: values.reason }),
});

/** @param {string} code @returns {Ask} */
const reusing = (code) => ({
  title: t('ask.reuse_title', { code }),
  text: t('ask.reuse_text'),
  submit: t('ask.reuse'),
  done: t('ask.reuse_done', { code }),
  schema: { properties: { reason: reason() }, required: ['reason'] },
  command: (values) => ({ type: 'Disposition', units: [code], action: 'reuse', reason: values.reason }),
});

/** @param {string} code @param {{code: string, slot: number}[]} members @param {{operation: string, name: string}[]} steps it may go on from @returns {Ask} */
const replacing = (code, members, steps) => ({
  title: t('ask.replace_title', { code }),
  text: t('ask.replace_text'),
  submit: t('ask.replace'),
  done: t('ask.replace_done', { code }),
  schema: {
    properties: {
      member: { type: 'string', title: t('ask.replace_member'), enum: members.map((each) => each.code), enumTitles: members.map((each) => `${t('fact.slot', { slot: each.slot })}: ${each.code}`) },
      replacement: { type: 'string', title: t('ask.replacement'), format: 'code', maxLength: 128, pattern: '\\S' },
      ...(steps.length > 0 && { operation: { type: 'string', title: t('ask.goes_on'), enum: steps.map((each) => each.operation), enumTitles: steps.map((each) => operation(each.operation, each.name)) } }),
      reason: reason(),
    },
    required: ['member', 'replacement', ...(steps.length > 0 ? ['operation'] : []), 'reason'],
  },
  command: (values) => ({ type: 'ReplaceMember', parent: code, members: [values.member], replacements: [values.replacement.trim()], operation: values.operation ?? '', reason: values.reason }),
});

/** @param {string} code @returns {Ask} */
const takingApart = (code) => ({
  title: t('ask.disassemble_title', { code }),
  text: t('ask.disassemble_text'),
  submit: t('ask.disassemble'),
  done: t('ask.disassemble_done', { code }),
  isDanger: true,
  schema: { properties: { reason: reason() }, required: ['reason'] },
  command: (values) => ({ type: 'Disassemble', units: [code], reason: values.reason }),
});

/** What a field of plant time says as a column of one time; none = now. @param {string | undefined} text */
const timesOf = (text) => (text ? { times_us: [fromZone(text)] } : {});

/** @returns {Field} */
const moment = () => ({ type: 'string', title: `${t('ask.when')} (${timeZone()})`, format: 'time', description: t('ask.when_help') });

/** @param {string} code @returns {Ask} */
const shipping = (code) => ({
  title: t('ask.ship_title', { code }),
  text: t('ask.ship_text'),
  submit: t('ask.ship'),
  done: t('ask.ship_done', { code }),
  schema: {
    properties: {
      partner: { type: 'string', title: t('unit.partner'), format: 'code', maxLength: 128, pattern: '\\S', description: t('ask.partner_help') },
      reference: { type: 'string', title: t('ask.reference'), format: 'code', maxLength: 128, description: t('ask.reference_help') },
    },
    required: ['partner'],
  },
  command: (values) => ({ type: 'ShipUnits', units: [code], partner: values.partner.trim(), reference: values.reference?.trim() ?? '' }),
});

/** @param {string} code @param {string} partner @returns {Ask} */
const takingBack = (code, partner) => ({
  title: t('ask.return_title', { code }),
  text: t('ask.return_text', { partner }),
  submit: t('ask.return'),
  done: t('ask.return_done', { code }),
  schema: { properties: { reason: reason() }, required: ['reason'] },
  command: (values) => ({ type: 'ReturnUnits', units: [code], reason: values.reason }),
});

/** @param {string} code @returns {Ask} */
const installing = (code) => ({
  title: t('ask.install_title', { code }),
  text: t('ask.install_text'),
  submit: t('ask.install'),
  done: t('ask.install_done', { code }),
  schema: {
    properties: {
      vehicle: { type: 'string', title: t('ask.vin'), format: 'code', pattern: '^\\s*[A-HJ-NPR-Za-hj-npr-z0-9]{17}\\s*$', patternText: t('ask.vin_wrong'), description: t('ask.vin_help') },
      position: { type: 'string', title: t('ask.position'), format: 'code', maxLength: 128, description: t('ask.position_help') },
      when: moment(),
    },
    required: ['vehicle'],
  },
  command: ({ vehicle, position, when }) => ({
    type: 'InstallPack',
    packs: [code],
    vehicles: [vehicle.trim().toUpperCase()],
    positions: [position?.trim() ?? ''],
    ...timesOf(when),
  }),
});

/** @param {string} code @param {string} vehicle @returns {Ask} */
const removing = (code, vehicle) => ({
  title: t('ask.remove_title', { code }),
  text: t('ask.remove_text', { vehicle }),
  submit: t('ask.remove'),
  done: t('ask.remove_done', { code }),
  schema: { properties: { when: moment(), reason: reason() }, required: ['reason'] },
  command: (values) => ({ type: 'RemovePack', packs: [code], reason: values.reason, ...timesOf(values.when) }),
});

/** @param {string} code @returns {Ask} */
const naming = (code) => ({
  title: t('ask.assign_title', { code }),
  text: t('ask.assign_text'),
  submit: t('ask.assign'),
  done: t('ask.assign_done', { code }),
  schema: {
    properties: {
      code: { type: 'string', title: t('ask.new_code'), format: 'code', pattern: '^\\s*[A-Za-z0-9]{16,25}\\s*$', patternText: t('ask.new_code_wrong'), description: t('ask.new_code_help') },
      reason: reason(),
    },
    required: ['code', 'reason'],
  },
  command: (values) => ({ type: 'AssignCode', units: [code], codes: [values.code.trim().toUpperCase()], reason: values.reason }),
});

/** @param {string} code @param {string} station @param {string} operationCode @returns {Ask} */
const givingUp = (code, station, operationCode) => ({
  title: t('ask.abort_title', { code }),
  text: t('ask.abort_text', { station }),
  submit: t('ask.abort'),
  done: t('ask.abort_done', { code }),
  schema: { properties: { reason: reason() }, required: ['reason'] },
  command: (values) => ({ type: 'AbortOperation', station, operation: operationCode, units: [code], reason: values.reason }),
});

/** @param {string} lot @returns {Ask} */
const releasingLot = (lot) => ({
  title: t('ask.release_lot_title', { code: lot }),
  text: t('ask.release_lot_text'),
  submit: t('ask.release_lot'),
  done: t('ask.release_lot_done', { code: lot }),
  schema: {
    properties: {
      certificate_sha256: { type: 'string', title: t('ask.certificate'), format: 'digest', pattern: '^[0-9a-f]{64}$', maxLength: 64, description: t('ask.certificate_help') },
    },
    required: ['certificate_sha256'],
  },
  command: (values) => ({ type: 'ReleaseLot', lot, certificate_sha256: values.certificate_sha256 }),
});

/** @param {string} station @param {Record<string, any>} plan @returns {Ask} */
const sampling = (station, plan) => {
  const { characteristic: limits, coupon_count: count, modes } = plan;
  const pieces = Array.from({ length: count }, (_, index) => index + 1);
  const piece = (/** @type {string} */ text, /** @type {number} */ number) => (count > 1 ? `${text} ${number}` : text);
  return {
    title: t('ask.sample_title', { code: station }),
    text: t('ask.sample_text', { name: plan.name }),
    submit: t('ask.sample'),
    done: t('ask.sample_done'),
    schema: {
      properties: {
        ...Object.fromEntries(
          pieces.flatMap((number) => [
            [`value_${number}`, { type: 'number', title: `${piece(term(limits.code, limits.code), number)} (${limits.unit})`, description: t('ask.sample_value_help') }],
            ...(modes.length > 0 ? [[`mode_${number}`, { type: 'string', title: piece(t('ask.sample_mode'), number), enum: modes, enumTitles: modes.map((/** @type {string} */ each) => term(each, each)) }]] : []),
          ]),
        ),
        unit: { type: 'string', title: t('ask.sample_unit'), format: 'code', maxLength: 128, description: t('ask.sample_unit_help') },
        reason: { ...reason(), title: t('ask.sample_remark'), description: '' },
      },
      required: modes.length > 0 ? pieces.map((number) => `mode_${number}`) : [],
    },
    command: (values) => ({
      type: 'RecordSample',
      station,
      operation: plan.operation,
      values: pieces.map((number) => values[`value_${number}`] ?? null),
      modes: modes.length > 0 ? pieces.map((number) => values[`mode_${number}`]) : [],
      units: values.unit?.trim() ? [values.unit.trim()] : [],
      reason: values.reason ?? '',
    }),
  };
};

/** @param {{code: string, name: string}[]} products @returns {Ask} */
const ordering = (products) => ({
  title: t('ask.order_title'),
  text: t('ask.order_text'),
  submit: t('ask.order'),
  done: t('ask.order_done'),
  schema: {
    properties: {
      order: { type: 'string', title: t('column.order'), format: 'code', maxLength: 64, pattern: '\\S' },
      product: { type: 'string', title: t('column.product'), enum: products.map((each) => each.code), enumTitles: products.map((each) => term(each.code, each.name)) },
      quantity: { type: 'integer', title: t('column.wanted'), minimum: 1, maximum: 1_000_000_000 },
      due: { type: 'string', title: `${t('column.due')} (${timeZone()})`, format: 'time', description: t('ask.due_help') },
    },
    required: ['order', 'product', 'quantity'],
  },
  command: ({ order, product, quantity, due }) => ({ type: 'ReleaseOrder', order: order.trim(), product, quantity, due_us: due ? fromZone(due) : 0 }),
});

/** @param {string} order @returns {Ask} */
const closingOrder = (order) => ({
  title: t('ask.close_order_title', { code: order }),
  text: t('ask.close_order_text'),
  submit: t('ask.close_order'),
  done: t('ask.close_order_done', { code: order }),
  schema: { properties: { reason: reason() }, required: ['reason'] },
  command: (values) => ({ type: 'CloseOrder', order, reason: values.reason }),
});

/** @param {Record<string, any>} data of the page of a recall @returns {Ask} */
const recalling = ({ lots, stations, plan, recall, is_placed }) => ({
  title: t('ask.recall'),
  text: t('ask.recall_text', { lots: plan.lots.length, units: plan.hold_units_count }),
  submit: t('ask.recall'),
  done: t('ask.recall_done'),
  schema: {
    properties: {
      recall: { type: 'string', title: t('column.recall'), format: 'code', maxLength: 128, pattern: '\\S', default: recall, description: t(is_placed ? 'ask.recall_again_help' : 'ask.recall_help') },
      reason: reason(),
    },
    required: ['recall', 'reason'],
  },
  path: '/api/v1/recalls',
  command: (values) => ({
    recall: values.recall.trim(),
    reason: values.reason,
    question: { lots: lots.map((/** @type {any} */ { lot, start, end, lane }) => ({ lot, start, end, lane })), stations },
  }),
});

/** @param {Record<string, any>} group of a plan @param {Record<string, any>} data of the page of matching @param {Record<string, any>} made @returns {Ask} */
const reserving = (group, { orders, stations }, made) => ({
  title: t('ask.reserve_title', { n: group.number }),
  text: t('ask.reserve_text', { n: group.units.length, product: term(made.product, made.name) }),
  submit: t('ask.reserve'),
  done: t('ask.reserve_done', { n: group.units.length }),
  schema: {
    properties: {
      order: { type: 'string', title: t('column.order'), enum: orders.map((/** @type {any} */ each) => each.order), enumTitles: orders.map((/** @type {any} */ each) => t('ask.reserve_order', { order: each.order, n: each.left_count })), default: orders[0]?.order },
      station: { type: 'string', title: t('column.station'), enum: stations.map((/** @type {any} */ each) => each.station), enumTitles: stations.map((/** @type {any} */ each) => t('ask.reserve_station', { station: each.station, n: each.jobs_count })), default: stations[0]?.station },
    },
    required: ['order', 'station'],
  },
  path: '/api/v1/matching/reservations',
  command: (values) => ({ plan: group.plan, group: group.number, order: values.order, station: values.station }),
});

/** @param {{job: string, members_count: number}} job @returns {Ask} */
const freeing = ({ job, members_count }) => ({
  title: t('ask.free_title', { job }),
  text: t('ask.free_text', { n: members_count }),
  submit: t('ask.free'),
  done: t('ask.free_done', { job }),
  schema: { properties: { reason: reason() }, required: ['reason'] },
  command: (values) => ({ type: 'AbortJob', job, reason: values.reason }),
});

/** Everything that may be asked for, by the name of its words in the catalogue. @type {Record<string, (...about: any[]) => Ask>} */
export const ASKS = {
  hold: holding,
  lift: lifting,
  scrap: scrapping,
  rework: sendingBack,
  reuse: reusing,
  replace: replacing,
  disassemble: takingApart,
  ship: shipping,
  return: takingBack,
  install: installing,
  remove: removing,
  assign: naming,
  abort: givingUp,
  release_lot: releasingLot,
  sample: sampling,
  order: ordering,
  close_order: closingOrder,
  recall: recalling,
  reserve: reserving,
  free: freeing,
};
