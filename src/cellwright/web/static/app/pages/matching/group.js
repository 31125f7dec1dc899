/** One group: its parallel sums, its units, and the job that it may become. */
import { html } from '../../../vendor/preact.js';
import { may } from '../../boot.js';
import { Icon } from '../../components/icon.js';
import { Card } from '../../components/page_head.js';
import { Notice } from '../../components/states.js';
import { VirtualTable } from '../../components/virtual_table.js';
import { number, quantity, t } from '../../i18n.js';
import { pageOf } from '../../objects.js';
import { valueColumns } from './axes.js';

/** @typedef {Record<string, any>} Data */

/** @param {{group: Data, plan: Data, data: Data, made: Data, ask: import('../../components/command_menu.js').Asking, onClose: () => void}} props */
export function GroupCard({ group, plan, data, made, ask, onClose }) {
  const title = t('matching.group_n', { n: group.number });
  const kept = reservedIn(group, data.jobs);
  return html`<${Card} flush id="group" title=${title} note=${t('matching.group_note', { n: group.units.length, form: made.form })} actions=${html`<a class="button button-quiet" href="#picture">${t('matching.in_picture')}</a><${Reserve} ...${{ group, plan, data, made, kept, ask }} /><button type="button" class="icon-button" aria-label=${t('action.close')} title=${t('action.close')} onClick=${onClose}><${Icon} name="close" /></button>`}>
    <div class="matching-group">
      ${kept.length > 0 && html`<${Notice} icon="lock"><p>${t('matching.group_taken', { jobs: kept.join(', ') })}</p><//>`}
      ${!plan.is_in_force && html`<${Notice} icon="lock"><p>${t('matching.only_in_force')}</p><//>`}
      <${Sums} sums=${group.sums_ah} lost=${group.summary.unusable_ratio} />
    </div>
    <${VirtualTable} caption=${title} columns=${columns()} rows=${group.units} rowKey="unit" hrefOf=${(/** @type {Data} */ each) => pageOf('unit', each.unit)} hasTools=${group.units.length > 8} />
  <//>`;
}

const columns = () => [
  { key: 'slot', label: t('matching.slot'), kind: 'number' },
  { key: 'unit', label: t('column.code'), kind: 'code', href: (/** @type {Data} */ row) => pageOf('unit', row.unit) },
  { key: 'series', label: t('matching.series'), kind: 'number' },
  { key: 'parallel', label: t('matching.parallel'), kind: 'number' },
  ...valueColumns(),
];

/** The jobs that keep units of a group. @param {Data} group @param {Data[]} jobs */
function reservedIn(group, jobs) {
  const own = new Set(group.units.map((/** @type {Data} */ each) => each.unit));
  return jobs.filter((job) => job.members.some((/** @type {string} */ code) => own.has(code))).map(({ job }) => job);
}

/** @param {{group: Data, plan: Data, data: Data, made: Data, kept: string[], ask: import('../../components/command_menu.js').Asking}} props */
function Reserve({ group, plan, data, made, ask }) {
  if (!plan.is_in_force || !may('job_dispatch')) return null;
  const why = data.stations.length === 0 ? t('matching.no_station') : data.orders.length === 0 ? t('matching.no_order') : '';
  return html`${why && html`<span class="muted">${why}</span>`}
    <button type="button" class="button button-main" disabled=${why !== ''} onClick=${() => ask('reserve', group, data, made)}>${t('ask.reserve')}</button>`;
}

/** The capacity of each parallel group, from the smallest to the largest. @param {{sums: number[], lost: number}} props */
function Sums({ sums, lost }) {
  const [least, most] = [Math.min(...sums), Math.max(...sums)];
  return html`<p>${t('matching.sums', { n: sums.length, least: quantity(least, 'Ah', { digits: 4 }), most: quantity(most, 'Ah', { digits: 4 }), spread: quantity((most - least) * 1000, 'mAh', { digits: 1 }), lost: quantity(lost, 'ratio', { digits: 4 }) })}</p>
    <ol class="matching-sums" aria-label=${t('matching.sums_label')}>${sums.map((sum, index) => html`<li key=${index}><span class="muted">${t('matching.series_n', { n: index + 1 })}</span> ${number(sum, { digits: 4 })}\u00a0Ah</li>`)}</ol>`;
}
