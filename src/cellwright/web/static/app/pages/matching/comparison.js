/** Plans side by side: what came of the windows in force, and of others. */
import { html } from '../../../vendor/preact.js';
import { duration, number, quantity, t, word } from '../../i18n.js';
import { term } from '../../objects.js';
import { FIELDS, windowText } from './windows.js';

/** @typedef {Record<string, any>} Data */

/** The plans side by side: what was asked, what came of it. @param {{plans: Data[], made: Data}} props */
export function Comparison({ plans, made }) {
  const share = (/** @type {number | null} */ value) => quantity(value, 'ratio', { digits: 2 });
  /** @type {[string, (plan: Data) => any][]} */
  const results = [
    [t('matching.makes', { product: term(made.product, made.name) }), (plan) => html`<b>${number(plan.groups_count)}</b>`],
    [t('matching.at_most'), (plan) => number(plan.bound_count)],
    [t('matching.placed', { n: plans[0]?.stock_count }), (plan) => share(plan.placed_ratio)],
    [t('matching.bound'), (plan) => share(plan.bound_ratio)],
    [t('matching.gap'), (plan) => share(plan.gap_ratio)],
    [t('matching.unusable'), (plan) => quantity(plan.unusable_capacity_ratio, 'ratio', { digits: 4 })],
    [t('matching.left_over'), (plan) => html`<${Leftover} counts=${plan.leftover_counts} />`],
    [t('matching.wall'), (plan) => duration(plan.wall_s * 1e6)],
  ];
  /** @type {[string, (plan: Data) => any][]} */
  const windows = [...FIELDS.map((field) => /** @type {[string, (plan: Data) => any]} */ ([t(`matching_window.${field.name}`), (plan) => windowText(field, plan.windows[field.name])])), [t('matching.mix'), (plan) => t(plan.windows.mix_batches ? 'matching.may' : 'matching.may_not')]];
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label=${t('matching.compared')}>
    <table class="table matching-compared">
      <thead><tr><th scope="col"><span class="visually-hidden">${t('matching.what')}</span></th>${plans.map((plan) => html`<th key=${plan.is_in_force} scope="col" class="num">${t(plan.is_in_force ? 'matching.in_force' : 'matching.tried')}</th>`)}</tr></thead>
      <tbody>
        ${[...results, ...windows].map(([label, text], index) => html`<tr key=${label} data-first=${index === results.length}><th scope="row">${label}</th>${plans.map((plan) => html`<td key=${plan.is_in_force} class="num">${text(plan)}</td>`)}</tr>`)}
      </tbody>
    </table>
  </div>`;
}

/** @param {{counts: Record<string, number>}} props */
function Leftover({ counts }) {
  const parts = Object.entries(counts).filter(([, count]) => count > 0);
  if (parts.length === 0) return number(0);
  return html`<ul class="matching-left">${parts.map(([reason, count]) => html`<li key=${reason}>${number(count)} ${word('matching_left', reason)}</li>`)}</ul>`;
}
