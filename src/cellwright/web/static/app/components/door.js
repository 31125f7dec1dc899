import { html } from '../../vendor/preact.js';

/** @typedef {import('../../vendor/preact.js').ComponentChildren} Children */

/** The one card of a page outside the plant: signing in, setting up. @param {{title: string, children: Children}} props */
export function Door({ title, children }) {
  return html`<section class="door">
    <h1 class="door-title">${title}</h1>
    ${children}
  </section>`;
}
