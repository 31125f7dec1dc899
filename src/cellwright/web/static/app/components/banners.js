import { html } from '../../vendor/preact.js';
import { boot } from '../boot.js';
import { age, dateTime, t } from '../i18n.js';
import { age_us, newRelease, now_ms, reconnect, retry_ms, slow_hz, state, useTopic } from '../live.js';
import { Icon } from './icon.js';

/** What concerns the whole page: connection lost (with the age of what is shown), session over, slowed, a new release. */
export function Banners() {
  if (state.value === 'lost') return html`<${Lost} />`;
  if (state.value === 'ended') return html`<${Ended} />`;
  if (newRelease.value) {
    return html`<div class="banner" data-banner="release">
      <${Icon} name="refresh" />
      <p>${t('live.new_release', { release: newRelease.value })}</p>
      <button type="button" class="button" onClick=${() => window.location.reload()}>${t('live.reload')}</button>
    </div>`;
  }
  if (slow_hz.value !== null) {
    return html`<div class="banner" data-banner="slow">
      <${Icon} name="clock" />
      <p>${t('live.slow', { rate: slow_hz.value })}</p>
    </div>`;
  }
  return boot.user && html`<${Database} />`;
}

function Lost() {
  const wait_us = Math.max(0, Math.ceil((retry_ms.value - now_ms.value) / 1000)) * 1e6;
  return html`<div class="banner banner-strong" data-banner="lost">
    <${Icon} name="offline" />
    <p><b>${t('live.lost')}</b> ${t('live.lost_age', { age: age(age_us.value) })}</p>
    <span class="banner-note" aria-hidden="true">${t('live.retry_in', { wait: age(wait_us) })}</span>
    <button type="button" class="button" onClick=${reconnect}>${t('live.retry')}</button>
  </div>`;
}

function Ended() {
  return html`<div class="banner banner-strong" data-banner="ended">
    <${Icon} name="lock" />
    <p><b>${t('live.ended')}</b> ${t('live.ended_text')}</p>
    <a class="button" href="/sign-in?next=${encodeURIComponent(window.location.pathname + window.location.search)}">${t('live.sign_in')}</a>
  </div>`;
}

/** The server lives and its database does not: nothing on the page moves. */
function Database() {
  const status = useTopic('status', {}, 1);
  if (status.database !== 'away') return null;
  const since = status.database_since_us ? dateTime(status.database_since_us) : t('common.unknown');
  return html`<div class="banner banner-strong" data-banner="database">
    <${Icon} name="offline" />
    <p><b>${t('live.database')}</b> ${t('live.database_since', { since })}</p>
  </div>`;
}
