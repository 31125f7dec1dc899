/** Batches of tests on cyclers: what was tested together, when, and how much of it stands out. */
import { html } from '../../vendor/preact.js';
import { ListPage } from '../components/list_page.js';
import { useFresh } from '../fresh.js';
import { age, dateTime, number, t } from '../i18n.js';
import { CodeLink, operation, pageOf } from '../objects.js';

/** @typedef {Record<string, any>} Row */

export default function FormationPage() {
  const [data] = useFresh('/formation', { isFollowing: true });
  const names = Object.fromEntries(data.choices.operation.map((/** @type {Row} */ each) => [each.code, each.name]));
  /** @param {Row} row */
  const href = (row) => pageOf('formation', row.batch);
  const columns = [
    { key: 'batch', label: t('formation.batch'), kind: 'code', href },
    { key: 'operation', label: t('column.operation'), kind: 'word', area: 'term', render: (/** @type {Row} */ row) => operation(row.operation, names[row.operation]) },
    { key: 'station', label: t('column.station'), kind: 'code', render: (/** @type {Row} */ row) => known('station', row.station) },
    { key: 'carrier', label: t('column.carrier'), kind: 'code', render: (/** @type {Row} */ row) => known('carrier', row.carrier) },
    { key: 'age_us', label: t('formation.ended'), kind: 'age', render: (/** @type {Row} */ row) => html`<span class="nowrap" title=${dateTime(row.end_us)}>${t('formation.ago', { age: age(row.age_us) })}</span>` },
    { key: 'cells_count', label: t('formation.cells'), kind: 'number' },
    { key: 'faults_count', label: t('formation.faults'), kind: 'number', render: (/** @type {Row} */ row) => html`<${Count} n=${row.faults_count} />` },
    { key: 'outliers_count', label: t('formation.outliers'), kind: 'number', render: (/** @type {Row} */ row) => html`<${Count} n=${row.outliers_count} />` },
    { key: 'unknown_count', label: t('formation.unjudged'), kind: 'number', render: (/** @type {Row} */ row) => html`<${Count} n=${row.unknown_count} />` },
    { key: 'attempt', label: t('formation.repeat'), kind: 'number', isHidden: true },
    { key: 'first_channel', label: t('formation.channels'), kind: 'code', isHidden: true, render: (/** @type {Row} */ row) => channels(row) },
    { key: 'start_us', label: t('column.started'), kind: 'time', isHidden: true },
    { key: 'end_us', label: t('formation.ended_at'), kind: 'time', isHidden: true },
  ];
  /** @param {string} _ @param {any} choice */
  const nameOf = (_, { code, name }) => operation(code, name);
  return html`<${ListPage} title=${t('page.formation')} path="/formation" rowKey="batch" hrefOf=${href}
    ...${{ data, columns, nameOf }} empty=${t('formation.empty')} emptyText=${t('formation.empty_text')} />`;
}

/** @param {string} kind @param {string} code */
const known = (kind, code) => (code ? html`<${CodeLink} kind=${kind} code=${code} />` : html`<span class="muted">${t('common.unknown')}</span>`);

/** Nothing is grey: what is to be looked at is seen at once. @param {{n: number}} props */
const Count = ({ n }) => html`<span class=${n ? 'formation-some' : 'muted'}>${number(n)}</span>`;

/** @param {Row} row */
const channels = ({ first_channel, last_channel }) => (first_channel ? html`<span class="code">${first_channel === last_channel ? first_channel : `${first_channel} – ${last_channel}`}</span>` : html`<span class="muted">${t('common.unknown')}</span>`);
