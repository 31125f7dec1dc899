import { html, useId, useRef } from '../../vendor/preact.js';
import { t } from '../i18n.js';
import { Icon } from './icon.js';
import { copy } from './table_cells.js';
import { toast } from './toast.js';

/** A text that is shown this once: to be copied whole. @param {{label: string, value: string, note?: string}} props */
export function Secret({ label, value, note }) {
  const id = useId();
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const take = async () => {
    field.current?.select();
    await copy(value);
    toast(t('secret.copied'), 'pass');
  };
  return html`<div class="field">
    <label class="field-label" for=${id}>${label}</label>
    <div class="secret">
      <input class="input code" id=${id} ref=${field} type="text" readonly value=${value} aria-describedby="${id}-note" spellcheck=${false}
        onFocus=${(/** @type {FocusEvent} */ event) => /** @type {HTMLInputElement} */ (event.currentTarget).select()} />
      <button type="button" class="button" onClick=${take}><${Icon} name="copy" /><span>${t('secret.copy')}</span></button>
    </div>
    <span class="field-help" id="${id}-note">${note}</span>
  </div>`;
}
