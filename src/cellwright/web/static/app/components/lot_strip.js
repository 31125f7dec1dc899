import { html } from '../../vendor/preact.js';
import { t } from '../i18n.js';
import { amount, amountOf, operation, pageOf, stretch, term } from '../objects.js';

/** @typedef {{start: number, end: number, kind: 'used' | 'became' | 'loaded' | 'left', label: string, href?: string}} Piece */
/** @typedef {{key: string, name: string, pieces: Piece[]}} Track */

const WIDTH = 1000;
const TRACK_HEIGHT = 22;
const TICKS = 5;
const DRAWN_MAX = 400;

/** What lies on a lot, as rows of stretches. @param {Record<string, any>} data @returns {Track[]} */
function tracks({ lot, became, uses, made_of, places }) {
  /** @type {Map<string, Track>} */
  const found = new Map();
  /** @param {string} key @param {string} name @param {Piece} piece */
  const add = (key, name, piece) => {
    if (!found.has(key)) found.set(key, { key, name, pieces: [] });
    found.get(key)?.pieces.push(piece);
  };
  for (const each of made_of.slice(0, DRAWN_MAX)) {
    const label = `${each.other} ${stretch(each.start, each.end, lot.measure)}`;
    add(`from ${each.material}`, t('lot.from', { material: operation(each.material) }), { ...each, kind: 'became', label, href: pageOf('lot', each.other) });
  }
  for (const each of became.slice(0, DRAWN_MAX)) {
    const label = `${each.other} ${stretch(each.start, each.end, lot.measure)}`;
    add(`to ${each.lane}`, each.lane ? t('lot.lane', { lane: each.lane }) : t('lot.became_track'), { ...each, kind: 'used', label, href: pageOf('lot', each.other) });
  }
  for (const each of uses.slice(0, DRAWN_MAX)) {
    const label = `${each.unit_from} \u2013 ${each.unit_to}: ${stretch(each.start, each.end, lot.measure)}`;
    add(`use ${each.position}`, t('lot.position', { position: term(each.position) }), { ...each, kind: 'used', label, href: pageOf('unit', each.unit_from) });
  }
  for (const each of places) {
    const end = each.consumed_to + each.remaining;
    if (end > each.consumed_to) add('stock', t('lot.stock_track'), { start: each.consumed_to, end, kind: 'loaded', label: `${each.station} ${each.position}: ${amount(each.remaining, lot.measure)}`, href: pageOf('station', each.station) });
  }
  if (lot.quantity > lot.cursor) add('stock', t('lot.stock_track'), { start: lot.cursor, end: lot.quantity, kind: 'left', label: t('lot.never_loaded', { amount: amount(lot.quantity - lot.cursor, lot.measure) }) });
  return [...found.values()];
}

/** The length of a lot to scale: what it was made of, what took which stretch, what is left. @param {{data: Record<string, any>}} props */
export function LotStrip({ data }) {
  const { lot } = data;
  const rows = tracks(data);
  if (!lot.quantity || rows.length === 0) return html`<p class="muted">${t('lot.no_strip')}</p>`;
  /** @param {number} at */
  const x = (at) => (Math.max(0, Math.min(lot.quantity, at)) / lot.quantity) * WIDTH;
  return html`<figure class="strip" aria-label=${t('lot.strip', { code: lot.code, quantity: amount(lot.quantity, lot.measure) })}>
    ${rows.map(
      (row) => html`<div class="strip-row" key=${row.key}><span class="strip-name">${row.name}</span>
        <svg class="strip-track" viewBox="0 0 ${WIDTH} ${TRACK_HEIGHT}" preserveAspectRatio="none" role="group" aria-label=${t('lot.track', { name: row.name, n: row.pieces.length })}>
          <rect class="strip-ground" x="0" y="1" width=${WIDTH} height=${TRACK_HEIGHT - 2} />
          ${row.pieces.map((piece, index) => html`<${PieceView} key=${index} ...${piece} x=${x(piece.start)} width=${Math.max(1.5, x(piece.end) - x(piece.start))} />`)}
        </svg></div>`,
    )}
    <div class="strip-row strip-axis" aria-hidden="true"><span class="strip-name"></span><span class="strip-ticks">
      ${Array.from({ length: TICKS }, (_, index) => html`<span key=${index}>${amountOf(Math.round((lot.quantity * index) / (TICKS - 1)), lot.measure, lot.quantity)}</span>`)}</span></div>
  </figure>`;
}

/** @param {Piece & {x: number, width: number}} piece */
function PieceView({ x, width, kind, label, href }) {
  const shape = html`<rect class="strip-piece" data-kind=${kind} x=${x} y="1" width=${width} height=${TRACK_HEIGHT - 2}><title>${label}</title></rect>`;
  return href ? html`<a href=${href} aria-label=${label} tabindex="-1">${shape}</a>` : shape;
}
