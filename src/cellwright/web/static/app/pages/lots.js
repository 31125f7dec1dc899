/** All lots of material. */
import { html } from '../../vendor/preact.js';
import { AmountBar } from '../components/value_bar.js';
import { ListPage } from '../components/list_page.js';
import { boot } from '../boot.js';
import { dateTime, t } from '../i18n.js';
import { amountOf, CodeLink, pageOf, StatusTag, term } from '../objects.js';

/** @param {{boot: {data: any}}} props */
export default function LotsPage({ boot: { data } }) {
  const materials = Object.fromEntries(data.choices.material.map((/** @type {any} */ each) => [each.code, each.name]));
  /** @param {any} row */
  const href = (row) => pageOf('lot', row.code);
  const columns = [
    { key: 'code', label: t('column.code'), kind: 'code', href },
    { key: 'material', label: t('column.material'), kind: 'word', area: 'term', render: (/** @type {any} */ row) => term(row.material, materials[row.material]) },
    { key: 'status', label: t('column.status'), kind: 'word', area: 'lot_status', render: (/** @type {any} */ row) => html`<${StatusTag} area="lot_status" status=${row.status} holds=${row.holds_count} />` },
    { key: 'quantity', label: t('column.quantity'), kind: 'number', render: (/** @type {any} */ row) => (row.quantity || row.status === 'open' ? amountOf(row.quantity, row.measure, row.quantity) : t('common.unknown')) },
    { key: 'remaining', label: t('column.in_stock'), kind: 'number', render: (/** @type {any} */ row) => amountOf(row.remaining, row.measure, row.quantity) },
    { key: 'loaded', label: t('column.loaded'), kind: 'number', render: (/** @type {any} */ row) => amountOf(row.loaded, row.measure, row.quantity) },
    { key: 'used', label: t('column.left'), isFixed: true, render: (/** @type {any} */ row) => html`<span class="measured-bar"><${AmountBar} value=${row.remaining + row.loaded} full=${row.quantity} unit=${row.measure} label=${t('column.left')} /></span>` },
    { key: 'supplier', label: t('column.from_whom'), kind: 'code', render: (/** @type {any} */ row) => row.supplier || html`<${CodeLink} kind="station" code=${row.station} />` },
    { key: 'expires_us', label: t('column.expires'), kind: 'time', render: (/** @type {any} */ row) => row.expires_us && html`<span class=${row.expires_us <= boot.now_us ? 'late' : ''}>${dateTime(row.expires_us)}</span>` },
    { key: 'made_us', label: t('column.made'), kind: 'time' },
  ];
  /** @param {string} filter @param {any} choice */
  const nameOf = (filter, { code, name }) => (filter === 'material' ? term(code, name) : t(`lot_status.${code}`));
  return html`<${ListPage} title=${t('page.lots')} path="/lots" hasText rowKey="code" hrefOf=${href}
    ...${{ data, columns, nameOf }} empty=${t('lots.empty')} emptyText=${t('lots.empty_text')} />`;
}
