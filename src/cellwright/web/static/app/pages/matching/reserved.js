/** Units that jobs keep: which job, for which order, since when; and letting them go again. */
import { html } from '../../../vendor/preact.js';
import { may } from '../../boot.js';
import { Card } from '../../components/page_head.js';
import { EmptyState } from '../../components/states.js';
import { VirtualTable } from '../../components/virtual_table.js';
import { duration, t, word } from '../../i18n.js';
import { CodeLink, pageOf, term } from '../../objects.js';

/** @typedef {Record<string, any>} Data */

const BEFORE_START = ['dispatched', 'proved'];

/** @param {{jobs: Data[], made: Data, ask: import('../../components/command_menu.js').Asking}} props */
export function Reserved({ jobs, made, ask }) {
  /** @param {Data} row */
  const release = (row) => BEFORE_START.includes(row.state) && html`<button type="button" class="button" onClick=${() => ask('free', row)}>${t('ask.free')}</button>`;
  const columns = [
    { key: 'job', label: t('line_work.job'), kind: 'code' },
    { key: 'state', label: t('column.status'), render: (/** @type {Data} */ row) => html`<span class="nowrap">${word('job_state', row.state)}</span>` },
    { key: 'order', label: t('column.order'), kind: 'code', href: (/** @type {Data} */ row) => (row.order ? pageOf('order', row.order) : null) },
    { key: 'station', label: t('column.station'), kind: 'code', href: (/** @type {Data} */ row) => pageOf('station', row.station) },
    { key: 'members_count', label: t('matching.kept'), kind: 'number' },
    { key: 'members', label: t('matching.first_kept'), isFixed: true, render: (/** @type {Data} */ row) => (row.members.length > 0 ? html`<${CodeLink} kind="unit" code=${row.members[0]} />` : html`<span class="muted">${t('matching.begun')}</span>`) },
    { key: 'age_s', label: t('matching.since'), kind: 'number', render: (/** @type {Data} */ row) => duration(row.age_s * 1e6) },
    ...(may('operation_abort') ? [{ key: 'ask', label: t('ask.menu'), isFixed: true, render: release }] : []),
  ];
  return html`<${Card} flush id="reserved" title=${t('matching.reserved')} note=${t('matching.reserved_note', { n: jobs.length })}>
    ${jobs.length === 0 ? html`<${EmptyState} title=${t('matching.nothing_reserved')} text=${t('matching.nothing_reserved_text', { product: term(made.product, made.name) })} />` : html`<${VirtualTable} caption=${t('matching.reserved')} columns=${columns} rows=${jobs} rowKey="job" hasTools=${jobs.length > 8} />`}
  <//>`;
}
