import { html, useRef, useState } from '../../vendor/preact.js';
import { quantity, t } from '../i18n.js';
import { stretch } from '../objects.js';
import { drawMap, layoutOf } from './heat_draw.js';
import { useDrawn } from './use_drawn.js';
import { useWidth } from './use_width.js';

/** @typedef {import('./heat_draw.js').Picture} Picture */
/** @typedef {import('./heat_draw.js').Stretch} Stretch */
/** @typedef {'in' | 'out' | 'whole'} How */

const CLICK_PX = 4;
/** What a card on a sheet of A4 holds. */
const PAPER_PX = 660;
const KEY_STEPS = 100;

/**
 * A web by metre and lane. What is brushed by pointer or keys goes to `onBrush`.
 * @param {{picture: Picture, brush: Stretch | null, unit: string, digits: number, label: string,
 *   onBrush: (brush: Stretch | null) => void, onZoom: (how: How) => void, onRead: (text: string) => void}} props
 */
export function HeatMap({ picture, brush, unit, digits, label, onBrush, onZoom, onRead }) {
  const { ref, width_px } = useWidth(640);
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const [draft, setDraft] = useState(/** @type {Stretch | null} */ (null));
  const from = useRef(/** @type {{at: number, px: number, lane: number} | null} */ (null));
  const layout = layoutOf(picture, width_px);
  useDrawn(
    (isPaper) => {
      if (!canvas.current) return;
      if (isPaper) canvas.current.dataset.theme = 'light';
      else delete canvas.current.dataset.theme;
      drawMap(canvas.current, picture, isPaper ? layoutOf(picture, PAPER_PX) : layout, draft ?? brush);
    },
    [picture, brush, draft, width_px],
  );

  /** @param {PointerEvent} event */
  const place = (event) => {
    const box = /** @type {HTMLCanvasElement} */ (canvas.current).getBoundingClientRect();
    const [left, top] = [event.clientX - box.left, event.clientY - box.top];
    return { at: layout.positionAt(left), px: left, lane: picture.rows[layout.rowAt(top)]?.lane ?? 0 };
  };
  /** @param {PointerEvent} event */
  const begin = (event) => {
    if (event.button !== 0) return;
    canvas.current?.setPointerCapture(event.pointerId);
    from.current = place(event);
  };
  /** @param {PointerEvent} event */
  const move = (event) => {
    const here = place(event);
    onRead(readOut(picture, here, unit, digits));
    if (from.current && Math.abs(here.px - from.current.px) >= CLICK_PX) setDraft(between(from.current, here));
  };
  /** @param {PointerEvent} event */
  const end = (event) => {
    const began = from.current;
    from.current = null;
    setDraft(null);
    if (!began) return;
    const here = place(event);
    onBrush(Math.abs(here.px - began.px) < CLICK_PX || here.at === began.at ? clicked(picture, began) : between(began, here));
  };
  /** @param {KeyboardEvent} event */
  const press = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const zoom = /** @type {Record<string, How>} */ ({ '+': 'in', '=': 'in', '-': 'out', 0: 'whole' })[event.key];
    const moved = event.key === 'Escape' ? null : movedBrush(picture, brush, event.key, event.shiftKey);
    if (!zoom && moved === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (zoom) onZoom(zoom);
    else onBrush(moved ?? null);
  };
  return html`<div class="heat" ref=${ref} tabindex="0" role="application" aria-label=${label} aria-describedby="heat-keys" onKeyDown=${press}>
    <canvas ref=${canvas} onPointerDown=${begin} onPointerMove=${move} onPointerUp=${end} onPointerCancel=${() => setDraft((from.current = null))} onPointerLeave=${() => onRead('')}></canvas>
  </div>`;
}

/** @param {{at: number, lane: number}} a @param {{at: number}} b @returns {Stretch} */
const between = (a, b) => ({ start: Math.min(a.at, b.at), end: Math.max(a.at, b.at), lane: a.lane });

/** The bin at a place, undefined = nothing was measured. @param {Picture} picture @param {{at: number, lane: number}} place */
function binAt({ rows }, { at, lane }) {
  const bins = rows.find((row) => row.lane === lane)?.bins;
  const index = bins ? bins.starts.findIndex((start, k) => start <= at && at < (bins.ends[k] ?? 0)) : -1;
  return bins && index >= 0 ? { start: bins.starts[index] ?? 0, end: bins.ends[index] ?? 0, value: bins.values[index] ?? null } : undefined;
}

/** What a click chooses: the bin, or a hundredth of what is shown. @param {Picture} picture @param {{at: number, lane: number}} place @returns {Stretch} */
function clicked(picture, { at, lane }) {
  const { start, end } = picture;
  const half = Math.max(1, Math.round((end - start) / KEY_STEPS / 2));
  const bin = binAt(picture, { at, lane }) ?? { start: Math.max(start, at - half), end: Math.min(end, at + half) };
  return { start: bin.start, end: bin.end, lane };
}

/** What a key makes of the brush, with Shift of its end; undefined = nothing. @param {Picture} picture @param {Stretch | null} brush @param {string} key @param {boolean} isGrowing
 * @returns {Stretch | undefined} */
export function movedBrush({ rows, start, end }, brush, key, isGrowing) {
  const [size, middle] = [end - start, (start + end) / 2];
  const step = Math.max(1, Math.round(size / KEY_STEPS));
  const here = brush ?? { start: Math.round(middle) - 5 * step, end: Math.round(middle) + 5 * step, lane: rows[0]?.lane ?? 0 };
  const lanes = [...new Set([0, ...rows.map(({ lane }) => lane)])];
  const turn = /** @type {Record<string, number>} */ ({ ArrowUp: -1, ArrowDown: 1 })[key];
  if (turn) return { ...here, lane: lanes[Math.max(0, Math.min(lanes.length - 1, lanes.indexOf(here.lane) + turn))] ?? 0 };
  const by = /** @type {Record<string, number>} */ ({ ArrowLeft: -step, ArrowRight: step, Home: -size, End: size, Enter: 0 })[key];
  if (by === undefined) return undefined;
  if (isGrowing) return { ...here, end: Math.max(here.start + 1, Math.min(end, here.end + by)) };
  const low = Math.max(start, Math.min(end - here.end + here.start, here.start + by));
  return { ...here, start: low, end: low + here.end - here.start };
}

/** @param {Picture} picture @param {{at: number, lane: number}} place @param {string} unit @param {number} digits */
function readOut(picture, place, unit, digits) {
  const bin = binAt(picture, place);
  const where = stretch(bin?.start ?? place.at, bin?.end ?? place.at, 'mm');
  return `${place.lane ? t('lot.lane', { lane: place.lane }) : t('lot.full_width')} · ${where} · ${quantity(bin?.value, unit, { digits })}`;
}
