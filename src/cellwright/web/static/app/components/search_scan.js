import { html, useState } from '../../vendor/preact.js';
import { t } from '../i18n.js';
import { Icon } from './icon.js';

/**
 * One field for any code, typed, pasted or scanned; Enter hands it to `onCode`.
 * @param {{onCode: (code: string) => void, hint?: string, label?: string, isLarge?: boolean, hasFocus?: boolean}} props
 */
export function SearchScan({ onCode, hint, label = t('search.label'), isLarge, hasFocus }) {
  const [text, setText] = useState('');
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const code = text.trim();
    if (code) onCode(code);
  };
  return html`<form class="search ${isLarge ? 'search-large' : ''}" role="search" onSubmit=${submit}>
    <${Icon} name="search" />
    <input class="input" type="text" name="q" autocomplete="off" spellcheck=${false} autocapitalize="off" enterkeyhint="search"
      aria-label=${label} placeholder=${label} value=${text} autofocus=${hasFocus}
      onInput=${(/** @type {InputEvent} */ event) => setText(/** @type {HTMLInputElement} */ (event.currentTarget).value)} />
    ${hint && html`<kbd aria-hidden="true">${hint}</kbd>`}
  </form>`;
}
