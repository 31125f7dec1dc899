import { html, useState } from '../../vendor/preact.js';
import { boot } from '../boot.js';
import { age, list, t, word } from '../i18n.js';
import { age_us, state, useTopic } from '../live.js';
import { send } from '../api.js';
import { openCode } from '../scan.js';
import { nextTheme, otherLanguage, theme } from '../theme.js';
import { toggleHelp } from './help.js';
import { Icon } from './icon.js';
import { Menu } from './menu.js';
import { SearchScan } from './search_scan.js';

/** @typedef {{facts_count?: number, last_fact_us?: number}} PlantStatus */

const STALE_US = 3_000_000;

/** Connection and age of the data; always in the same place, always said in words. */
export function Status() {
  /** @type {PlantStatus} */
  const status = useTopic('status', {}, 1);
  const isFresh = state.value === 'live' && age_us.value < STALE_US;
  const text = isFresh ? t('live.live') : t('live.data_age', { age: age(age_us.value) });
  return html`<span class="live" data-state=${isFresh ? 'live' : state.value} title=${t('live.title')}>
      <span class="live-mark" aria-hidden="true"></span>${state.value === 'connecting' ? t('live.connecting') : text}
    </span>
    ${status.facts_count !== undefined &&
    html`<span class="topbar-facts" title=${t('live.facts_title')}>${t('live.facts', { n: status.facts_count })}</span>`}`;
}

export function Search() {
  return html`<${SearchScan} onCode=${openCode} hint="/" />`;
}

const THEME_ICONS = { light: 'sun', dark: 'moon', system: 'system' };

/** Theme, language, help and who is signed in. */
export function Tools() {
  const other = document.documentElement.lang.startsWith('zh') ? 'en' : 'zh';
  const name = t(`theme.${theme.value}`);
  return html`<${ToolButton} icon=${THEME_ICONS[theme.value]} label=${t('theme.title', { name })} onClick=${nextTheme} />
    <button type="button" class="icon-button language" lang=${other === 'zh' ? 'zh-CN' : 'en'}
      aria-label=${other === 'zh' ? '切换到中文' : 'Switch to English'} onClick=${otherLanguage}>${other === 'zh' ? '中' : 'EN'}</button>
    <${ToolButton} icon="help" label=${t('keys.help')} onClick=${toggleHelp} />
    ${boot.user && html`<${Account} user=${boot.user} />`}`;
}

/** @param {{icon: string, label: string, onClick: () => void}} props */
const ToolButton = ({ icon, label, onClick }) => html`<button
  type="button" class="icon-button" aria-label=${label} title=${label} onClick=${onClick}><${Icon} name=${icon} /></button>`;

/** Who is signed in and as what; the way to the account and out. @param {{user: import('../boot.js').User}} props */
function Account({ user }) {
  const [isLeaving, setLeaving] = useState(false);
  const leave = async () => {
    setLeaving(true);
    await send('/api/v1/sign-out', {}).finally(() => window.location.assign('/sign-in'));
  };
  return html`<div class="account">
    <${Menu} icon="account" label=${user.person}>
      <div class="account-who">
        <b class="code">${user.person}</b>
        <span class="caption">${list(user.roles.map((role) => word('role', role)))}</span>
      </div>
      <a class="menu-item account-item" href="/account"><${Icon} name="account" />${t('page.account')}</a>
      <button type="button" class="menu-item account-item" data-action="sign-out" disabled=${isLeaving} onClick=${leave}>
        <${Icon} name="sign-out" />${t('action.sign_out')}
      </button>
    <//>
  </div>`;
}
