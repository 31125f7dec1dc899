/** A work order: how far it is, which units are its own, who released and closed it, and why. */
import { html } from '../../vendor/preact.js';
import { may } from '../boot.js';
import { CommandMenu, useCommands } from '../components/command_menu.js';
import { KpiStrip } from '../components/kpi_strip.js';
import { Card, PageHead } from '../components/page_head.js';
import { ProgressBar, ProgressLegend } from '../components/progress_bar.js';
import { EmptyState } from '../components/states.js';
import { ExportMenu } from '../components/table_tools.js';
import { Timeline } from '../components/timeline.js';
import { VirtualTable } from '../components/virtual_table.js';
import { useFresh } from '../fresh.js';
import { age, date, dateTime, number, t, time } from '../i18n.js';
import { time_us } from '../live.js';
import { addressOf, pageOf, term } from '../objects.js';

/** @typedef {Record<string, any>} Order */

/** @param {{boot: import('../boot.js').Boot}} props */
export default function OrderPage({ boot }) {
  const path = addressOf('order', boot.data.order.order);
  const [data, reload] = useFresh(path, { isFollowing: true });
  const { ask, dialog } = useCommands(reload);
  const { order } = data;
  const counts = countsOf(order);
  return html`<${PageHead} title=${t('page.order')} code=${order.order} steps=${[{ label: t('page.orders'), href: '/orders' }]} aside=${html`<${OrderTag} ...${order} />`}>
      <${CommandMenu} asks=${[may('order_manage') && order.is_open && ['close_order', order.order]]} ask=${ask} />
      <${ExportMenu} path=${path} />
    <//>
    ${dialog}
    <div class="stack">
      <${KpiStrip} items=${figures(order, data.product_name)} />
      <${Card} title=${t('order.progress')}>
        <${ProgressBar} ...${counts} quantity=${order.quantity} isLarge />
        <${ProgressLegend} ...${counts} />
      <//>
      <div class="grid">
        <div class="span-7 whole-on-tablet"><${Units} ...${data} /></div>
        <div class="span-5 whole-on-tablet"><${Card} title=${t('order.history')}><${Timeline} events=${events(order, data.product_name)} /><//></div>
      </div>
    </div>`;
}

/** @param {Order} order */
function countsOf({ progress }) {
  return { good: progress.good_count, in_process: progress.in_process_count, scrapped: progress.scrapped_count };
}

/** @param {Order} order @param {string} name */
function figures(order, name) {
  const { product, quantity, due_us, is_open, progress } = order;
  const missing = Math.max(0, quantity - progress.good_count);
  const toBegin = Math.max(0, quantity - progress.started_count + progress.scrapped_count);
  return [
    { key: 'wanted', label: t('column.wanted'), value: quantity, note: term(product, name) },
    { key: 'good', label: t('column.good'), value: progress.good_count, note: missing ? t('order.still_missing', { n: missing }) : t('order.all_made') },
    { key: 'started', label: t('column.started'), value: progress.started_count, note: is_open && toBegin ? t('order.more_wanted', { n: toBegin }) : '' },
    { key: 'in_process', label: t('column.in_process'), value: progress.in_process_count },
    { key: 'scrapped', label: t('column.scrapped'), value: progress.scrapped_count },
    { key: 'due', label: t('column.due'), value: due_us === null ? t('order.due_none') : date(due_us), note: dueNote(order) },
  ];
}

/** The hour at which an order is due; how far that is, while it matters. @param {Order} order */
function dueNote({ quantity, due_us, is_open, progress }) {
  if (due_us === null) return '';
  const left = due_us - time_us.value;
  if (!is_open || progress.good_count >= quantity) return time(due_us);
  return left < 0 ? t('order.due_passed', { time: time(due_us), late: age(-left) }) : t('order.due_left', { time: time(due_us), left: age(left) });
}

/** Open or closed, and late. @param {Order} order */
export function OrderTag({ is_open, is_late }) {
  return html`<span class="status-tag">${t(is_open ? 'order_status.open' : 'order_status.closed')}</span>
    ${is_late && html` <span class="status-tag" data-stop="true">${t('order.late')}</span>`}`;
}

/** When an order is due. @param {Order} order */
export function Due({ due_us, is_late }) {
  if (due_us === null) return html`<span class="muted">${t('order.due_none')}</span>`;
  return html`<span class=${is_late ? 'late' : ''}>${dateTime(due_us)}</span>`;
}

/** @param {{ranges: any[], ranges_count: number}} props */
function Units({ ranges, ranges_count }) {
  const columns = [
    { key: 'code_from', label: t('column.first_code'), kind: 'code', href: (/** @type {any} */ row) => pageOf('unit', row.code_from) },
    { key: 'code_to', label: t('column.last_code'), kind: 'code', href: (/** @type {any} */ row) => pageOf('unit', row.code_to) },
    { key: 'units_count', label: t('column.units'), kind: 'number' },
  ];
  const isCut = ranges.length < ranges_count;
  const note = isCut ? t('lot.first_of', { shown: number(ranges.length), total: number(ranges_count) }) : '';
  return html`<${Card} flush id="units" title=${t('order.units')} note=${note}>
    ${ranges.length === 0
      ? html`<${EmptyState} title=${t('order.no_units')} text=${t('order.no_units_text')} />`
      : html`<${VirtualTable} caption=${t('order.units')} columns=${columns} rows=${ranges} rowKey="code_from" hasTools=${ranges.length > 8} hrefOf=${(/** @type {any} */ row) => pageOf('unit', row.code_from)} />`}
  <//>`;
}

/** What happened to an order, the newest first. @param {Order} order @param {string} name @returns {import('../components/timeline.js').HistoryEvent[]} */
function events(order, name) {
  const { progress } = order;
  /** @type {(import('../components/timeline.js').HistoryEvent | false)[]} */
  const all = [
    order.closed_us !== null && { key: 'closed', time_us: order.closed_us, kind: 'moved', text: html`<b>${t('order.closed_event')}</b>`, note: order.reason, aside: order.closed_by },
    progress.last_us !== null && { key: 'last', time_us: progress.last_us, kind: 'done', text: t('order.last_event') },
    progress.first_us !== null && { key: 'first', time_us: progress.first_us, kind: 'done', text: t('order.first_event') },
    {
      key: 'released',
      time_us: order.released_us,
      kind: 'moved',
      text: html`<b>${t('order.released_event')}</b>`,
      note: t('order.released_note', { count: number(order.quantity), product: term(order.product, name) }),
      aside: order.released_by,
    },
  ];
  return all.filter((each) => each !== false).sort((left, right) => Number(right.time_us) - Number(left.time_us));
}
