/** Matching: the stock as the line sees it, what could be made of it, and what is reserved. */
import { html, useEffect, useState } from '../../vendor/preact.js';
import { getJson } from '../api.js';
import { useCommands } from '../components/command_menu.js';
import { withQuery } from '../components/facets.js';
import { Icon } from '../components/icon.js';
import { PageHead } from '../components/page_head.js';
import { EmptyState, Skeleton } from '../components/states.js';
import { useFresh } from '../fresh.js';
import { dateTime, t } from '../i18n.js';
import { term } from '../objects.js';
import { PlanCard } from './matching/plan.js';
import { StockCard } from './matching/stock.js';

/** @typedef {Record<string, any>} Data */

export default function MatchingPage() {
  const [data, reload] = useFresh('/matching');
  const { ask, dialog } = useCommands(reload);
  const [group, setGroup] = useState(/** @type {Data | null} */ (data.group));
  const parts = useTables();
  /** The address keeps what is chosen, so that it can be given to somebody. @param {Data | null} row @param {boolean} isInForce */
  const choose = async (row, isInForce) => {
    const of = isInForce ? null : 'tried';
    window.history.replaceState(null, '', withQuery({ group: row ? String(row.number) : null, of }));
    setGroup(row && (await getJson(`/api/v1/matching/plans/${data.plans.plan}/groups/${row.number}${of ? `?of=${of}` : ''}`)));
  };
  if (!data.product) return html`<${PageHead} title=${t('page.matching')} /><${EmptyState} title=${t('matching.none')} text=${t('matching.none_text')} />`;
  const made = data.products.find((/** @type {Data} */ each) => each.product === data.product);
  const plan = data.plans?.plans[group && !group.is_in_force ? data.plans.plans.length - 1 : 0];
  return html`<${PageHead} title=${t('page.matching')} aside=${html`<span>${t('matching.as_of', { time: dateTime(data.now_us) })}</span>`}>
      <button type="button" class="button" onClick=${reload}><${Icon} name="refresh" />${t('matching.again')}</button>
      ${parts && html`<${parts.ExportMenu} path="/matching" table=${data.plans ? 'plan_units' : 'stock'} />`}
    <//>
    ${dialog}
    <div class="stack">
      <${Products} products=${data.products} product=${data.product} />
      ${data.problems.map((/** @type {string} */ each) => html`<div class="notice notice-error" role="alert" key=${each}><span class="notice-mark" aria-hidden="true">!</span><p>${each}</p></div>`)}
      <${StockCard} data=${data} made=${made} group=${group} />
      <${PlanCard} data=${data} made=${made}>${data.plans && parts && html`<${parts.Comparison} plans=${data.plans.plans} made=${made} />`}<//>
      ${parts === null && html`<${Skeleton} />`}
      ${data.plans && parts && html`<${parts.Groups} plans=${data.plans.plans} made=${made} group=${group} choose=${choose} />`}
      ${group && plan && parts && html`<${parts.GroupCard} ...${{ group, plan, data, made, ask }} onClose=${() => choose(null, true)} />`}
      ${parts && html`<${parts.Reserved} jobs=${data.jobs} made=${made} ask=${ask} />`}
    </div>`;
}

/** @param {{products: Data[], product: string}} props */
function Products({ products, product }) {
  return html`<div class="facet" role="group" aria-label=${t('matching.to_make')}>
    <span class="facet-name">${t('matching.to_make')}</span>
    ${products.map((each) => html`<a class="chip" key=${each.product} aria-current=${each.product === product ? 'true' : undefined} href="/matching?product=${encodeURIComponent(each.product)}">${term(each.product, each.name)}<span class="chip-count">${each.form}</span></a>`)}
  </div>`;
}

/** What comes with tables is fetched behind the picture: it would keep it waiting. */
function useTables() {
  const [parts, setParts] = useState(/** @type {typeof import('./matching/tables.js') | null} */ (null));
  useEffect(() => void import('./matching/tables.js').then(setParts), []);
  return parts;
}
