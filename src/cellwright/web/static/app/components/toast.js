import { html, signal } from '../../vendor/preact.js';
import { t } from '../i18n.js';
import { Icon } from './icon.js';

/** @typedef {{id: number, text: string, kind: 'info' | 'pass' | 'fail'}} ToastMessage */

const SHOWN_MS = 6_000;
/** @type {import('../../vendor/preact.js').Signal<ToastMessage[]>} */
const messages = signal([]);
let next = 0;

/** @param {number} id */
const drop = (id) => {
  messages.value = messages.value.filter((each) => each.id !== id);
};

/** Tell what was done; failures stay until they are closed. @param {string} text @param {ToastMessage['kind']} [kind] */
export function toast(text, kind = 'info') {
  const id = next++;
  messages.value = [...messages.value.slice(-3), { id, text, kind }];
  if (kind !== 'fail') window.setTimeout(() => drop(id), SHOWN_MS);
}

/** @param {ToastMessage & {onClose: () => void}} props */
export function Toast({ text, kind, onClose }) {
  return html`<div class="toast" data-kind=${kind}>
    ${kind !== 'info' && html`<span class="toast-mark"><${Icon} name=${kind === 'pass' ? 'check' : 'cross'} /></span>`}
    <p>${text}</p>
    <button type="button" class="icon-button" aria-label=${t('action.close')} onClick=${onClose}><${Icon} name="close" /></button>
  </div>`;
}

/** The corner in which toasts appear. */
export function Toasts() {
  return html`<div class="toasts" role="status">
    ${messages.value.map((each) => html`<${Toast} key=${each.id} ...${each} onClose=${() => drop(each.id)} />`)}
  </div>`;
}
