import { html } from '../../vendor/preact.js';
import { may } from '../boot.js';
import { dateTime, t } from '../i18n.js';
import { Icon } from './icon.js';

/** The open holds on an object: why, by whom, since when; lifted ones stand in its history.
 * @param {{holds: any[], ask: import('./command_menu.js').Asking}} props */
export function HoldNotices({ holds, ask }) {
  return holds
    .filter(({ released_us }) => released_us === null)
    .map(
      (each) => html`<div class="notice notice-hold" role="note" key=${each.id}>
        <${Icon} name="hold" />
        <div>
          <p><b>${t('hold.title', { id: String(each.id) })}</b> ${each.reason}</p>
          <p class="caption">${t('hold.placed', { person: each.placed_by, time: dateTime(each.placed_us) })} <a href="/holds">${t('hold.all')}</a>
            ${each.recall && html` <a href="/holds?recall=${encodeURIComponent(each.recall)}">${t('hold.of_recall', { recall: each.recall })}</a>`}</p>
        </div>
        ${may('hold_release') && html`<button type="button" class="button" onClick=${() => ask('lift', each)}>${t('ask.lift')}</button>`}
      </div>`,
    );
}
