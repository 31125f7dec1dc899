/** All work orders and how far they are; what was made for none of them. */
import { html } from '../../vendor/preact.js';
import { may } from '../boot.js';
import { useCommands } from '../components/command_menu.js';
import { ListPage } from '../components/list_page.js';
import { Card } from '../components/page_head.js';
import { ProgressBar } from '../components/progress_bar.js';
import { VirtualTable } from '../components/virtual_table.js';
import { useFresh } from '../fresh.js';
import { number, t } from '../i18n.js';
import { pageOf, term } from '../objects.js';
import { Due, OrderTag } from './order.js';

export default function OrdersPage() {
  const [data, reload] = useFresh('/orders', { isFollowing: true });
  const { ask, dialog } = useCommands(reload);
  const names = Object.fromEntries(data.products.map((/** @type {any} */ each) => [each.code, each.name]));
  /** @param {any} row */
  const href = (row) => pageOf('order', row.order);
  const columns = [
    { key: 'order', label: t('column.order'), kind: 'code', href },
    { key: 'product', label: t('column.product'), kind: 'word', area: 'term', render: (/** @type {any} */ row) => term(row.product, names[row.product]) },
    { key: 'is_open', label: t('column.status'), render: OrderTag },
    { key: 'progress', label: t('column.progress'), isFixed: true, render: Progress },
    { key: 'quantity', label: t('column.wanted'), kind: 'number' },
    { key: 'good_count', label: t('column.good'), kind: 'number' },
    { key: 'in_process_count', label: t('column.in_process'), kind: 'number' },
    { key: 'scrapped_count', label: t('column.scrapped'), kind: 'number' },
    { key: 'due_us', label: t('column.due'), kind: 'time', render: Due },
    { key: 'released_us', label: t('column.ordered'), kind: 'time' },
    { key: 'released_by', label: t('column.ordered_by') },
    { key: 'closed_us', label: t('column.closed'), kind: 'time', isHidden: true },
    { key: 'closed_by', label: t('column.closed_by'), isHidden: true },
    { key: 'reason', label: t('column.reason'), isHidden: true },
  ];
  /** @param {string} filter @param {any} choice */
  const nameOf = (filter, { code }) => t(`orders.${filter}_${code}`);
  const actions = may('order_manage') && html`<button type="button" class="button" onClick=${() => ask('order', data.products)}>${t('ask.order')}</button>`;
  return html`<${ListPage} title=${t('page.orders')} path="/orders" rowKey="order" hrefOf=${href} actions=${actions}
    ...${{ data, columns, nameOf }} empty=${t('orders.empty')} emptyText=${t('orders.empty_text')}>
    ${data.unattributed.length > 0 && html`<${Unattributed} rows=${data.unattributed} names=${names} />`}
    ${dialog}
  <//>`;
}

/** @param {any} row */
function Progress(row) {
  const counts = { good: row.good_count, in_process: row.in_process_count, scrapped: row.scrapped_count };
  const share = Math.floor((row.good_count / row.quantity) * 100);
  return html`<span class="progress-cell"><${ProgressBar} ...${counts} quantity=${row.quantity} /><span class="muted">${number(share)} %</span></span>`;
}

/** @param {{rows: any[], names: Record<string, string>}} props */
function Unattributed({ rows, names }) {
  const columns = [
    { key: 'product', label: t('column.product'), kind: 'word', area: 'term', render: (/** @type {any} */ row) => term(row.product, names[row.product]) },
    { key: 'started_count', label: t('column.started'), kind: 'number' },
    { key: 'in_process_count', label: t('column.in_process'), kind: 'number' },
    { key: 'good_count', label: t('column.good'), kind: 'number' },
    { key: 'scrapped_count', label: t('column.scrapped'), kind: 'number' },
    { key: 'last_us', label: t('column.worked'), kind: 'time' },
  ];
  return html`<${Card} flush id="unattributed" title=${t('orders.unattributed')} note=${t('orders.unattributed_note')}>
    <${VirtualTable} caption=${t('orders.unattributed')} columns=${columns} rows=${rows} rowKey="product" hasTools=${false} />
  <//>`;
}
