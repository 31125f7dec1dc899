import { html } from '../../vendor/preact.js';
import { number, t } from '../i18n.js';
import { Icon } from './icon.js';

/**
 * @typedef {Object} Relative
 * @property {string} kind translated: "Cell", "Anode roll"
 * @property {string | null} [code] of the one object, or of the list behind `href`
 * @property {string | null} [href]
 * @property {number | null} [count] how many are folded into this line
 * @property {string | null} [note] metres, basis, tolerance
 */

/**
 * An object between what it was made of and what it became, one level each way; everything is a link.
 * @param {{kind: string, code: string, up: Relative[], down: Relative[]}} props
 */
export function Genealogy({ kind, code, up, down }) {
  return html`<div class="genealogy" role="group" aria-label=${t('genealogy.summary', { code, up: up.length, down: down.length })}>
    <${Side} title=${t('genealogy.made_of')} nodes=${up} empty=${t('genealogy.nothing_up')} />
    <${Bracket} side="up" nodes=${up} />
    <div class="genealogy-self">
      <div class="node node-self"><span class="node-kind">${kind}</span><span class="node-code code">${code}</span></div>
    </div>
    <${Bracket} side="down" nodes=${down} />
    <${Side} title=${t('genealogy.became')} nodes=${down} empty=${t('genealogy.nothing_down')} />
  </div>`;
}

/** @param {{side: 'up' | 'down', nodes: Relative[]}} props */
const Bracket = ({ side, nodes }) => html`<div class="genealogy-bracket" data-side=${side} data-many=${nodes.length > 1} data-count=${nodes.length} aria-hidden="true">
  <${Icon} name="chevron-right" />
</div>`;

/** @param {{title: string, nodes: Relative[], empty: string}} props */
function Side({ title, nodes, empty }) {
  return html`<section class="genealogy-side">
    <h3>${title}</h3>
    ${nodes.length === 0 ? html`<p class="muted">${empty}</p>` : nodes.map((node) => html`<${Node} key=${`${node.kind}${node.code}`} ...${node} />`)}
  </section>`;
}

/** @param {Relative} node */
function Node({ kind, code, href, count, note }) {
  const body = html`<span class="node-kind">${kind}</span>
    ${count !== undefined && count !== null && html`<span class="node-count">${number(count)} ×</span>`}
    ${code && html`<span class="node-code code">${code}</span>`} ${note && html`<span class="node-note">${note}</span>`}`;
  return href ? html`<a class="node" href=${href}>${body}</a>` : html`<div class="node">${body}</div>`;
}
