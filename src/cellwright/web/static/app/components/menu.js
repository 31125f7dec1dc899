import { html, useEffect, useRef } from '../../vendor/preact.js';
import { Icon } from './icon.js';

/** @typedef {import('../../vendor/preact.js').ComponentChildren} Children */

/** A button that opens a small panel; Escape or a click elsewhere closes it. @param {{icon: string, label: string, children: Children}} props */
export function Menu({ icon, label, children }) {
  const ref = useRef(/** @type {HTMLDetailsElement | null} */ (null));
  useEffect(() => {
    /** @param {Event} event */
    const close = (event) => {
      const menu = ref.current;
      if (!menu?.open) return;
      const isEscape = event instanceof KeyboardEvent && event.key === 'Escape';
      const isOutside = event.type === 'pointerdown' && !menu.contains(/** @type {Node} */ (event.target));
      if (isEscape || isOutside) menu.open = false;
      if (isEscape) menu.querySelector('summary')?.focus();
    };
    document.addEventListener('pointerdown', close);
    document.addEventListener('keydown', close);
    return () => {
      document.removeEventListener('pointerdown', close);
      document.removeEventListener('keydown', close);
    };
  }, []);
  return html`<details class="menu" ref=${ref}>
    <summary class="button button-quiet" aria-label=${label}><${Icon} name=${icon} /><span>${label}</span></summary>
    <div class="menu-panel">${children}</div>
  </details>`;
}
