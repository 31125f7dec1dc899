/** What the gate refused, with every reason. */
import { html } from '../../vendor/preact.js';
import { ListPage } from '../components/list_page.js';
import { t, word } from '../i18n.js';
import { CodeLink } from '../objects.js';

/** @param {{boot: {data: any}}} props */
export default function RefusalsPage({ boot: { data } }) {
  const columns = [
    { key: 'time_us', label: t('column.time'), kind: 'time' },
    { key: 'station', label: t('column.station'), render: (/** @type {any} */ row) => html`<${CodeLink} kind="station" code=${row.station} />` },
    { key: 'command', label: t('column.asked'), kind: 'word', area: 'command' },
    { key: 'codes', label: t('filter.code'), kind: 'code', render: (/** @type {any} */ row) => html`<span class="code-list">${row.codes.map((/** @type {string} */ code) => html`<a class="tag" key=${code} href="?code=${encodeURIComponent(code)}">${word('refusal', code)}</a>`)}</span>` },
    { key: 'reasons', label: t('column.reasons'), kind: 'text', render: (/** @type {any} */ row) => html`<ul class="reason-list">${row.reasons.map((/** @type {any} */ each) => html`<li key=${each.text}>${each.text}</li>`)}</ul>` },
    { key: 'actor', label: t('column.actor'), isHidden: true },
  ];
  /** @param {string} filter @param {any} choice */
  const nameOf = (filter, { code, name }) => (filter === 'code' ? word('refusal', code) : `${code} ${name}`);
  return html`<${ListPage} title=${t('page.refusals')} path="/refusals" rowKey="position" ...${{ data, columns, nameOf }} empty=${t('refusals.empty')} emptyText=${t('refusals.empty_text')} />`;
}
