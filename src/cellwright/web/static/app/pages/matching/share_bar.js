import { html } from '../../../vendor/preact.js';

const WIDTH = 64;

/** How much of a window is used: a bar that is full at its edge; without a window only the number. @param {{value: number, most: number | null, text: string}} props */
export function ShareBar({ value, most, text }) {
  const share = most ? Math.min(1, value / most) : 0;
  return html`<span class="share-bar">${most !== null && html`<svg width=${WIDTH} height="8" viewBox="0 0 ${WIDTH} 8" aria-hidden="true">
      <rect class="share-bar-all" x="0.5" y="0.5" width=${WIDTH - 1} height="7" /><rect class="share-bar-used" x="0" y="0" width=${Math.max(1, share * WIDTH)} height="8" />
    </svg>`}<span>${text}</span></span>`;
}
