/** A line at work: who is called, what is made for which order, each station in the order of the route, every open job. */
import { html } from '../../vendor/preact.js';
import { Calls } from '../components/calls.js';
import { Card, PageHead } from '../components/page_head.js';
import { ProgressBar } from '../components/progress_bar.js';
import { EmptyState } from '../components/states.js';
import { VirtualTable } from '../components/virtual_table.js';
import { WorkStation } from '../components/work_station.js';
import { Icon } from '../components/icon.js';
import { age, dateTime, duration, number, rate, t, word } from '../i18n.js';
import { toggleKiosk } from '../kiosk.js';
import { state, time_us, useTopic } from '../live.js';
import { nameWord } from '../names.js';
import { CodeLink, operation, pageOf, term } from '../objects.js';

/** @typedef {Record<string, any>} Data */

/** @param {{boot: import('../boot.js').Boot}} props */
export default function LineWorkPage({ boot }) {
  const page = boot.data;
  /** @type {Data} */
  const now = useTopic(`lines/${page.code}`, page.now, 2);
  const shown = { ...page, now, now_us: time_us.value, isStale: state.value === 'lost' };
  return html`<${PageHead} title=${page.name ? nameWord(page.name) : word('area', page.code)} steps=${[{ label: t('page.line'), href: '/line' }]} aside=${html`<${Summary} now=${now} />`}>
      <button type="button" class="button" onClick=${toggleKiosk}>${t('line.kiosk')}</button>
    <//>
    <div class="stack">
      <${Calls} calls=${now.calls} now_us=${shown.now_us} />
      <${Orders} ...${shown} />
      <section class="line-area" aria-label=${t('line_work.stations')}>
        <h2 class="line-area-name">${t('line_work.stations')}</h2>
        <ol class="line-steps work-steps">${page.steps.map((/** @type {Data} */ step) => html`<${Step} key=${step.operation || step.stations[0]} step=${step} ...${shown} />`)}</ol>
      </section>
      <${Jobs} jobs=${now.jobs} now_us=${shown.now_us} />
    </div>`;
}

/** @param {Data} props */
function Summary({ now }) {
  const running = now.stations.filter((/** @type {Data} */ each) => each.tile.state === 'running').length;
  return html`<ul class="line-summary">
    <li>${t('line_work.running')} <b>${t('line_work.of', { n: running, all: now.stations.length })}</b></li>
    <li>${t('line_work.open_jobs')} <b>${number(now.jobs.length)}</b></li>
  </ul>`;
}

/** Work orders for what is made here. @param {Data} props */
function Orders({ now, products, now_us }) {
  const { orders } = now;
  return html`<${Card} title=${t('line_work.orders')} note=${t('line_work.orders_note')}>
    ${orders.length === 0 && html`<${EmptyState} title=${t('line_work.no_orders')} text=${t('line_work.no_orders_text')} />`}
    <ul class="work-orders">${orders.map((/** @type {Data} */ each) => html`<${Order} key=${each.order} order=${each} name=${products[each.product]} now_us=${now_us} />`)}</ul>
  <//>`;
}

/** @param {Data} props */
function Order({ order, name, now_us }) {
  const { good_count, in_process_count, scrapped_count } = order.progress;
  const left_us = order.due_us === null ? null : order.due_us - now_us;
  return html`<li class="work-order" data-order=${order.order}>
    <span class="work-order-name"><${CodeLink} kind="order" code=${order.order} /> <span class="muted">${term(order.product, name)}</span></span>
    <${ProgressBar} good=${good_count} in_process=${in_process_count} scrapped=${scrapped_count} quantity=${order.quantity} />
    <span><b class="work-order-made">${t('line_work.of', { n: good_count, all: order.quantity })}</b> ${t('line_work.good_in_process', { n: in_process_count })}</span>
    <span class="work-order-due">${t('column.due')} ${order.due_us === null ? html`<span class="muted">${t('order.due_none')}</span>` : html`<span class=${order.is_late ? 'late' : ''}>${dateTime(order.due_us)}</span>`}${left_us !== null && html` <span class="muted">${left_us < 0 ? t('line_work.late_by', { late: duration(-left_us) }) : t('line_work.left', { left: duration(left_us) })}</span>`}</span>
  </li>`;
}

