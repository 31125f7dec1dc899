import { html } from '../../vendor/preact.js';
import { asset } from '../boot.js';

const SPRITE = asset('icons.svg');

/** A symbol of icons.svg; give `label` only when it stands alone. @param {{name: string, label?: string}} props */
export function Icon({ name, label }) {
  return html`<svg class="icon" role=${label ? 'img' : undefined} aria-label=${label} aria-hidden=${label ? undefined : 'true'}>
    <use href=${`${SPRITE}#${name}`} />
  </svg>`;
}
