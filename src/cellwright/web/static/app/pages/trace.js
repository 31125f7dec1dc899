/** All that a unit or lot was made of, or that was made of it, level by level. */
import { html } from '../../vendor/preact.js';
import { CorrectionNotices } from '../components/correction_notices.js';
import { withQuery } from '../components/facets.js';
import { KnownBanner } from '../components/known_banner.js';
import { NarrowForm } from '../components/narrow_form.js';
import { Card, PageHead } from '../components/page_head.js';
import { EmptyState } from '../components/states.js';
import { ExportMenu } from '../components/table_tools.js';
import { AmountBar } from '../components/value_bar.js';
import { VirtualTable } from '../components/virtual_table.js';
import { dateTime, has, number, t } from '../i18n.js';
import { addressOf, amountOf, pageOf, StatusTag, stretch, term } from '../objects.js';
import { WorkedAt } from './trace/worked_at.js';

/** @param {{boot: {data: any}}} props */
export default function TracePage({ boot: { data } }) {
  const { subject, direction, levels } = data;
  const ways = data.subject_kind === 'vehicle' ? ['backward'] : ['backward', 'forward'];
  const others = levels.filter((/** @type {any} */ each) => !isSubject(data, each));
  return html`<${PageHead} title=${t(`trace.title_${direction}`)} code=${subject} steps=${[{ label: `${t(`thing.${data.subject_kind}`)} ${subject}`, href: pageOf(data.subject_kind, subject) }]}>
      <nav class="segments" aria-label=${t('trace.direction')}>
        ${ways.map((each) => html`<a key=${each} aria-current=${each === direction ? 'true' : undefined} href=${withQuery({ direction: each })}>${t(`trace.${each}`)}</a>`)}
      </nav>
      ${data.subject_kind !== 'vehicle' && html`<a class="button" href=${withQuery({ direction, as_of: null }, pageOf('genealogy', subject))}>${t('page.genealogy')}</a>`}
      ${data.subject_kind === 'unit' && html`<a class="button" href=${pageOf('siblings', subject)}>${t('page.siblings')}</a>`}
      ${data.subject_kind === 'lot' && html`<a class="button" href=${recallOf(data)}>${t('page.recall')}</a>`}
      <${ExportMenu} path=${addressOf('trace', subject)} />
    <//>
    <div class="stack">
      <div class="narrow-bar"><${AsOf} as_of=${data.as_of} /><${NarrowForm} ...${data} time_us=${data.as_of === 'date' ? data.as_of_us : null} /></div>
      <${KnownBanner} ...${data} />
      <${Asked} ...${data} />
      <${CorrectionNotices} corrections=${data.corrections} />
      <${Chain} levels=${levels} />
      ${others.length === 0 && html`<${EmptyState} title=${t(`trace.nothing_${direction}`)} text=${t('trace.nothing_text')} />`}
      ${others.map((/** @type {any} */ level) => html`<${Level} key=${level.level} level=${level} nodes=${data.nodes.filter((/** @type {any} */ each) => each.level === level.level)} />`)}
      ${data.work.length > 0 && html`<${WorkedAt} rows=${data.work} left_out_count=${data.work_left_out_count} levelName=${levelName} />`}
    </div>`;
}

/** As of when members and vehicles are told. @param {{as_of: string}} props */
function AsOf({ as_of }) {
  return html`<nav class="segments" aria-label=${t('trace.as_of')}>
    ${['maintained', 'built'].map((way) => html`<a key=${way} aria-current=${way === as_of ? 'true' : undefined} href=${withQuery({ as_of: way === 'built' ? way : null })}>${t(`trace.as_${way}`)}</a>`)}
  </nav>`;
}

/** What was asked, as a sentence. @param {any} data */
function Asked({ start, end, lane, quantity, measure, as_of, as_of_us }) {
  const part = stretch(start ?? 0, end ?? quantity, measure);
  const isPart = measure !== '' && (start !== null || end !== null || lane > 0);
  return html`${isPart && html`<p class="secondary">${lane ? t('kin.section_lane', { part, lane }) : t('kin.section', { part })}</p>`}
    ${as_of_us !== null && html`<p class="secondary">${t(as_of === 'built' ? 'trace.built_at' : 'trace.as_of_date', { time: dateTime(as_of_us) })}</p>`}`;
}

/** What a recall of the lot, or of the stretch that is traced, would touch. @param {any} data */
function recallOf({ subject, start, end, lane }) {
  const query = new URLSearchParams({ lot: subject });
  for (const [name, value] of Object.entries({ start, end, lane: lane || null })) if (value !== null) query.set(name, value);
  return `/recall?${query}`;
}

/** @param {any} data @param {any} level */
const isSubject = ({ nodes, subject }, level) => level.nodes_count === 1 && nodes.some((/** @type {any} */ each) => each.level === level.level && each.code === subject);

/** @param {string} level @param {number} [count] */
const levelName = (level, count = 2) => (has(`kinds.${level}`) ? t(count === 1 ? `thing.${level}` : `kinds.${level}`) : level === 'supplier_lot' ? t('trace.supplier_lots', { n: count }) : term(level));

/** The levels as a chain of counts. @param {{levels: any[]}} props */
function Chain({ levels }) {
  return html`<ol class="chain" aria-label=${t('trace.levels')}>
    ${levels.map((each) => html`<li key=${each.level}><a href="#${each.level}"><b>${number(each.nodes_count)}</b><span>${levelName(each.level, each.nodes_count)}</span><small>${t(`basis.${each.basis}`)}</small></a></li>`)}
  </ol>`;
}

/** @param {{level: any, nodes: any[]}} props */
function Level({ level, nodes }) {
  const isUnits = nodes[0]?.is_unit;
  const isVehicles = level.level === 'vehicle';
  /** @param {any} row */
  const href = (row) => pageOf(row.is_unit ? 'unit' : isVehicles ? 'vehicle' : 'lot', row.code);
  const columns = [
    { key: 'code', label: t('column.code'), kind: 'code', href },
    !isVehicles && { key: 'kind', label: t(isUnits ? 'column.product' : 'column.material'), render: (/** @type {any} */ row) => term(row.kind) },
    !isVehicles && { key: 'status', label: t('column.status'), kind: 'code', render: (/** @type {any} */ row) => html`<${StatusTag} area=${row.is_unit ? 'unit_status' : 'lot_status'} status=${row.status} />` },
    ...(isUnits || isVehicles
      ? []
      : [
          { key: 'reached', label: t('trace.reached'), kind: 'number', render: (/** @type {any} */ row) => t('trace.of', { part: amountOf(row.reached, row.measure, row.quantity), whole: amountOf(row.quantity, row.measure, row.quantity) }) },
          { key: 'bar', label: t('trace.share'), isFixed: true, render: (/** @type {any} */ row) => html`<span class="measured-bar"><${AmountBar} value=${row.reached} full=${row.quantity} unit=${row.measure} label=${row.code} /></span>` },
          { key: 'stretches_count', label: t('trace.stretches'), kind: 'number' },
        ]),
    { key: 'basis', label: t('column.surety'), kind: 'word', area: 'basis' },
  ].filter((each) => each !== false);
  return html`<${Card} flush id=${level.level} title=${levelName(level.level)} note=${level.shown_count < level.nodes_count ? t('lot.first_of', { shown: number(level.shown_count), total: number(level.nodes_count) }) : number(level.nodes_count)}>
    <${VirtualTable} caption=${levelName(level.level)} columns=${columns} rows=${nodes} rowKey="code" hasTools=${nodes.length > 8} hrefOf=${href} />
  <//>`;
}
