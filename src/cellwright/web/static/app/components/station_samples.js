/** What sample plans ask of a station now, what the last samples gave, and the way to record one. */
import { html } from '../../vendor/preact.js';
import { may } from '../boot.js';
import { duration, t, word } from '../i18n.js';
import { operation, term } from '../objects.js';
import { useCommands } from './command_menu.js';
import { Card } from './page_head.js';
import { Taken } from './samples_taken.js';
import { EmptyState, Notice } from './states.js';
import { limitsText } from './value_bar.js';

/** @typedef {Record<string, any>} Data */

/** @param {{station: string, samples: {plans: Data[], taken: Data[]}}} props */
export default function StationSamples({ station, samples }) {
  const { ask, dialog } = useCommands(async () => {});
  return html`<${Card} id="samples" title=${t('sample.title')} note=${t('sample.note')}>
    ${samples.plans.map((plan) => html`<${Plan} key=${plan.operation} plan=${plan} onRecord=${() => ask('sample', station, plan)} />`)}
    ${samples.taken.length === 0 ? html`<${EmptyState} title=${t('sample.none')} />` : html`<${Taken} rows=${samples.taken} />`}
    ${dialog}
  <//>`;
}

/** @param {{plan: Data, onRecord: () => void}} props */
function Plan({ plan, onRecord }) {
  const { characteristic: limits, every_count: count, every_s: every } = plan;
  const often = every === null ? t('sample.every', { count }) : t('sample.every_or', { count, time: duration(every * 1e6) });
  const button = may('sample_record') && html`<button type="button" class="button ${plan.cause ? 'button-main' : ''}" onClick=${onRecord}>${t('ask.sample')}</button>`;
  const state = plan.cause
    ? html`<${Notice} icon="hand"><b>${t('sample.due')}</b> ${word('sample_cause', plan.cause)}. ${t('sample.left', { n: plan.left_count })}<//>`
    : html`<p>${t('sample.not_due', { since: plan.since_count, left: plan.left_count })}</p>`;
  return html`<section data-sample=${plan.operation} data-due=${plan.cause ?? ''}>
    <p><b>${operation(plan.operation, plan.operation)}</b> ${plan.name}: ${term(limits.code, limits.code)} ${limitsText(limits, limits.unit)}. ${often}</p>
    ${state} ${button}
  </section>`;
}
