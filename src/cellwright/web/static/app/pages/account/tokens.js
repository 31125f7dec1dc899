import { html, useState } from '../../../vendor/preact.js';
import { getJson, send } from '../../api.js';
import { useAction } from '../../components/action.js';
import { Checks } from '../../components/checks.js';
import { Dialog } from '../../components/dialog.js';
import { Failure, FieldView } from '../../components/form.js';
import { Card } from '../../components/page_head.js';
import { Secret } from '../../components/secret.js';
import { VirtualTable } from '../../components/virtual_table.js';
import { dateTime, list, t, word } from '../../i18n.js';

/** @typedef {import('../account.js').Token} Token */
/** @typedef {{scopes: string[], days_max: number, wall_us: number}} Limits */

const DAYS = ['7', '30', '90', '365'];

/** @param {Token} token @param {number} wall_us */
const stateOf = ({ revoked_us, expires_us }, wall_us) => (revoked_us ? 'revoked' : expires_us <= wall_us ? 'expired' : 'valid');

/** Tokens for scripts. @param {{first: Token[]} & Limits} props */
export function Tokens({ first, scopes, days_max, wall_us }) {
  const [tokens, setTokens] = useState(first);
  const [asked, setAsked] = useState(/** @type {'make' | Token | null} */ (null));
  const close = () => setAsked(null);
  const reload = async () => setTokens(await getJson('/api/v1/me/tokens'));
  const rows = tokens.map((each) => ({ ...each, state: stateOf(each, wall_us), scope_names: list(each.scopes.map((scope) => word('permission', scope))) }));
  const make = html`<button type="button" class="button" disabled=${scopes.length === 0} onClick=${() => setAsked('make')}>${t('account.token_make')}</button>`;
  const isMaking = asked === 'make';
  return html`<${Card} title=${t('account.tokens')} note=${t('account.tokens_note')} actions=${make} flush=${true}>
      <${VirtualTable} caption=${t('account.tokens')} columns=${columns(setAsked)} rows=${rows} rowKey="id" hasTools=${false} empty=${t('account.no_token')} />
    <//>
    <${Dialog} title=${isMaking ? t('account.token_make_title') : t('account.revoke_title', { name: asked?.name })} isOpen=${asked !== null} onClose=${close}>
      ${isMaking && html`<${Make} ...${{ scopes, days_max, reload, close }} />`}
      ${asked !== null && !isMaking && html`<${Revoke} token=${asked} ...${{ reload, close }} />`}
    <//>`;
}

/** @param {(token: Token) => void} revoke @returns {import('../../components/table_cells.js').Column[]} */
const columns = (revoke) => [
  { key: 'name', label: t('account.token_name') },
  { key: 'scope_names', label: t('account.token_scopes') },
  { key: 'expires_us', label: t('account.token_expires'), kind: 'time' },
  {
    key: 'used_us',
    label: t('account.used'),
    kind: 'time',
    render: ({ used_us }) => (used_us ? dateTime(used_us) : html`<span class="muted">${t('people.never')}</span>`),
  },
  {
    key: 'actions',
    label: t('people.actions'),
    isFixed: true,
    render: (row) =>
      row.state === 'valid'
        ? html`<button type="button" class="button button-quiet" aria-label="${t('account.revoke')}: ${row.name}" onClick=${() => revoke(/** @type {Token} */ (row))}>${t('account.revoke')}</button>`
        : html`<span class="muted">${t(`account.token_${row.state}`)}</span>`,
  },
];

/** @param {{scopes: string[], days_max: number, reload: () => Promise<void>, close: () => void}} props */
function Make({ scopes, days_max, reload, close }) {
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState(/** @type {string[]} */ ([]));
  const [days, setDays] = useState('90');
  const [isTried, setTried] = useState(false);
  const [made, setMade] = useState(/** @type {{token: Token, text: string} | null} */ (null));
  const { run, isBusy, failure } = useAction();
  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    setTried(true);
    if (!name.trim() || chosen.length === 0) return;
    await run(async () => {
      setMade(await send('/api/v1/me/tokens', { name: name.trim(), scopes: chosen, days: Number(days) }));
      await reload();
    });
  };
  if (made) {
    return html`<p class="secondary">${t('account.token_made')}</p>
      <${Secret} label=${t('account.token')} value=${made.text} note=${t('account.token_note', { time: dateTime(made.token.expires_us) })} />
      <div class="form-actions"><button type="button" class="button button-main" onClick=${close}>${t('action.close')}</button></div>`;
  }
  const spans = DAYS.filter((each) => Number(each) <= days_max);
  const choices = scopes.map((value) => ({ value, label: word('permission', value) }));
  return html`<form class="form" novalidate onSubmit=${submit}>
    <${FieldView} name="name" value=${name} set=${setName} isRequired=${true} problem=${isTried && !name.trim() ? t('form.required') : undefined}
      field=${{ type: 'string', title: t('account.token_name'), description: t('account.token_name_help'), maxLength: 80 }} />
    <${Checks} label=${t('account.token_scopes')} choices=${choices} chosen=${chosen} setChosen=${setChosen}
      problem=${isTried && chosen.length === 0 ? t('account.need_scope') : undefined} />
    <${FieldView} name="days" value=${days} set=${setDays} isRequired=${true}
      field=${{ type: 'string', title: t('account.token_days'), enum: spans, enumTitles: spans.map((each) => t('account.days', { n: Number(each) })) }} />
    ${failure && html`<${Failure} problem=${failure} />`}
    <div class="form-actions">
      <button type="button" class="button" onClick=${close}>${t('action.cancel')}</button>
      <button type="submit" class="button button-main" disabled=${isBusy} data-busy=${isBusy}>${t('account.token_make')}</button>
    </div>
  </form>`;
}

/** @param {{token: Token, reload: () => Promise<void>, close: () => void}} props */
function Revoke({ token, reload, close }) {
  const { run, isBusy, failure } = useAction();
  const revoke = async () => {
    const isDone = await run(() => send(`/api/v1/me/tokens/${token.id}/revoke`, {}).then(reload));
    if (isDone) close();
  };
  return html`<p>${t('account.revoke_text')}</p>
    ${failure && html`<${Failure} problem=${failure} />`}
    <div class="form-actions">
      <button type="button" class="button" onClick=${close}>${t('action.cancel')}</button>
      <button type="button" class="button button-danger" disabled=${isBusy} onClick=${revoke}>${t('account.revoke')}</button>
    </div>`;
}
