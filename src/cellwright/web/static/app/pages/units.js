/** All cells, modules and packs. */
import { html } from '../../vendor/preact.js';
import { ListPage } from '../components/list_page.js';
import { t } from '../i18n.js';
import { CodeLink, operation, pageOf, StatusTag, term } from '../objects.js';

/** @param {{boot: {data: any}}} props */
export default function UnitsPage({ boot: { data } }) {
  const operations = Object.fromEntries(data.choices.operation.map((/** @type {any} */ each) => [each.code, each.name]));
  /** @param {any} row */
  const href = (row) => pageOf('unit', row.code);
  const columns = [
    { key: 'code', label: t('column.code'), kind: 'code', href },
    { key: 'kind', label: t('column.kind'), kind: 'word', area: 'thing' },
    { key: 'product', label: t('column.product'), kind: 'word', area: 'term', isHidden: true, render: (/** @type {any} */ row) => term(row.product) },
    { key: 'status', label: t('column.status'), kind: 'word', area: 'unit_status', render: (/** @type {any} */ row) => html`<${StatusTag} status=${row.status} holds=${row.holds_count} />` },
    { key: 'operation', label: t('column.at_operation'), kind: 'word', area: 'term', render: (/** @type {any} */ row) => row.operation && operation(row.operation, operations[row.operation]) },
    { key: 'station', label: t('column.station'), kind: 'code', render: (/** @type {any} */ row) => html`<${CodeLink} kind="station" code=${row.station} />` },
    { key: 'carrier', label: t('column.carrier'), kind: 'code', render: (/** @type {any} */ row) => row.carrier && html`<${CodeLink} kind="carrier" code=${row.carrier} /> <span class="muted">${t('fact.slot', { slot: row.slot })}</span>` },
    { key: 'parent', label: t('column.parent'), kind: 'code', render: (/** @type {any} */ row) => html`<${CodeLink} kind="unit" code=${row.parent} />` },
    { key: 'grade', label: t('column.grade') },
    { key: 'worked_us', label: t('column.worked'), kind: 'time' },
  ];
  /** @param {string} filter @param {any} choice */
  const nameOf = (filter, { code, name }) => {
    if (filter === 'operation') return operation(code, name);
    if (filter === 'kind') return t(`kinds.${code}`);
    return t(`unit_status.${code}`);
  };
  return html`<${ListPage} title=${t('page.units')} path="/units" hasText rowKey="code" hrefOf=${href}
    ...${{ data, columns, nameOf }} empty=${t('units.empty')} emptyText=${t('units.empty_text')} />`;
}
