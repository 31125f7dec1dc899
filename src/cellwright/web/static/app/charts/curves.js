import { effect, html, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../../vendor/preact.js';
import { quantity, t } from '../i18n.js';
import { theme } from '../theme.js';
import { drawCurves, layoutOf, nearest } from './curve_draw.js';
import { useWidth } from './use_width.js';

/** @typedef {import('./curve_draw.js').Line} Line */
/** @typedef {import('./curve_draw.js').Range} Range */

const DRAG_PX = 5;
/** What a card on a sheet of A4 holds. */
const PAPER_PX = 660;

/**
 * Voltage curves over each other. A click chooses a curve, a double click or Enter opens it, arrows go from one to the
 * next, a drag zooms. `order` says in which order the arrows go.
 * @param {{lines: Line[], order?: string[], x_title: string, x_unit: string, label: string, chosen?: string | null, height_px?: number,
 *   onChoose?: (key: string | null) => void, onOpen?: (key: string) => void, onRead?: (text: string) => void}} props
 */
export function CurveChart({ lines, order = [], x_title, x_unit, label, chosen = null, height_px = 360, onChoose, onOpen, onRead }) {
  const { ref, width_px } = useWidth(640);
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const from = useRef(/** @type {{px: number, x: number} | null} */ (null));
  const [range, setRange] = useState(/** @type {Range} */ (null));
  const [draft, setDraft] = useState(/** @type {Range} */ (null));
  const picture = { lines, chosen, range, x_title };
  const layout = useMemo(() => layoutOf(picture, width_px, height_px), [lines, range, width_px, height_px]);
  useLayoutEffect(() => setRange(null), [x_title]);
  useDrawn(
    (isPaper) => {
      if (!canvas.current) return;
      if (isPaper) canvas.current.dataset.theme = 'light';
      else delete canvas.current.dataset.theme;
      drawCurves(canvas.current, picture, isPaper ? layoutOf(picture, PAPER_PX, height_px) : layout, draft);
    },
    [lines, chosen, range, draft, width_px, x_title],
  );

  /** @param {MouseEvent} event */
  const place = (event) => {
    const box = /** @type {HTMLCanvasElement} */ (canvas.current).getBoundingClientRect();
    return { left: event.clientX - box.left, top: event.clientY - box.top };
  };
  /** @param {PointerEvent} event */
  const begin = (event) => {
    if (event.button !== 0) return;
    canvas.current?.setPointerCapture(event.pointerId);
    const { left } = place(event);
    from.current = { px: left, x: layout.xAt(left) };
  };
  /** @param {PointerEvent} event */
  const move = (event) => {
    const { left, top } = place(event);
    const began = from.current;
    if (began && Math.abs(left - began.px) >= DRAG_PX) return setDraft(ordered(began.x, layout.xAt(left)));
    const found = nearest(picture, layout, left, top);
    const line = lines.find(({ key }) => key === found?.key);
    onRead?.(line && found ? `${line.key} · ${quantity(line.x[found.at], x_unit, { digits: 2 })} · ${quantity(line.y[found.at], 'V', { digits: 3 })}` : '');
    return undefined;
  };
  /** @param {PointerEvent} event */
  const end = (event) => {
    const began = from.current;
    from.current = null;
    setDraft(null);
    if (!began) return;
    const { left, top } = place(event);
    if (Math.abs(left - began.px) >= DRAG_PX) setRange(ordered(began.x, layout.xAt(left)));
    else onChoose?.(nearest(picture, layout, left, top)?.key ?? null);
  };
  /** @param {MouseEvent} event */
  const open = (event) => {
    const { left, top } = place(event);
    const found = nearest(picture, layout, left, top);
    if (found) onOpen?.(found.key);
    else setRange(null);
  };
  /** @param {KeyboardEvent} event */
  const press = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const action = actionOf(event.key, { order, chosen, range, layout, setRange, onChoose, onOpen });
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  };
  return html`<div class="curves" ref=${ref} tabindex="0" role="application" aria-label=${label} onKeyDown=${press}>
      <canvas ref=${canvas} onPointerDown=${begin} onPointerMove=${move} onPointerUp=${end} onPointerCancel=${() => setDraft((from.current = null))}
        onPointerLeave=${() => onRead?.('')} onDblClick=${open}></canvas>
    </div>
    ${range && html`<p class="curves-zoom"><button type="button" class="button" onClick=${() => setRange(null)}>${t('curves.whole')}</button></p>`}`;
}

/** @param {number} a @param {number} b @returns {Range} */
const ordered = (a, b) => (a === b ? null : { from: Math.min(a, b), to: Math.max(a, b) });

/**
 * What a key does, undefined = nothing.
 * @param {string} key
 * @param {{order: string[], chosen: string | null, range: Range, layout: import('./curve_draw.js').Layout, setRange: (range: Range) => void,
 *   onChoose?: (key: string | null) => void, onOpen?: (key: string) => void}} state
 * @returns {(() => void) | undefined}
 */
function actionOf(key, { order, chosen, range, layout, setRange, onChoose, onOpen }) {
  const at = chosen === null ? -1 : order.indexOf(chosen);
  const steps = /** @type {Record<string, number>} */ ({ ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at < 0 ? order.length - 1 : at - 1, ArrowLeft: at < 0 ? order.length - 1 : at - 1, Home: 0, End: order.length - 1 });
  const to = steps[key];
  if (to !== undefined && onChoose) return () => onChoose(order[Math.max(0, Math.min(order.length - 1, to))] ?? null);
  if (key === 'Enter' && chosen !== null && onOpen) return () => onOpen(chosen);
  if (key === '+' || key === '=') {
    const [middle, half] = [(layout.from + layout.to) / 2, (layout.to - layout.from) / 4];
    return () => setRange({ from: middle - half, to: middle + half });
  }
  if ((key === '0' || key === 'Escape') && range) return () => setRange(null);
  return key === 'Escape' && chosen !== null && onChoose ? () => onChoose(null) : undefined;
}

/** Draw whenever an input changes; colours and size of a canvas do not follow theme and paper by themselves. @param {(isPaper: boolean) => void} draw @param {unknown[]} inputs */
function useDrawn(draw, inputs) {
  const latest = useRef(draw);
  latest.current = draw;
  useLayoutEffect(() => latest.current(false), inputs);
  useEffect(() => {
    const again = (/** @type {any} */ event) => latest.current(event?.type === 'beforeprint');
    const stop = effect(() => {
      void theme.value;
      window.requestAnimationFrame(again);
    });
    document.fonts?.ready.then(again);
    /** @type {[EventTarget, string][]} */
    const heard = [[window.matchMedia('(prefers-color-scheme: dark)'), 'change'], [window, 'beforeprint'], [window, 'afterprint']];
    heard.forEach(([target, name]) => target.addEventListener(name, again));
    return () => {
      stop();
      heard.forEach(([target, name]) => target.removeEventListener(name, again));
    };
  }, []);
}
