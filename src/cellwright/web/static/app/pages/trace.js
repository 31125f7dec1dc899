/** All that a unit or lot was made of, or that was made of it, level by level. */
import { html } from '../../vendor/preact.js';
import { CorrectionNotices } from '../components/correction_notices.js';
import { Card, PageHead } from '../components/page_head.js';
import { EmptyState } from '../components/states.js';
import { ExportMenu } from '../components/table_tools.js';
import { AmountBar } from '../components/value_bar.js';
import { VirtualTable } from '../components/virtual_table.js';
import { dateTime, has, number, t } from '../i18n.js';
import { addressOf, amountOf, pageOf, StatusTag, term, traceOf } from '../objects.js';

/** @param {{boot: {data: any}}} props */
export default function TracePage({ boot: { data } }) {
  const { subject, direction, levels } = data;
  const others = levels.filter((/** @type {any} */ each) => !isSubject(data, each));
  return html`<${PageHead} title=${t(`trace.title_${direction}`)} code=${subject} steps=${[{ label: `${t(`thing.${data.subject_kind}`)} ${subject}`, href: pageOf(data.subject_kind, subject) }]}>
      <nav class="segments" aria-label=${t('trace.direction')}>
        ${['backward', 'forward'].map((each) => html`<a key=${each} aria-current=${each === direction ? 'true' : undefined} href=${traceOf(each, subject)}>${t(`trace.${each}`)}</a>`)}
      </nav>
      <a class="button" href=${`${pageOf('genealogy', subject)}${window.location.search || `?direction=${direction}`}`}>${t('page.genealogy')}</a>
      ${data.subject_kind === 'lot' && html`<a class="button" href=${recallOf(data)}>${t('page.recall')}</a>`}
      <${ExportMenu} path=${addressOf('trace', subject)} />
    <//>
    <div class="stack">
      <${AsOf} ...${data} />
      <${CorrectionNotices} corrections=${data.corrections} />
      ${data.start !== null && html`<p class="secondary">${t('trace.section', { start: number(data.start), end: number(data.end) })}</p>`}
      <${Chain} levels=${levels} />
      ${others.length === 0 && html`<${EmptyState} title=${t(`trace.nothing_${direction}`)} text=${t('trace.nothing_text')} />`}
      ${others.map((/** @type {any} */ level) => html`<${Level} key=${level.level} level=${level} nodes=${data.nodes.filter((/** @type {any} */ each) => each.level === level.level)} />`)}
    </div>`;
}

/** As of when members and vehicles are told, and the other ways to tell them. @param {{subject: string, direction: string, as_of: string, as_of_us: number | null}} props */
function AsOf({ subject, direction, as_of, as_of_us }) {
  const here = traceOf(direction, subject);
  const ways = [['maintained', here], ['built', `${here}&as_of=built`]];
  return html`<nav class="segments" aria-label=${t('trace.as_of')}>
      ${ways.map(([way, href]) => html`<a key=${way} aria-current=${way === as_of ? 'true' : undefined} href=${href}>${t(`trace.as_${way}`)}</a>`)}
    </nav>
    ${as_of_us !== null && html`<p class="secondary">${t(as_of === 'built' ? 'trace.built_at' : 'trace.as_of_date', { time: dateTime(as_of_us) })}</p>`}`;
}

/** What a recall of the lot, or of the stretch that is traced, would touch. @param {any} data */
function recallOf({ subject, direction, start, end }) {
  const query = new URLSearchParams({ lot: subject });
  const lane = direction === 'forward' && new URLSearchParams(window.location.search).get('lane');
  for (const [name, value] of Object.entries({ start, end, lane })) if (value !== null && value !== false) query.set(name, value);
  return `/recall?${query}`;
}

/** @param {any} data @param {any} level */
const isSubject = ({ nodes, subject }, level) => level.nodes_count === 1 && nodes.some((/** @type {any} */ each) => each.level === level.level && each.code === subject);

/** @param {string} level @param {number} [count] */
const levelName = (level, count = 2) => (has(`kinds.${level}`) ? t(count === 1 ? `thing.${level}` : `kinds.${level}`) : level === 'supplier_lot' ? t('trace.supplier_lots') : term(level));

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
