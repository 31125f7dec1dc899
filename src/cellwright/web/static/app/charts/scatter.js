import { html, useRef, useState } from '../../vendor/preact.js';
import { drawScatter, fieldAt, layoutOf, pointAt } from './scatter_draw.js';
import { useDrawn } from './use_drawn.js';
import { useWidth } from './use_width.js';

/** @typedef {import('./scatter_draw.js').Scatter} ScatterData */
/** @typedef {import('./scatter_draw.js').Chosen} Chosen */
/** @typedef {{scale: number, digits: number}} Axis */

const HEIGHT = 420;
const PAPER_PX = 660;

/**
 * A stock along two axes, drawn at once however large it is. What the pointer is at is said by `onRead`: a point by its
 * index, a field by its counts; a click on a point goes to `onOpen`.
 * @param {{scatter: ScatterData, axes: [Axis, Axis], frame: import('./scatter_draw.js').Frame, chosen: Chosen | null, onRead: (at: {index?: number, usable?: number, other?: number} | null) => void, onOpen: (index: number) => void}} props
 */
export function Scatter({ scatter, axes, frame, chosen, onRead, onOpen }) {
  const { ref, width_px } = useWidth(720);
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const [isPointed, setPointed] = useState(false);
  const layout = layoutOf(scatter, { width_px, height_px: HEIGHT }, { frame, chosen });
  useDrawn(
    (isPaper) => {
      if (!canvas.current) return;
      if (isPaper) canvas.current.dataset.theme = 'light';
      else delete canvas.current.dataset.theme;
      drawScatter(canvas.current, scatter, isPaper ? layoutOf(scatter, { width_px: PAPER_PX, height_px: HEIGHT }, { frame, chosen }) : layout, { axes, frame, chosen });
    },
    [scatter, frame, chosen, width_px],
  );
  /** @param {PointerEvent | MouseEvent} event */
  const at = (event) => {
    const box = /** @type {HTMLCanvasElement} */ (canvas.current).getBoundingClientRect();
    const [left, top] = [event.clientX - box.left, event.clientY - box.top];
    return { index: pointAt(scatter.points, layout, left, top), field: fieldAt(scatter, layout, left, top) };
  };
  /** @param {PointerEvent} event */
  const move = (event) => {
    const { index, field } = at(event);
    setPointed(index !== null);
    onRead(index !== null ? { index } : field);
  };
  /** @param {MouseEvent} event */
  const click = (event) => {
    const { index } = at(event);
    if (index !== null) onOpen(index);
  };
  return html`<div class="scatter" ref=${ref}>
    <canvas ref=${canvas} data-pointed=${isPointed} onPointerMove=${move} onPointerLeave=${() => onRead(null)} onClick=${click}></canvas>
  </div>`;
}
