/** What may not go on, and why. */
import { html } from '../../vendor/preact.js';
import { ListPage } from '../components/list_page.js';
import { boot, may } from '../boot.js';
import { useCommands } from '../components/command_menu.js';
import { useFresh } from '../fresh.js';
import { age, dateTime, t } from '../i18n.js';
import { CodeLink } from '../objects.js';

const LISTED = 4;

export default function HoldsPage() {
  const [data, reload] = useFresh('/holds');
  const { ask, dialog } = useCommands(reload);
  const columns = [
    { key: 'id', label: t('column.hold'), kind: 'number' },
    { key: 'codes', label: t('column.holds'), kind: 'code', render: Subjects },
    { key: 'reason', label: t('column.reason'), kind: 'text' },
    // Narrowed to one recall, the chips say which.
    ...(data.filters.recall || data.rows.every((/** @type {any} */ row) => !row.recall) ? [] : [{ key: 'recall', label: t('column.recall'), render: (/** @type {any} */ row) => row.recall && html`<a href="/holds?recall=${encodeURIComponent(row.recall)}">${row.recall}</a>` }]),
    { key: 'placed_us', label: t('column.placed'), kind: 'code', render: (/** @type {any} */ row) => html`${dateTime(row.placed_us)}${row.released_us === null && html` <span class="muted">${age(boot.now_us - row.placed_us)}</span>`}` },
    { key: 'placed_by', label: t('column.placed_by') },
    { key: 'released_us', label: t('column.released'), kind: 'code', render: (/** @type {any} */ row) => (row.released_us === null ? html`<span class="status-tag" data-held="true">${t('hold.open')}</span>` : dateTime(row.released_us)) },
    { key: 'released_by', label: t('column.released_by'), render: (/** @type {any} */ row) => [row.released_by, row.second_person].filter(Boolean).join(', ') },
    ...(may('hold_release') ? [{ key: 'ask', label: t('ask.menu'), isFixed: true, render: Lift }] : []),
  ];
  /** @param {any} row */
  function Lift(row) {
    return row.released_us === null && html`<button type="button" class="button" onClick=${() => ask('lift', row)}>${t('ask.lift')}</button>`;
  }
  /** @param {string} filter @param {any} choice */
  const nameOf = (filter, { code }) => (filter === 'recall' ? code : t(`hold_filter.${filter}_${code}`));
  return html`<${ListPage} title=${t('page.holds')} path="/holds" rowKey="id" ...${{ data, columns, nameOf }} empty=${t('holds.empty')} emptyText=${t('holds.empty_text')}>${dialog}<//>`;
}

/** @param {any} row */
function Subjects({ subject, codes, subjects_count }) {
  const rest = subjects_count - Math.min(LISTED, codes.length);
  return html`<span class="code-list">${codes.slice(0, LISTED).map((/** @type {string} */ code) => html`<${CodeLink} key=${code} kind=${subject} code=${code} />`)}
    ${rest > 0 && html`<span class="muted">${t('object.more', { n: rest })}</span>`}</span>`;
}
