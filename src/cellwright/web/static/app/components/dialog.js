import { html, useEffect, useId, useRef } from '../../vendor/preact.js';
import { t } from '../i18n.js';
import { Icon } from './icon.js';

/** @typedef {import('../../vendor/preact.js').ComponentChildren} Children */

/**
 * A modal question; Escape and the cross call `onClose`. Actions stand at the end, the main one last.
 * @param {{title: string, isOpen: boolean, onClose: () => void, children: Children, actions?: Children, isWide?: boolean}} props
 */
export function Dialog({ title, isOpen, onClose, children, actions, isWide }) {
  const id = useId();
  const ref = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => {
    const dialog = ref.current;
    if (isOpen && dialog && !dialog.open) dialog.showModal();
    if (!isOpen && dialog?.open) dialog.close();
  }, [isOpen]);
  return html`<dialog ref=${ref} class="dialog ${isWide ? 'dialog-wide' : ''}" aria-labelledby=${id} onClose=${onClose}>
    ${isOpen && html`<${DialogBody} ...${{ id, title, onClose, children, actions }} />`}
  </dialog>`;
}

/** The inside of a dialog; the styleguide shows it without the rest.
 * @param {{id: string, title: string, onClose: () => void, children: Children, actions?: Children}} props */
export function DialogBody({ id, title, onClose, children, actions }) {
  return html`<div class="dialog-body">
    <header class="dialog-head">
      <h2 id=${id} class="dialog-title">${title}</h2>
      <button type="button" class="icon-button" aria-label=${t('action.close')} onClick=${onClose}><${Icon} name="close" /></button>
    </header>
    <div class="dialog-content">${children}</div>
    ${actions && html`<footer class="dialog-actions">${actions}</footer>`}
  </div>`;
}
