import { html, useEffect, useState } from '../../../vendor/preact.js';
import { getJson, send } from '../../api.js';
import { useAction } from '../../components/action.js';
import { Failure } from '../../components/form.js';
import { Card } from '../../components/page_head.js';
import { VirtualTable } from '../../components/virtual_table.js';
import { t } from '../../i18n.js';

/** @typedef {import('../account.js').Session} Session */

/** A browser by its own name for itself: the two words that people know. @param {string} agent */
export function browserName(agent) {
  const found = /(Firefox|Edg|OPR|Chrome|Safari)(?:\/|\b)/.exec(agent.replace(/Chrome\/(.*) (Edg|OPR)\//, '$2/'));
  const system = /(Windows|Android|iPhone|iPad|Mac OS X|Linux)/.exec(agent);
  const names = { Edg: 'Edge', OPR: 'Opera' };
  const name = found?.[1] && (names[/** @type {keyof typeof names} */ (found[1])] ?? found[1]);
  return [name, system?.[1]].filter(Boolean).join(', ') || agent.slice(0, 40) || t('common.unknown');
}

/** Where one is signed in. @param {{first: Session[], changes: number}} props `changes`: how often the page changed them */
export function Sessions({ first, changes }) {
  const [sessions, setSessions] = useState(first);
  const { run, isBusy, failure } = useAction();
  const reload = async () => setSessions(await getJson('/api/v1/me/sessions'));
  useEffect(() => {
    if (changes > 0) void run(reload);
  }, [changes]);
  /** @param {string} path */
  const end = (path) => run(() => send(`/api/v1/me/sessions/${path}`, {}).then(reload));
  const rows = sessions.map((each) => ({ ...each, browser: browserName(each.agent) }));
  const others = html`<button type="button" class="button" disabled=${isBusy || rows.length < 2} onClick=${() => end('end-others')}>${t('account.end_others')}</button>`;
  return html`<${Card} title=${t('account.sessions')} note=${t('account.real_time')} actions=${others} flush=${true}>
    ${failure && html`<${Failure} problem=${failure} />`}
    <${VirtualTable} caption=${t('account.sessions')} columns=${columns(end, isBusy)} rows=${rows} rowKey="number" hasTools=${false} />
  <//>`;
}

/** @param {(path: string) => void} end @param {boolean} isBusy @returns {import('../../components/table_cells.js').Column[]} */
const columns = (end, isBusy) => [
  { key: 'terminal', label: t('account.terminal'), kind: 'code' },
  { key: 'browser', label: t('account.browser'), render: ({ agent, browser }) => html`<span title=${agent}>${browser}</span>` },
  { key: 'opened_us', label: t('account.since'), kind: 'time' },
  { key: 'seen_us', label: t('account.used'), kind: 'time' },
  {
    key: 'actions',
    label: t('people.actions'),
    isFixed: true,
    render: ({ number, is_current, terminal }) =>
      is_current
        ? html`<span class="tag">${t('account.this')}</span>`
        : html`<button type="button" class="button button-quiet" disabled=${isBusy} aria-label="${t('account.end')}: ${terminal}, ${number}"
            onClick=${() => end(`${number}/end`)}>${t('account.end')}</button>`,
  },
];
