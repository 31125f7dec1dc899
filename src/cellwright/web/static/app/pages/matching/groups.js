/** The groups of a plan, each against its windows; the chosen one is shown in the picture. */
import { html } from '../../../vendor/preact.js';
import { withQuery } from '../../components/facets.js';
import { Card } from '../../components/page_head.js';
import { EmptyState } from '../../components/states.js';
import { ExportMenu } from '../../components/table_tools.js';
import { VirtualTable } from '../../components/virtual_table.js';
import { number, quantity, t } from '../../i18n.js';
import { term } from '../../objects.js';
import { ShareBar } from './share_bar.js';

/** @typedef {Record<string, any>} Data */

/** @param {{plans: Data[], made: Data, group: Data | null, choose: (row: Data | null, isInForce: boolean) => void}} props */
export function Groups({ plans, made, group, choose }) {
  const isTried = plans.length > 1 && (group ? !group.is_in_force : new URLSearchParams(window.location.search).get('of') === 'tried');
  const plan = plans[isTried ? plans.length - 1 : 0];
  if (!plan) return null;
  return html`<${Card} flush id="groups" title=${t('matching.groups', { product: term(made.product, made.name) })} note=${number(plan.groups_count)} actions=${html`<${ExportMenu} path="/matching" table="groups" />`}>
    ${plans.length > 1 && html`<div class="facet matching-which" role="group" aria-label=${t('matching.compared')}>
      ${plans.map((each) => html`<a class="chip" key=${each.is_in_force} aria-current=${each === plan ? 'true' : undefined} href="${withQuery({ of: each.is_in_force ? null : 'tried', group: null })}#groups">${t(each.is_in_force ? 'matching.in_force' : 'matching.tried')}<span class="chip-count">${number(each.groups_count)}</span></a>`)}
    </div>`}
    ${plan.groups.length === 0 ? html`<${EmptyState} title=${t('matching.no_group')} text=${t('matching.no_group_text')} />` : html`<${Table} plan=${plan} number_chosen=${group?.number} choose=${choose} />`}
  <//>`;
}

/** @param {{plan: Data, number_chosen: number | undefined, choose: (row: Data | null, isInForce: boolean) => void}} props */
function Table({ plan, number_chosen, choose }) {
  const { windows } = plan;
  const columns = [
    { key: 'number', label: t('matching.group'), kind: 'number', render: (/** @type {Data} */ row) => html`<button type="button" class="button button-quiet" aria-pressed=${row.number === number_chosen} onClick=${() => choose(row.number === number_chosen ? null : row, plan.is_in_force)}>${t('matching.group_n', { n: row.number })}</button>` },
    { key: 'oldest_d', label: t('matching.oldest'), unit: 'd', kind: 'number', digits: 1 },
    { key: 'ocv_spread_v', label: t('matching.ocv_spread'), unit: 'mV', kind: 'number', render: (/** @type {Data} */ row) => html`<${ShareBar} value=${row.ocv_spread_v} most=${windows.window_ocv_v} text=${number(row.ocv_spread_v * 1000, { digits: 2 })} />` },
    { key: 'dcir_spread_ratio', label: t('matching.dcir_spread'), kind: 'ratio', render: (/** @type {Data} */ row) => html`<${ShareBar} value=${row.dcir_spread_ratio} most=${windows.window_dcir_ratio} text=${quantity(row.dcir_spread_ratio, 'ratio', { digits: 2 })} />` },
    { key: 'capacity_spread_ratio', label: t('matching.capacity_spread'), kind: 'ratio', render: (/** @type {Data} */ row) => html`<${ShareBar} value=${row.capacity_spread_ratio} most=${windows.window_capacity_ratio} text=${quantity(row.capacity_spread_ratio, 'ratio', { digits: 2 })} />` },
    { key: 'sum_min_ah', label: t('matching.sum_min'), unit: 'Ah', kind: 'number', digits: 3 },
    { key: 'unusable_ratio', label: t('matching.unusable'), kind: 'ratio', digits: 3 },
    { key: 'batches_count', label: t('matching.batches'), kind: 'number' },
  ];
  return html`<${VirtualTable} caption=${t('matching.groups_caption')} columns=${columns} rows=${plan.groups} rowKey="number" totalCount=${plan.groups_count} hasTools=${plan.groups.length > 8} settings="matching" />`;
}
