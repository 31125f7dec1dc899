/** A lot: how much is left and where, its strip, what it was made of, what took it, its history. */
import { html, useMemo } from '../../vendor/preact.js';
import { boot, may } from '../boot.js';
import { CommandMenu, useCommands } from '../components/command_menu.js';
import { CorrectionNotices } from '../components/correction_notices.js';
import { historyEvents } from '../components/history_events.js';
import { HoldNotices } from '../components/hold_notices.js';
import { KpiStrip } from '../components/kpi_strip.js';
import { LotStrip } from '../components/lot_strip.js';
import { MeasuredTable } from '../components/measured_table.js';
import { Card, KeyValue, PageHead } from '../components/page_head.js';
import { Notice } from '../components/states.js';
import { ExportMenu } from '../components/table_tools.js';
import { Timeline } from '../components/timeline.js';
import { VirtualTable } from '../components/virtual_table.js';
import { useFresh } from '../fresh.js';
import { dateTime, number, t } from '../i18n.js';
import { addressOf, amount, amountOf, CodeLink, genealogyOf, pageOf, StatusTag, stretch, surety, term, traceOf } from '../objects.js';

/** @typedef {Record<string, any>} Data */

export default function LotPage() {
  const [data, reload] = useFresh(addressOf('lot', boot.data.lot.code));
  const { ask, dialog } = useCommands(reload);
  const { lot, history } = data;
  return html`<${PageHead} title=${t('thing.lot')} code=${lot.code} steps=${[{ label: t('page.lots'), href: '/lots' }, { label: term(lot.material, data.material_name), href: `/lots?material=${encodeURIComponent(lot.material)}` }]}
      aside=${html`<${StatusTag} area="lot_status" status=${lot.status} holds=${lot.holds_count} />`}>
      ${lot.measure === 'mm' && html`<a class="button" href=${pageOf('roll_map', lot.code)}>${t('page.roll_map')}</a>`}
      <a class="button" href=${traceOf('backward', lot.code)}>${t('trace.backward')}</a>
      <a class="button" href=${traceOf('forward', lot.code)}>${t('trace.forward')}</a>
      <a class="button" href=${genealogyOf('forward', lot.code)}>${t('page.genealogy')}</a>
      <a class="button" href="/recall?lot=${encodeURIComponent(lot.code)}">${t('page.recall')}</a>
      <${CommandMenu} asks=${[may('hold_place') && ['hold', 'lot', lot.code], may('lot_release') && lot.status === 'unreleased' && ['release_lot', lot.code]]} ask=${ask} />
      <${ExportMenu} path=${addressOf('lot', lot.code)} />
    <//>
    ${dialog}
    <div class="stack">
      <${HoldNotices} holds=${data.holds} ask=${ask} />
      <${CorrectionNotices} corrections=${data.corrections} />
      ${data.is_expired && html`<${Notice} icon="clock"><b class="late">${t('lot.expired', { time: dateTime(lot.expires_us) })}</b><//>`}
      <${KpiStrip} items=${figures(data)} />
      <div class="grid">
        <div class="span-4 whole-on-tablet"><${Card} title=${t('lot.about')}><${About} ...${data} /><//></div>
        <div class="span-8"><${Card} title=${t('lot.strip_title')} note=${t('lot.strip_note', { quantity: amount(lot.quantity, lot.measure) })}><${LotStrip} data=${data} /><//></div>
      </div>
      ${data.measurements.length > 0 && html`<${Card} flush id="measurements" title=${t('lot.measurements')}><${MeasuredTable} rows=${data.measurements} /><//>`}
      ${data.made_of.length > 0 && html`<${Card} flush id="made-of" title=${t('lot.made_of')} note=${firstOf(data.made_of.length, data.made_of_count)}><${Parts} rows=${data.made_of} measure=${lot.measure} /><//>`}
      ${data.became.length > 0 && html`<${Card} flush id="became" title=${t('lot.became')} note=${firstOf(data.became.length, data.became_count)}><${Parts} rows=${data.became} measure=${lot.measure} /><//>`}
      ${data.uses.length > 0 && html`<${Card} flush id="uses" title=${t('lot.uses')} note=${`${t('lot.units', { n: data.units_count })}${data.uses.length < data.uses_count ? `, ${firstOf(data.uses.length, data.uses_count)}` : ''}`}><${Uses} rows=${data.uses} measure=${lot.measure} /><//>`}
      <${Card} id="history" title=${t('unit.history')} note=${t('unit.facts', { n: history.length })}>
        <${Timeline} events=${historyEvents(history, { measure: lot.measure, names: {} })} />
        ${data.history_before !== null && html`<p><a class="button" href=${`?before=${data.history_before}#history`}>${t('unit.older')}</a></p>`}
      <//>
    </div>`;
}

/** @param {number} shown @param {number} total */
const firstOf = (shown, total) => (shown < total ? t('lot.first_of', { shown: number(shown), total: number(total) }) : t('table.count', { n: total }));

/** @param {Data} data */
function figures({ lot, places }) {
  /** @param {string} key @param {number} value @param {string} [note] */
  const figure = (key, value, note) => {
    const isKnown = lot.quantity > 0 || lot.status === 'open' || key === 'remaining' || key === 'loaded';
    return { key, label: t(`lot.${key}`), value: isKnown ? amountOf(value, lot.measure, lot.quantity) : t('common.unknown'), note };
  };
  const share = lot.quantity ? Math.round((lot.used / lot.quantity) * 1000) / 10 : 0;
  const where = places.map((/** @type {any} */ each) => `${each.station} ${each.position}`).join(', ');
  return [
    figure('quantity', lot.quantity, term(lot.material)),
    figure('remaining', lot.remaining),
    figure('loaded', lot.loaded, where || t('lot.nowhere')),
    figure('used', lot.used, t('lot.share', { share: number(share) })),
  ];
}

/** @param {Data} data */
function About(data) {
  const { lot, places } = data;
  const items = [
    { label: t('column.material'), value: term(lot.material, data.material_name) },
    lot.supplier && { label: t('column.supplier'), value: lot.supplier },
    lot.station && { label: t('lot.made_at'), value: html`<${CodeLink} kind="station" code=${lot.station} />` },
    { label: t(lot.supplier ? 'lot.received' : 'column.made'), value: lot.made_us !== null ? dateTime(lot.made_us) : t(lot.status === 'open' ? 'lot.being_made' : 'common.unknown') },
    { label: t('column.expires'), value: lot.expires_us === null ? t('lot.never') : html`<span class=${data.is_expired ? 'late' : ''}>${dateTime(lot.expires_us)}</span>` },
    data.is_purchased && { label: t('lot.certificate'), value: lot.certificate_sha256 ? html`<span class="code" title=${lot.certificate_sha256}>${lot.certificate_sha256.slice(0, 16)}…</span>` : html`<span class="late">${t('lot.no_certificate')}</span>` },
    ...places.map((/** @type {any} */ each) => ({
      label: t('lot.loaded_at'),
      key: `${each.station} ${each.position}`,
      value: html`<${CodeLink} kind="station" code=${each.station} /> ${term(each.position)}: ${amount(each.remaining, lot.measure)}${each.reserved > 0 && html` <span class="muted">${t('lot.reserved', { amount: amount(each.reserved, lot.measure) })}</span>`}`,
    })),
  ].filter(Boolean);
  return html`<${KeyValue} items=${items} />`;
}

/** Of a lot whose quantity nobody knows, no stretch is known. @param {number} start @param {number} end @param {string} measure @param {{tolerance: number}} part */
const placeOf = (start, end, measure, { tolerance }) => (tolerance < 0 && start === end ? t('common.unknown') : stretch(start, end, measure));

/** @param {{rows: any[], measure: string}} props */
function Parts({ rows, measure }) {
  const columns = useMemo(
    () => [
      { key: 'other', label: t('column.lot'), kind: 'code', href: (/** @type {any} */ row) => pageOf('lot', row.other) },
      { key: 'material', label: t('column.material'), kind: 'code', render: (/** @type {any} */ row) => term(row.material) },
      { key: 'start', label: t('lot.stretch_here'), kind: 'code', render: (/** @type {any} */ row) => html`<span class="nowrap">${placeOf(row.start, row.end, measure, row)}</span>` },
      { key: 'other_start', label: t('lot.stretch_there'), kind: 'code', render: (/** @type {any} */ row) => html`<span class="nowrap">${placeOf(row.other_start, row.other_end, row.measure, row)}</span>${row.reversed && html` <span class="muted">${t('lot.reversed')}</span>`}` },
      { key: 'tolerance', label: t('column.surety'), kind: 'code', render: (/** @type {any} */ row) => surety(row.tolerance, '', row.measure === measure ? measure : row.measure) },
      { key: 'lane', label: t('column.lane'), kind: 'code', render: (/** @type {any} */ row) => (row.lane ? number(row.lane) : t('lot.full_width')) },
    ],
    [measure],
  );
  return html`<${VirtualTable} caption=${t('lot.parts')} columns=${columns} rows=${rows} hasTools=${rows.length > 8} hrefOf=${(/** @type {any} */ row) => pageOf('lot', row.other)} />`;
}

/** @param {{rows: any[], measure: string}} props */
function Uses({ rows, measure }) {
  const columns = useMemo(
    () => [
      { key: 'position', label: t('column.position'), kind: 'code', render: (/** @type {any} */ row) => term(row.position) },
      { key: 'station', label: t('column.station'), kind: 'code', href: (/** @type {any} */ row) => pageOf('station', row.station) },
      { key: 'unit_from', label: t('lot.first_unit'), kind: 'code', href: (/** @type {any} */ row) => pageOf('unit', row.unit_from) },
      { key: 'unit_to', label: t('lot.last_unit'), kind: 'code', href: (/** @type {any} */ row) => pageOf('unit', row.unit_to) },
      { key: 'units_count', label: t('lot.units_count'), kind: 'number' },
      { key: 'start', label: t('column.stretch'), kind: 'code', render: (/** @type {any} */ row) => html`<span class="nowrap">${stretch(row.start, row.end, measure)}</span>` },
      { key: 'tolerance', label: t('column.surety'), kind: 'code', render: (/** @type {any} */ row) => surety(row.tolerance, '', measure) },
      { key: 'from_us', label: t('column.from'), kind: 'time' },
      { key: 'to_us', label: t('column.to'), kind: 'time' },
    ],
    [measure],
  );
  return html`<${VirtualTable} caption=${t('lot.uses')} columns=${columns} rows=${rows} hrefOf=${(/** @type {any} */ row) => pageOf('unit', row.unit_from)} />`;
}
