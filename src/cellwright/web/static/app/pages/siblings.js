/** The siblings of a bad unit: what it shares with others, the narrowest cause first, where they are, whom to fetch first. */
import { html } from '../../vendor/preact.js';
import { withQuery } from '../components/facets.js';
import { Icon } from '../components/icon.js';
import { Card, PageHead } from '../components/page_head.js';
import { EmptyState, Notice } from '../components/states.js';
import { ExportMenu } from '../components/table_tools.js';
import { VirtualTable } from '../components/virtual_table.js';
import { number, t } from '../i18n.js';
import { addressOf, CodeLink, genealogyOf, pageOf, StatusTag, traceOf } from '../objects.js';
import { Causes } from './siblings/causes.js';
import { Groups } from './siblings/groups.js';

/** How many units somebody fetches from the shelves in a shift. */
const FETCHED_MAX = 500;
const MINUTES = [5, 15, 60, 240];
const DAYS = [1, 3, 7, 30];

/** @param {{boot: {data: any}}} props */
export default function SiblingsPage({ boot: { data } }) {
  const { subject, kind, groups, alone } = data;
  return html`<${PageHead} title=${t('page.siblings')} code=${subject} steps=${[{ label: `${t(`thing.${kind}`)} ${subject}`, href: pageOf('unit', subject) }]}>
      <a class="button" href=${traceOf('backward', subject)}>${t('page.trace')}</a>
      <a class="button" href=${genealogyOf('backward', subject)}>${t('page.genealogy')}</a>
      <${ExportMenu} path=${addressOf('siblings', subject)} />
    <//>
    <div class="stack">
      <div class="row">
        <${Around} name="minutes" label=${t('siblings.minutes')} choices=${MINUTES} chosen=${data.minutes} unit="siblings.n_minutes" />
        <${Around} name="days" label=${t('siblings.days')} choices=${DAYS} chosen=${data.days} unit="siblings.n_days" />
      </div>
      ${groups.length === 0
        ? html`<${EmptyState} title=${t('siblings.nothing')} text=${t('siblings.nothing_text')} />`
        : html`<${Summary} groups=${groups} />
          <${Card} flush id="groups" title=${t('siblings.groups')} note=${number(groups.length)}><${Groups} groups=${groups} /><//>
          ${alone.length > 0 && html`<${Card} id="alone" title=${t('siblings.alone')} note=${number(alone.length)}><${Causes} causes=${alone} /><//>`}
          <${Units} ...${data} />`}
    </div>`;
}

/** How long before and after the unit others count. @param {{name: string, label: string, choices: number[], chosen: number, unit: string}} props */
function Around({ name, label, choices, chosen, unit }) {
  const all = [...new Set([...choices, chosen])].sort((a, b) => a - b);
  return html`<div class="facet" role="group" aria-label=${label}>
    <span class="facet-name">${label}</span>
    ${all.map((each) => html`<a class="chip" key=${each} aria-current=${each === chosen ? 'true' : undefined} href=${withQuery({ [name]: String(each), offset: null })}>${t(unit, { n: each })}</a>`)}
  </div>`;
}

/** The answer in a sentence: up to where somebody can fetch them. @param {{groups: any[]}} props */
function Summary({ groups }) {
  const few = groups.filter((each) => each.together_count !== null && each.together_count <= FETCHED_MAX);
  const last = few.at(-1);
  if (!last) return html`<${Notice} icon="trace"><p>${t('siblings.many', { n: FETCHED_MAX })}</p><//>`;
  return html`<${Notice} icon="trace"><p><b>${t('siblings.summary', { causes: few.length, n: last.together_count })}</b> ${t('siblings.basis')}</p><//>`;
}

/** @param {{units: any[], units_count: number, limit: number, offset: number, subject: string}} props */
function Units({ units, units_count, limit, offset, subject }) {
  const columns = [
    { key: 'code', label: t('column.code'), kind: 'code', href: (/** @type {any} */ row) => pageOf('unit', row.code) },
    { key: 'groups_count', label: t('siblings.shares'), kind: 'number' },
    { key: 'narrowest_count', label: t('siblings.narrowest'), kind: 'number' },
    { key: 'outermost', label: t('siblings.is_in'), kind: 'code', render: (/** @type {any} */ row) => (row.outermost === row.code ? html`<span class="muted">${t('siblings.loose')}</span>` : html`<${CodeLink} kind="unit" code=${row.outermost} />`) },
    { key: 'status', label: t('column.status'), kind: 'code', render: (/** @type {any} */ row) => html`<${StatusTag} status=${row.status} holds=${row.held ? 1 : 0} />` },
    { key: 'station', label: t('recall.where'), kind: 'code', render: (/** @type {any} */ row) => row.station || html`<span class="muted">${t('recall.between')}</span>` },
  ];
  const isAll = units.length === units_count;
  const shown = t('lot.first_of', { shown: `${number(offset + 1)}\u2013${number(offset + units.length)}`, total: number(units_count) });
  return html`<${Card} flush id="units" title=${t('siblings.units')} note=${isAll ? number(units_count) : shown} actions=${html`<${ExportMenu} path=${addressOf('siblings', subject)} table="units" />`}>
      <${VirtualTable} caption=${t('siblings.units')} columns=${columns} rows=${units} rowKey="code" totalCount=${units_count} hasTools=${units.length > 8} settings="siblings" hrefOf=${(/** @type {any} */ row) => pageOf('unit', row.code)} />
    <//>
    ${!isAll &&
    html`<nav class="row" aria-label=${t('recall.pages')}>
      ${offset > 0 && html`<a class="button" rel="prev" href="${withQuery({ offset: offset > limit ? String(offset - limit) : null })}#units"><${Icon} name="arrow-left" />${t('list.newer')}</a>`}
      ${offset + units.length < units_count && html`<a class="button" rel="next" href="${withQuery({ offset: String(offset + limit) })}#units">${t('list.older')}<${Icon} name="arrow-right" /></a>`}
    </nav>`}`;
}