/** @param {Data} props */
function Step({ step, now, now_us, isStale }) {
  const yields = now.first_pass.find((/** @type {Data} */ each) => each.operation === step.operation);
  return html`<li class="line-step" data-operation=${step.operation}>
    ${step.waiting.map((/** @type {Data} */ each) => html`<${Waits} key=${each.product} waits=${each} buffers=${now.buffers} now_us=${now_us} />`)}
    <header class="work-step-head">
      <span class="line-step-name" title=${step.name}>${step.operation ? operation(step.operation, step.name) : t('line.handling')}</span>
      ${step.operation && html`<span class="work-yield">${t('line_work.first_pass')} <b>${yields ? rate({ ratio: yields.first_pass_ratio, n: yields.first_count }) : t('line_work.no_yield')}</b></span>`}
    </header>
    ${step.stations.map((/** @type {string} */ code) => {
      const jobs = now.jobs.filter((/** @type {Data} */ each) => each.station === code);
      const isCalling = now.calls.some((/** @type {Data} */ each) => each.station === code);
      const known = now.stations.find((/** @type {Data} */ each) => each.station === code);
      return html`<${WorkStation} key=${code} station=${known} ...${{ jobs, isCalling, now_us, isStale }} />`;
    })}
  </li>`;
}

/** What lies before a step: how many, of what, since when. @param {Data} props */
function Waits({ waits, buffers, now_us }) {
  const buffer = buffers.find((/** @type {Data} */ each) => each.product === waits.product && each.operation === waits.operation);
  const count = buffer?.waiting_count ?? 0;
  const oldest_us = buffer?.oldest_since_us ?? null;
  return html`<p class="work-buffer" data-waits=${count > 0}>
    <${Icon} name="chevron-right" /><b>${number(count)}</b> <span>${term(waits.product, waits.product_name)}</span>
    <span class="muted">${count === 0 ? t('tile.nothing_waits') : oldest_us === null ? '' : t('line.oldest', { age: age(now_us - oldest_us) })}</span>
  </p>`;
}

/** @param {{jobs: Data[], now_us: number}} props */
function Jobs({ jobs, now_us }) {
  const columns = [
    { key: 'job', label: t('line_work.job'), kind: 'code' },
    { key: 'state', label: t('column.status'), render: (/** @type {Data} */ row) => html`<span class="nowrap">${word('job_state', row.state)}</span>` },
    { key: 'station', label: t('column.station'), kind: 'code', href: (/** @type {Data} */ row) => pageOf('station', row.station) },
    { key: 'operation', label: t('column.operation'), render: (/** @type {Data} */ row) => (row.operation ? operation(row.operation) : t('line_work.brings')) },
    { key: 'units', label: t('column.units'), isFixed: true, render: (/** @type {Data} */ row) => html`<${Codes} codes=${row.units} none=${t('line_work.born_here')} />` },
    { key: 'members', label: t('line_work.reserved'), isFixed: true, render: (/** @type {Data} */ row) => html`<${Codes} codes=${row.members} none=${t('line_work.none')} />` },
    { key: 'order', label: t('column.order'), kind: 'code', href: (/** @type {Data} */ row) => (row.order ? pageOf('order', row.order) : null) },
    { key: 'since_us', label: t('line_work.state_age'), render: (/** @type {Data} */ row) => age(now_us - row.since_us) },
    { key: 'dispatched_us', label: t('line_work.dispatched'), kind: 'time', isHidden: true },
  ];
  return html`<${Card} title=${t('line_work.jobs')} note=${t('line_work.jobs_note')} flush>
    ${jobs.length === 0 ? html`<${EmptyState} title=${t('line_work.no_jobs')} text=${t('line_work.no_jobs_text')} />` : html`<${VirtualTable} caption=${t('line_work.jobs')} columns=${columns} rows=${jobs} rowKey="job" hasTools=${jobs.length > 8} />`}
  <//>`;
}

/** Codes: the first, and how many more. @param {{codes: string[], none: string}} props */
function Codes({ codes, none }) {
  if (codes.length === 0) return html`<span class="muted">${none}</span>`;
  const more = codes.length - 1;
  return html`<span class="nowrap" title=${codes.slice(0, 100).join('\n')}><${CodeLink} kind="unit" code=${codes[0]} />${more > 0 && html` <span class="muted">${t('line_work.and_more', { n: more })}</span>`}</span>`;
}
