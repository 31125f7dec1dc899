/** What sample plans ask of a station now, what the last samples gave, and the way to record one. */
import { html } from '../../vendor/preact.js';
import { may } from '../boot.js';
import { dateTime, duration, number, t, word } from '../i18n.js';
import { CodeLink, operation, term } from '../objects.js';
import { useCommands } from './command_menu.js';
import { Card } from './page_head.js';
import { EmptyState, Notice } from './states.js';
import { limitsText } from './value_bar.js';
import { VerdictChip } from './verdict.js';

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

/** @param {{rows: Data[]}} props */
function Taken({ rows }) {
  return html`<div class="table-scroll"><table class="table">
    <thead><tr><th scope="col">${t('sample.when')}</th><th scope="col">${t('check.verdict')}</th><th scope="col" class="num">${t('sample.values')}</th><th scope="col">${t('sample.modes')}</th><th scope="col">${t('sample.units')}</th></tr></thead>
    <tbody>${rows.map(
      (row) => html`<tr key=${row.sample}>
        <td class="nowrap">${dateTime(row.recorded_us)}</td>
        <td><${VerdictChip} verdict=${row.is_good ? 'pass' : 'fail'} /></td>
        <td class="num">${row.values.map((/** @type {number | null} */ each) => (each === null ? '–' : number(each))).join(', ')}</td>
        <td>${row.modes.map((/** @type {string} */ each) => term(each, each)).join(', ')}</td>
        <td>${row.units.length === 0 ? '–' : html`<${CodeLink} kind="unit" code=${row.units[0]} />${row.units.length > 1 && ` + ${row.units.length - 1}`}`}
          ${row.hold > 0 && html` <a href="/holds">${t('sample.hold', { id: String(row.hold) })}</a>`}</td>
      </tr>`,
    )}</tbody>
  </table></div>`;
}
