/** A cell, module or pack: where it is, how far it is, what it measured, what it is made of and part of, its history. */
import { html, useEffect, useMemo, useState } from '../../vendor/preact.js';
import { boot, may } from '../boot.js';
import { CommandMenu, useCommands } from '../components/command_menu.js';
import { CorrectionNotices, correctionsOf } from '../components/correction_notices.js';
import { Genealogy } from '../components/genealogy.js';
import { historyEvents } from '../components/history_events.js';
import { HoldNotices } from '../components/hold_notices.js';
import { Late } from '../components/late.js';
import { Card, KeyValue, PageHead } from '../components/page_head.js';
import { MeasuredTable } from '../components/measured_table.js';
import { RouteSteps } from '../components/route_steps.js';
import { EmptyState } from '../components/states.js';
import { ExportMenu } from '../components/table_tools.js';
import { Timeline } from '../components/timeline.js';
import { VirtualTable } from '../components/virtual_table.js';
import { useFresh } from '../fresh.js';
import { age, dateTime, duration, number, t } from '../i18n.js';
import { addressOf, amount, CodeLink, genealogyOf, operation, pageOf, StatusTag, stretch, surety, term, traceOf } from '../objects.js';

/** @typedef {Record<string, any>} Data */

const SHOWN_NODES = 6;

