import { html } from '../../vendor/preact.js';
import { t } from '../i18n.js';
import { Icon } from './icon.js';
import { PrintHeader } from './print_header.js';

/** @typedef {import('../../vendor/preact.js').ComponentChildren} Children */
/** @typedef {{label: string, href: string}} Step */

/** The way up; `Backspace` follows its last link. @param {{steps: Step[]}} props */
export function Breadcrumb({ steps }) {
  return html`<nav class="breadcrumb" aria-label=${t('page.breadcrumb')}>
    <ol>
      ${steps.map(
        ({ label, href }) => html`<li key=${href}><a href=${href}>${label}</a><${Icon} name="chevron-right" /></li>`,
      )}
    </ol>
  </nav>`;
}

/**
 * Every page begins with it: the way up, the title (with the object's code), what stands beside it, and actions.
 * @param {{title: string, code?: string, steps?: Step[], aside?: Children, children?: Children}} props
 * `children` are the actions at the right.
 */
export function PageHead({ title, code, steps, aside, children }) {
  const filters = code ? undefined : [...new URLSearchParams(window.location.search)].map((each) => each.join(' = ')).join(', ');
  return html`<${PrintHeader} title=${code ? `${title} ${code}` : title} filters=${filters} />
    ${steps && steps.length > 0 && html`<${Breadcrumb} steps=${steps} />`}
    <div class="page-head">
      <h1 class="page-title">${title}${code && html` <span class="code">${code}</span>`}</h1>
      ${aside && html`<div class="page-aside">${aside}</div>`}
      ${children && html`<div class="page-actions">${children}</div>`}
    </div>`;
}

/**
 * A titled surface. `flush` lets a table reach the edges.
 * @param {{title?: string, note?: Children, actions?: Children, flush?: boolean, id?: string, children?: Children}} props
 */
export function Card({ title, note, actions, flush, id, children }) {
  return html`<section class="card ${flush ? 'card-flush' : ''}" id=${id} aria-label=${title}>
    ${title &&
    html`<header class="card-head">
      <h2 class="card-title">${title}</h2>
      ${note && html`<span class="card-note">${note}</span>`} ${actions && html`<div class="card-actions">${actions}</div>`}
    </header>`}
    ${children}
  </section>`;
}

/** Facts of one object, name and value. @param {{items: {label: string, value: Children, key?: string}[]}} props */
export function KeyValue({ items }) {
  return html`<dl class="key-value">
    ${items.map(({ label, value, key }) => html`<div key=${key ?? label}><dt>${label}</dt><dd>${value}</dd></div>`)}
  </dl>`;
}
