/** One's own account: password, sessions, API tokens. */
import { html, useState } from '../../vendor/preact.js';
import { boot } from '../boot.js';
import { Card, KeyValue, PageHead } from '../components/page_head.js';
import { list, t, word } from '../i18n.js';
import { Password } from './account/password.js';
import { Sessions } from './account/sessions.js';
import { Tokens } from './account/tokens.js';

/** @typedef {{number: number, terminal: string, agent: string, opened_us: number, seen_us: number, is_current: boolean}} Session */
/** @typedef {{id: string, name: string, scopes: string[], made_us: number, expires_us: number, used_us: number, revoked_us: number}} Token */
/**
 * @typedef {{has_password: boolean, sessions: Session[], tokens: Token[], scopes: string[], days_max: number,
 *   rules: import('../components/password.js').Rules, wall_us: number}} AccountData
 */

export default function Account() {
  const data = /** @type {AccountData} */ (boot.data);
  const [changes, setChanges] = useState(0);
  return html`<${PageHead} title=${t('page.account')} />
    <div class="grid">
      <div class="span-5 stack">
        <${Card} title=${t('account.you')}><${KeyValue} items=${about()} /><//>
        <${Password} ...${data} onChanged=${() => setChanges(changes + 1)} />
      </div>
      <div class="span-7 stack">
        <${Sessions} first=${data.sessions} changes=${changes} />
        <${Tokens} first=${data.tokens} ...${data} />
      </div>
    </div>`;
}

function about() {
  const { person = '', roles = [], permissions = [] } = boot.user ?? {};
  const always = ['public', 'self', 'account'];
  const granted = permissions.filter((each) => !always.includes(each)).map((each) => word('permission', each));
  return [
    { label: t('people.person'), value: html`<span class="code">${person}</span>` },
    { label: t('people.roles'), value: list(roles.map((role) => word('role', role))) },
    { label: t('account.may'), value: granted.length > 0 ? list(granted) : t('people.no_permission') },
  ];
}