export default function UnitPage() {
  const [data, reload] = useFresh(addressOf('unit', boot.data.unit.code));
  const { ask, dialog } = useCommands(reload);
  const { unit, members, made_of, history } = data;
  const names = Object.fromEntries(data.steps.map((/** @type {any} */ each) => [each.operation, each.name]));
  return html`<${PageHead} title=${t(`thing.${unit.kind}`)} code=${unit.code} steps=${wayUp(data)}
      aside=${html`<${StatusTag} status=${unit.status} holds=${unit.holds_count} />${unit.grade && html`<span class="tag">${t('fact.grade', { grade: unit.grade })}</span>`}`}>
      <a class="button" href=${traceOf('backward', unit.code)}>${t('trace.backward')}</a>
      <a class="button" href=${traceOf('forward', unit.code)}>${t('trace.forward')}</a>
      <a class="button" href=${genealogyOf('backward', unit.code)}>${t('page.genealogy')}</a>
      <a class="button" href=${pageOf('siblings', unit.code)}>${t('page.siblings')}</a>
      ${unit.kind === 'module' && html`<a class="button" href=${pageOf('welds', unit.code)}>${t('page.welds')}</a>`}
      <a class="button" href=${`/units/${encodeURIComponent(unit.code)}/certificate`}>${t('unit.certificate')}</a>
      <${CommandMenu} asks=${asksOf(data)} ask=${ask} />
      <${ExportMenu} path=${addressOf('unit', unit.code)} />
    <//>
    ${dialog}
    <div class="stack">
      <${HoldNotices} holds=${data.holds} ask=${ask} />
      <${CorrectionNotices} corrections=${correctionsOf(made_of)} />
      ${unit.kind !== 'cell' && html`<${Paper} code=${unit.code} stamp=${history[0]?.position} />`}
      <div class="grid">
        <div class="span-4 whole-on-tablet"><${Card} title=${t('unit.now')}><${Now} ...${data} /><//></div>
        <div class="span-8"><${Card} title=${t('unit.route')} note=${`${data.route} ${t('object.revision', { revision: data.revision })}`}><${RouteSteps} steps=${data.steps} /><//></div>
      </div>
      <${Card} title=${t('unit.genealogy')}><${Relatives} ...${data} /><//>
      ${unit.kind !== 'cell' && html`<${Late} load=${cellsPart} code=${unit.code} />`}
      ${members.length > 0 && html`<${Card} flush id="members" title=${t('unit.members', { n: members.length })}><${Members} members=${members} /><//>`}
      ${made_of.length > 0 && html`<${Card} flush id="made-of" title=${t('unit.made_of')} note=${t('unit.made_of_note')}><${MadeOf} rows=${made_of} /><//>`}
      ${data.grading && html`<${Card} id="grading" title=${t('grade_why.title')}><${Late} load=${gradePart} why=${data.grading} /><//>`}
      ${data.self_discharge && html`<${Card} id="self-discharge" title=${t('leak.title')}><${Late} load=${leakPart} told=${data.self_discharge} /><//>`}
      ${data.curves.length > 0 && html`<${Late} load=${curvesPart} code=${unit.code} tests=${data.curves} names=${names} />`}
      <${Card} flush id="measurements" title=${t('unit.measurements')}>
        ${data.measurements.length > 0 ? html`<${MeasuredTable} rows=${data.measurements} names=${names} />` : html`<${EmptyState} title=${t('unit.no_measurements')} text=${t('unit.no_measurements_text')} />`}
      <//>
      ${data.printed.length > 0 && html`<${Card} id="printed" title=${t('unit.printed')} note="GB/T 34014"><${Late} load=${codesPart} fields=${data.printed} /><//>`}
      <${Card} id="history" title=${t('unit.history')} note=${t('unit.facts', { n: history.length })}>
        <${Timeline} events=${historyEvents(history, { names })} />
        ${data.history_before !== null && html`<p><a class="button" href=${`?before=${data.history_before}#history`}>${t('unit.older')}</a></p>`}
      <//>
    </div>`;
}

const gradePart = () => import('./unit/grade_why.js').then(({ GradeWhy }) => GradeWhy);

const leakPart = () => import('./unit/leak.js').then(({ Leak }) => Leak);

const cellsPart = () => import('../components/pack_cells.js').then(({ PackOf }) => PackOf);

const codesPart = () => import('../components/printed_codes.js').then(({ PrintedCodes }) => PrintedCodes);

const curvesPart = () => import('../components/unit_curve.js').then(({ UnitCurves }) => UnitCurves);

/** Whether its certificate is final; a pack's is computed from all its cells, so it comes behind the page too. @param {{code: string, stamp: unknown}} props */
function Paper(props) {
  const [found, setFound] = useState(/** @type {{CertificateNotice: any} | null} */ (null));
  useEffect(() => void import('../components/certificate_notice.js').then(setFound), []);
  return found ? html`<${found.CertificateNotice} ...${props} />` : html`<div class="notice certificate-place"></div>`;
}

/** What may be asked for: the gate decides, this only leaves out what cannot be meant. @param {Data} data */
function asksOf({ unit, steps, members, vehicles, shipments, operation: waits }) {
  const canBeDecidedOn = may('unit_disposition') && ['waiting', 'finished', 'removed'].includes(unit.status);
  const canBeOpened = may('unit_repair') && ['waiting', 'finished', 'removed'].includes(unit.status) && members.length > 0;
  const earlier = steps.filter((/** @type {any} */ each, /** @type {number} */ index) => index > 0 && each.attempts_count > 0);
  const [vehicle, shipment] = [vehicles, shipments].map((list) => list.find((/** @type {any} */ each) => each.to_us === null));
  const canLeave = may('unit_ship') && ['finished', 'shipped'].includes(unit.status);
  return [
    may('hold_place') && ['hold', 'unit', unit.code],
    canBeDecidedOn && earlier.length > 0 && ['rework', unit.code, earlier],
    canBeDecidedOn && unit.status === 'removed' && ['reuse', unit.code],
    canBeDecidedOn && ['scrap', unit.code],
    canBeOpened && ['replace', unit.code, members, earlier],
    canBeOpened && ['disassemble', unit.code],
    canLeave && unit.status === 'finished' && ['ship', unit.code],
    canLeave && unit.kind === 'pack' && ['install', unit.code],
    may('unit_ship') && unit.status === 'shipped' && ['return', unit.code, shipment?.partner],
    may('unit_ship') && unit.status === 'installed' && ['remove', unit.code, vehicle?.vehicle],
    may('unit_repair') && ['finished', 'removed', 'shipped', 'installed'].includes(unit.status) && ['assign', unit.code],
    may('operation_abort') && unit.status === 'running' && ['abort', unit.code, unit.station, waits],
  ];
}

/** @param {Data} data */
function wayUp({ unit, part_of }) {
  const list = { label: t('page.units'), href: '/units' };
  const parent = part_of.find((/** @type {any} */ each) => each.to_us === null);
  return parent ? [list, { label: `${t(`thing.${parent.kind}`)} ${parent.parent}`, href: pageOf('unit', unit.parent) }] : [list];
}

/** @param {Data} data */
function Now(data) {
  const { unit, part_of } = data;
  const parent = part_of.find((/** @type {any} */ each) => each.to_us === null);
  const [vehicle, partner] = [data.vehicles, data.shipments].map((list) => list.find((/** @type {any} */ each) => each.to_us === null));
  const waits = operation(data.operation, data.operation_name);
  const items = [
    { label: t('unit.product'), value: term(unit.product, data.product_name) },
    { label: t('unit.order'), value: data.order ? html`<${CodeLink} kind="order" code=${data.order} />` : html`<span class="muted">${t('unit.order_none')}</span>` },
    data.operation && { label: t('unit.operation'), value: html`<span title=${data.operation_name}>${waits}</span>` },
    unit.station && { label: t('unit.station'), value: html`<${CodeLink} kind="station" code=${unit.station} />` },
    unit.carrier && { label: t('unit.carrier'), value: html`<${CodeLink} kind="carrier" code=${unit.carrier} /> ${t('fact.slot', { slot: unit.slot })}` },
    parent && { label: t(`thing.${parent.kind}`), value: html`<${CodeLink} kind="unit" code=${parent.parent} /> ${t('fact.slot', { slot: parent.slot })}` },
    vehicle && { label: t('thing.vehicle'), value: html`<${CodeLink} kind="vehicle" code=${vehicle.vehicle} /> ${vehicle.position && t('fact.at_position', { position: vehicle.position })}` },
    partner && { label: t('unit.partner'), value: html`${partner.partner}${partner.reference && html` <span class="muted">${t('fact.reference', { reference: partner.reference })}</span>`}` },
    data.given_codes.length > 0 && { label: t('unit.given_codes'), value: html`<span class="code-list">${data.given_codes.map((/** @type {any} */ each) => html`<span class="code" key=${each.code} title=${dateTime(each.from_us)}>${each.code}</span>`)}</span>` },
    data.since_us && { label: t('unit.since'), value: html`${dateTime(data.since_us)} <span class="muted">${age(boot.now_us - data.since_us)}</span>` },
    ...data.due.map((/** @type {any} */ each) => ({ label: t('unit.window', { operation: operation(each.after) }), value: html`<${Window} ...${each} />` })),
  ].filter(Boolean);
  const isHeld = unit.holds_count > 0 && unit.status === 'waiting';
  const key = isHeld ? 'held' : unit.status;
  return html`<p class="now">${t(`unit.now_${key}`, { operation: waits, station: unit.station, parent: parent ? t(`thing.${parent.kind}`).toLowerCase() : '' })}</p>
    <${KeyValue} items=${items} />`;
}

/** When work may begin and must begin. @param {{earliest_us: number | null, latest_us: number | null}} props */
function Window({ earliest_us, latest_us }) {
  const now = boot.now_us;
  if (earliest_us !== null && now < earliest_us) return html`${t('unit.not_before', { time: dateTime(earliest_us), left: duration(earliest_us - now) })}`;
  if (latest_us === null) return html`${t('unit.open_window')}`;
  if (now > latest_us) return html`<span class="late">${t('unit.too_late', { time: dateTime(latest_us), late: duration(now - latest_us) })}</span>`;
  return html`${t('unit.until', { time: dateTime(latest_us), left: duration(latest_us - now) })}`;
}

/** @param {Data} data */
function Relatives({ unit, members, made_of, part_of, vehicles }) {
  const lots = [...new Map(made_of.map((/** @type {any} */ each) => [each.lot, each])).values()];
  const up = [
    ...(members.length > SHOWN_NODES
      ? [{ kind: t(`kinds.${members[0].kind}`), count: members.length, href: '#members', note: t('unit.listed_below') }]
      : members.map((/** @type {any} */ each) => ({ kind: t(`thing.${each.kind}`), code: each.code, href: pageOf('unit', each.code), note: t('fact.slot', { slot: each.slot }) }))),
    ...lots.map((/** @type {any} */ each) => ({
      kind: term(each.material),
      code: each.lot,
      href: pageOf('lot', each.lot),
      note: `${stretch(each.start, each.end, each.measure)}, ${surety(each.tolerance, each.basis, each.measure)}`,
    })),
  ];
  const down = [...vehicles.map((/** @type {any} */ each) => ({
    kind: t('thing.vehicle'),
    code: each.vehicle,
    href: pageOf('vehicle', each.vehicle),
    note: each.to_us === null ? t('unit.since_time', { time: dateTime(each.from_us) }) : t('unit.left', { time: dateTime(each.to_us) }),
  })), ...part_of.map((/** @type {any} */ each) => ({
    kind: t(`thing.${each.kind}`),
    code: each.parent,
    href: pageOf('unit', each.parent),
    note: each.to_us === null ? t('unit.slot_of', { slot: each.slot, n: each.members_count, count: number(each.members_count) }) : t('unit.left', { time: dateTime(each.to_us) }),
  }))];
  return html`<${Genealogy} kind=${t(`thing.${unit.kind}`)} code=${unit.code} ...${{ up, down }} />`;
}

/** @param {{members: any[]}} props */
function Members({ members }) {
  const columns = useMemo(
    () => [
      { key: 'slot', label: t('column.slot'), kind: 'number' },
      { key: 'code', label: t('column.code'), kind: 'code', href: (/** @type {any} */ row) => pageOf('unit', row.code) },
      { key: 'grade', label: t('column.grade') },
      { key: 'status', label: t('column.status'), kind: 'code', render: (/** @type {any} */ row) => html`<${StatusTag} status=${row.status} holds=${row.holds_count} />` },
      { key: 'from_us', label: t('column.since'), kind: 'time' },
    ],
    [],
  );
  return html`<${VirtualTable} caption=${t('unit.members', { n: members.length })} columns=${columns} rows=${members} rowKey="code" hasTools=${members.length > 8} hrefOf=${(/** @type {any} */ row) => pageOf('unit', row.code)} />`;
}

/** @param {{rows: any[]}} props */
function MadeOf({ rows }) {
  const columns = useMemo(
    () => [
      { key: 'position', label: t('column.position'), kind: 'code', render: (/** @type {any} */ row) => html`${term(row.position)}${row.repetition > 0 && html` <span class="muted">${t('unit.repetition', { n: row.repetition })}</span>`}` },
      { key: 'lot', label: t('column.lot'), kind: 'code', href: (/** @type {any} */ row) => pageOf('lot', row.lot) },
      { key: 'material', label: t('column.material'), kind: 'code', render: (/** @type {any} */ row) => term(row.material) },
      { key: 'start', label: t('column.stretch'), kind: 'code', render: (/** @type {any} */ row) => html`<span class="nowrap">${stretch(row.start, row.end, row.measure)}</span>` },
      { key: 'tolerance', label: t('column.surety'), kind: 'code', render: (/** @type {any} */ row) => surety(row.tolerance, row.basis, row.measure) },
      { key: 'quantity', label: t('column.place'), kind: 'code', render: (/** @type {any} */ row) => html`<${Place} ...${row} />` },
      { key: 'station', label: t('column.station'), kind: 'code', href: (/** @type {any} */ row) => pageOf('station', row.station) },
    ],
    [],
  );
  return html`<${VirtualTable} caption=${t('unit.made_of')} columns=${columns} rows=${rows} hasTools=${false} hrefOf=${(/** @type {any} */ row) => pageOf('lot', row.lot)} />`;
}

/** Where on the lot the stretch lies. @param {{start: number, end: number, quantity: number, measure: string}} props */
function Place({ start, end, quantity, measure }) {
  if (!quantity) return html`<span class="muted">${t('common.unknown')}</span>`;
  const left = (Math.min(start, quantity) / quantity) * 100;
  const width = Math.max(0.8, ((end - start) / quantity) * 100);
  return html`<span class="place-bar" role="img" aria-label=${t('unit.place', { stretch: stretch(start, end, measure), full: amount(quantity, measure) })}>
    <span style=${{ left: `${Math.min(left, 100 - width)}%`, width: `${Math.min(width, 100)}%` }}></span>
  </span>`;
}
