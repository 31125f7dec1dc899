/** What the trail is narrowed to; it lives in the address, so it can be shared and exported. */
import { html, useId } from '../../../vendor/preact.js';
import { boot } from '../../boot.js';
import { t } from '../../i18n.js';

/** @typedef {import('../audit.js').Wanted} Wanted */

/** The browser's own field for times speaks the browser's language and clock, so a time is written as everywhere here. */
const TIME = '\\d{4}-\\d\\d-\\d\\d([ T]\\d\\d:\\d\\d(:\\d\\d)?)?';

/** A time of the query as it is written. @param {number} time_us */
const written = (time_us) => (time_us ? new Date(time_us / 1000).toISOString().slice(0, 16).replace('T', ' ') : '');

const actions = () =>
  Object.keys(boot.messages)
    .filter((key) => key.startsWith('audit_action.'))
    .map((key) => ({ action: key.slice('audit_action.'.length), text: t(key) }));

/** Without the fields that are empty, so that the address says what was asked. @param {SubmitEvent} event */
function submit(event) {
  event.preventDefault();
  const given = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
  const query = new URLSearchParams();
  for (const [name, value] of given) if (typeof value === 'string' && value.trim()) query.set(name, value.trim());
  window.location.assign(`/audit${query.size > 0 ? `?${query}` : ''}`);
}

/** @param {{wanted: Wanted}} props */
export function Filters({ wanted }) {
  const isNarrow = Object.values(wanted).some(Boolean);
  const isOther = wanted.action !== '' && !actions().some(({ action }) => action === wanted.action);
  return html`<form class="filters" role="search" aria-label=${t('audit.filters')} onSubmit=${submit}>
    <${Field} name="person" label=${t('audit.who')} value=${wanted.actor} />
    <${Field} label=${t('audit.action')} name="action">
      ${(/** @type {string} */ id) => html`<select class="input" id=${id} name="action" value=${wanted.action}>
        <option value="">${t('facet.all')}</option>
        ${isOther && html`<option value=${wanted.action}>${wanted.action}</option>`}
        ${actions().map(({ action, text }) => html`<option key=${action} value=${action}>${text}</option>`)}
      </select>`}
    <//>
    <${Field} name="object" label=${t('audit.object')} value=${wanted.object} />
    <${Field} name="from" pattern=${TIME} label=${t('audit.from')} value=${written(wanted.from_us)} />
    <${Field} name="to" pattern=${TIME} label=${t('audit.to')} value=${written(wanted.to_us)} />
    <div class="filters-actions">
      <button type="submit" class="button button-main">${t('audit.apply')}</button>
      ${isNarrow && html`<a class="button button-quiet" href="/audit">${t('audit.clear')}</a>`}
    </div>
  </form>`;
}

/** @param {{name: string, label: string, value?: string, pattern?: string, children?: (id: string) => any}} props */
function Field({ name, label, value, pattern, children }) {
  const id = useId();
  const help = pattern ? t('audit.time_form') : undefined;
  return html`<div class="field">
    <label class="field-label" for=${id}>${label}</label>
    ${children ? children(id) : html`<input class="input" type="text" ...${{ id, name, value, pattern }} placeholder=${help} title=${help} spellcheck=${false} autocomplete="off" />`}
  </div>`;
}
