import { html } from '../../vendor/preact.js';
import { age, t } from '../i18n.js';
import { age_us, newRelease, now_ms, reconnect, retry_ms, slow_hz, state } from '../live.js';
import { Icon } from './icon.js';

/** What concerns the whole page: connection lost (with the age of what is shown), slowed, a new release. */
export function Banners() {
  if (state.value === 'lost') {
    const wait_us = Math.max(0, retry_ms.value - now_ms.value) * 1000;
    return html`<div class="banner banner-strong" data-banner="lost">
      <${Icon} name="offline" />
      <p><b>${t('live.lost')}</b> ${t('live.lost_age', { age: age(age_us.value) })}</p>
      <span class="banner-note" aria-hidden="true">${t('live.retry_in', { wait: age(wait_us) })}</span>
      <button type="button" class="button" onClick=${reconnect}>${t('live.retry')}</button>
    </div>`;
  }
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
  return null;
}
