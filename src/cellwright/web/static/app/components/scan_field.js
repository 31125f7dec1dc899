import { html, useEffect, useRef, useState } from '../../vendor/preact.js';
import { t } from '../i18n.js';
import { onScan } from '../scan.js';
import { Icon } from './icon.js';

/**
 * The field of a station's screen: it has the focus, so that any scanner fills it; a scan with the prefix comes here
 * from wherever the focus is. @param {{onCode: (code: string) => void, isBusy: boolean}} props
 */
export function ScanField({ onCode, isBusy }) {
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [text, setText] = useState('');
  useEffect(() => onScan(onCode), [onCode]);
  useEffect(() => {
    const focus = () => field.current?.focus({ preventScroll: true });
    focus();
    window.addEventListener('focus', focus);
    return () => window.removeEventListener('focus', focus);
  }, []);
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const code = text.trim();
    if (code) onCode(code);
    setText('');
    field.current?.focus();
  };
  return html`<form class="scan-field" role="search" onSubmit=${submit} aria-label=${t('work.scan')} aria-busy=${isBusy}>
    <label for="scan-code">${t('work.scan')}</label>
    <div class="scan-row">
      <input id="scan-code" class="input code" ref=${field} type="text" autocomplete="off" autocapitalize="off" spellcheck=${false} enterkeyhint="go" inputmode="text"
        value=${text} onInput=${(/** @type {InputEvent} */ event) => setText(/** @type {HTMLInputElement} */ (event.currentTarget).value)} />
      <button type="submit" class="button button-main button-large"><${Icon} name="arrow-right" />${t('work.check')}</button>
    </div>
  </form>`;
}
