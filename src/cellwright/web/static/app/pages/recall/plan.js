/** What a recall would touch: counts first, then where it is, what it costs, whom to tell, and every outermost unit. */
import { html } from '../../../vendor/preact.js';
import { withQuery } from '../../components/facets.js';
import { Icon } from '../../components/icon.js';
import { KpiStrip } from '../../components/kpi_strip.js';
import { Card } from '../../components/page_head.js';
import { EmptyState, Notice } from '../../components/states.js';
import { ExportMenu } from '../../components/table_tools.js';
import { VirtualTable } from '../../components/virtual_table.js';
import { number, t } from '../../i18n.js';
import { CodeLink, pageOf, StatusTag, term } from '../../objects.js';

/** @typedef {Record<string, any>} Row */

/** @param {{plan: Record<string, any>}} props */
export function Plan({ plan }) {
  if (plan.units_count === 0 && plan.lots.length === 0) return html`<${EmptyState} title=${t('recall.nothing')} text=${t('recall.nothing_text')} />`;
  const isOfLots = plan.lots.some((/** @type {Row} */ each) => each.is_subject);
  return html`<div class="recall-figures"><${KpiStrip} items=${figures(plan)} /></div>
    <${Notice} icon="trace"><${Precision} bases=${plan.bases} /><//>
    ${plan.places.length > 0 && html`<${Card} flush id="places" title=${t('recall.places')} note=${totalText(plan)}><${Places} rows=${plan.places} /><//>`}
    <div class="grid">
      <div class="span-8 whole-on-tablet"><${Card} flush id="lots" title=${t('recall.lots')} note=${number(plan.lots.length)}><${Lots} rows=${plan.lots} isOfLots=${isOfLots} /><//></div>
      <div class="span-4 whole-on-tablet"><${Card} flush id="notices" title=${t('recall.notices')} note=${number(plan.notices.length)}><${Notices} rows=${plan.notices} /><//></div>
    </div>
    ${plan.units_count > 0 && html`<${Units} plan=${plan} />`}`;
}

/** @param {number | null} cost @param {string} currency */
const money = (cost, currency) => (cost === null ? t('common.unknown') : `${number(cost)}\u00a0${currency}`);

/** @param {Record<string, any>} plan */
const totalText = ({ cost, currency, unpriced_count }) => [t('recall.total', { cost: money(cost, currency) }), unpriced_count > 0 && t('recall.unpriced', { n: unpriced_count })].filter(Boolean).join(', ');

/** @param {Record<string, any>} plan @returns {import('../../components/kpi_strip.js').Kpi[]} */
function figures({ levels, vehicles_count, bases, lots, held_count, units_count, cost, currency, unpriced_count }) {
  const direct = Object.values(bases).reduce((sum, each) => sum + each, 0);
  const subjects = lots.filter((/** @type {Row} */ each) => each.is_subject).length;
  return [
    ...['cell', 'module', 'pack'].map((kind) => ({ key: kind, label: t(`kinds.${kind}`), value: levels[kind] ?? 0, note: kind === 'cell' ? t('recall.direct', { n: direct }) : t('recall.holding') })),
    ...(vehicles_count > 0 ? [{ key: 'vehicles', label: t('recall.vehicles'), value: vehicles_count, note: t('recall.holding') }] : []),
    { key: 'lots', label: t('page.lots'), value: lots.length, note: subjects > 0 ? t('recall.of_lots', { subjects, others: lots.length - subjects }) : t('recall.made_there') },
    { key: 'held', label: t('recall.held_already'), value: held_count, note: t('recall.of_outermost', { n: units_count }) },
    { key: 'cost', label: t('recall.cost'), value: cost === null ? null : money(cost, currency), note: unpriced_count > 0 ? t('recall.unpriced', { n: unpriced_count }) : t('recall.all_priced') },
  ];
}

/** How surely it is known, each part with its numbers. @param {{bases: Record<string, number>}} props */
function Precision({ bases }) {
  const parts = Object.entries(bases);
  const n = parts.reduce((sum, [, count]) => sum + count, 0);
  if (n === 0) return html`<p>${t('recall.no_unit')}</p>`;
  return html`<p>${parts.map(([basis, count]) => html`<span key=${basis}>${t(`recall_basis.${basis}`, { count, n })} </span>`)}</p>`;
}

/** @param {{rows: Row[]}} props */
function Places({ rows }) {
  const columns = [
    { key: 'kind', label: t('column.kind'), kind: 'word', area: 'thing' },
    { key: 'product', label: t('column.product'), render: (/** @type {Row} */ row) => term(row.product) },
    { key: 'status', label: t('column.status'), kind: 'code', render: (/** @type {Row} */ row) => html`<${StatusTag} status=${row.status} />` },
    { key: 'station', label: t('recall.where'), kind: 'code', render: (/** @type {Row} */ { station, is_here }) => Where({ station, is_here }) },
    { key: 'units_count', label: t('column.units'), kind: 'number' },
    { key: 'held_count', label: t('recall.held_already'), kind: 'number' },
    { key: 'cost', label: t('recall.cost'), kind: 'number', render: (/** @type {Row} */ row) => html`<span class=${row.cost === null ? 'muted' : ''}>${money(row.cost, row.currency)}</span>` },
  ];
  return html`<${VirtualTable} caption=${t('recall.places')} columns=${columns} rows=${rows} hasTools=${rows.length > 8} />`;
}

/** At a station, in a vehicle, at a partner's, or at no station: what waits in a store is at none. @param {Row} row */
function Where({ station, is_here, status }) {
  if (station && status === 'installed') return html`<${CodeLink} kind="vehicle" code=${station} />`;
  if (station && is_here) return html`<${CodeLink} kind="station" code=${station} />`;
  return station || html`<span class="muted">${t(is_here ? 'recall.between' : 'common.unknown')}</span>`;
}

/** @param {{rows: Row[], isOfLots: boolean}} props */
function Lots({ rows, isOfLots }) {
  const columns = [
    { key: 'code', label: t('column.lot'), kind: 'code', href: (/** @type {Row} */ row) => pageOf('lot', row.code) },
    { key: 'material', label: t('column.material'), render: (/** @type {Row} */ row) => term(row.material) },
    { key: 'is_subject', label: t('recall.why'), render: (/** @type {Row} */ row) => t(row.is_subject ? 'recall.subject' : isOfLots ? 'recall.made_of_it' : 'recall.made_there') },
    { key: 'supplier', label: t('column.supplier'), render: (/** @type {Row} */ row) => row.supplier || html`<span class="muted">${t('recall.made_here')}</span>` },
  ];
  return html`<${VirtualTable} caption=${t('recall.lots')} columns=${columns} rows=${rows} rowKey="code" hasTools=${rows.length > 8} empty=${t('recall.no_lots')} hrefOf=${(/** @type {Row} */ row) => pageOf('lot', row.code)} />`;
}

/** @param {{rows: Row[]}} props */
function Notices({ rows }) {
  const columns = [
    { key: 'to', label: t('recall.to'), render: (/** @type {Row} */ row) => row.to || html`<span class="muted">${t('common.unknown')}</span>` },
    { key: 'count', label: t('recall.about'), render: (/** @type {Row} */ { about, count }) => t(about === 'lot' ? 'recall.n_lots' : 'recall.n_units', { n: count }) },
  ];
  return html`<${VirtualTable} caption=${t('recall.notices')} columns=${columns} rows=${rows} hasTools=${false} empty=${t('recall.nobody')} />`;
}

/** @param {{plan: Record<string, any>}} props */
function Units({ plan: { units, units_count, limit, offset, places } }) {
  const gone = new Set(places.filter((/** @type {Row} */ each) => !each.is_here).map((/** @type {Row} */ each) => each.status));
  const columns = [
    { key: 'code', label: t('column.code'), kind: 'code', href: (/** @type {Row} */ row) => pageOf('unit', row.code) },
    { key: 'kind', label: t('column.kind'), kind: 'word', area: 'thing' },
    { key: 'product', label: t('column.product'), render: (/** @type {Row} */ row) => term(row.product) },
    { key: 'units_count', label: t('recall.touched_in_it'), kind: 'number' },
    { key: 'basis', label: t('column.surety'), kind: 'word', area: 'basis' },
    { key: 'status', label: t('column.status'), kind: 'code', render: (/** @type {Row} */ row) => html`<${StatusTag} status=${row.status} holds=${row.held ? 1 : 0} />` },
    { key: 'station', label: t('recall.where'), kind: 'code', render: (/** @type {Row} */ { station, status }) => Where({ station, is_here: !gone.has(status), status }) },
  ];
  const shown = t('lot.first_of', { shown: `${number(offset + 1)}\u2013${number(offset + units.length)}`, total: number(units_count) });
  const isAll = units.length === units_count;
  return html`<${Card} flush id="units" title=${t('recall.units')} note=${isAll ? number(units_count) : shown} actions=${html`<${ExportMenu} path="/recall" table="units" />`}>
      <${VirtualTable} caption=${t('recall.units')} columns=${columns} rows=${units} rowKey="code" totalCount=${units_count} settings="recall" hrefOf=${(/** @type {Row} */ row) => pageOf('unit', row.code)} />
    <//>
    ${!isAll &&
    html`<nav class="row" aria-label=${t('recall.pages')}>
      ${offset > 0 && html`<a class="button" rel="prev" href="${withQuery({ offset: offset > limit ? String(offset - limit) : null })}#units"><${Icon} name="arrow-left" />${t('list.newer')}</a>`}
      ${offset + units.length < units_count && html`<a class="button" rel="next" href="${withQuery({ offset: String(offset + limit) })}#units">${t('list.older')}<${Icon} name="arrow-right" /></a>`}
    </nav>`}`;
}
