/** Draws curves over each other: the many in grey, those that stand out above them, the chosen one with a halo on top. */
import { number } from '../i18n.js';
import { colour } from '../theme.js';
import { ticks } from './scale.js';

/**
 * @typedef {{key: string, label: string, x: number[], y: number[], look: 'plain' | 'outlier' | 'fault' | 'single'}} Line
 * `x` may begin anew: where it falls back, the line begins anew too.
 * @typedef {{from: number, to: number} | null} Range of x, null = all
 * @typedef {{lines: Line[], chosen: string | null, range: Range, x_title: string}} Picture
 * @typedef {ReturnType<typeof layoutOf>} Layout
 * @typedef {{ink: CanvasRenderingContext2D, of: (token: string) => string, layout: Layout, picture: Picture}} Sheet
 */

const LEFT = 44;
const RIGHT = 46;
const TOP = 10;
const AXIS = 36;
const LABELS_MAX = 12;
const NEAR_PX = 14;
/** @type {Record<Line['look'], {token: string, width: number, dash: number[]}>} */
const LOOKS = {
  plain: { token: 'line-strong', width: 0.75, dash: [] },
  outlier: { token: 'diverging-high', width: 1.75, dash: [] },
  fault: { token: 'diverging-high', width: 1.75, dash: [5, 3] },
  single: { token: 'series-1', width: 1.5, dash: [] },
};

/** @param {Line[]} lines @param {'x' | 'y'} axis @param {Range} range @returns {[number, number]} */
function reach(lines, axis, range) {
  let [low, high] = [Infinity, -Infinity];
  for (const { x, y } of lines) {
    const values = axis === 'x' ? x : y;
    for (let k = 0; k < values.length; k += 1) {
      if (range && (x[k] < range.from || x[k] > range.to)) continue;
      low = Math.min(low, values[k]);
      high = Math.max(high, values[k]);
    }
  }
  return low > high ? [0, 1] : [low, high];
}

/** Where things lie. @param {Picture} picture @param {number} width_px @param {number} height_px */
export function layoutOf({ lines, range }, width_px, height_px) {
  const [from, to] = range ? [range.from, range.to] : reach(lines, 'x', null);
  const [low, high] = reach(lines, 'y', range);
  const pad = (high - low || 1) * 0.04;
  const [bottom, top] = [low - pad, high + pad];
  const [inside, tall] = [Math.max(1, width_px - LEFT - RIGHT), height_px - TOP - AXIS];
  /** @param {number} value */
  const px = (value) => LEFT + ((value - from) / (to - from || 1)) * inside;
  /** @param {number} value */
  const py = (value) => TOP + ((top - value) / (top - bottom)) * tall;
  /** @param {number} at_px */
  const xAt = (at_px) => Math.max(from, Math.min(to, from + ((at_px - LEFT) / inside) * (to - from)));
  return { px, py, xAt, from, to, bottom, top, inside, tall, width_px, height_px };
}

/** @param {HTMLCanvasElement} canvas @param {Picture} picture @param {Layout} layout @param {Range} draft what is being dragged */
export function drawCurves(canvas, picture, layout, draft) {
  const scale = window.devicePixelRatio || 1;
  const { width_px, height_px, inside, tall } = layout;
  Object.assign(canvas, { width: Math.round(width_px * scale), height: Math.round(height_px * scale) });
  Object.assign(canvas.style, { width: `${width_px}px`, height: `${height_px}px` });
  const ink = canvas.getContext('2d');
  if (!ink) return;
  ink.scale(scale, scale);
  ink.font = `11px ${getComputedStyle(canvas).fontFamily}`;
  ink.textBaseline = 'middle';
  const sheet = { ink, picture, layout, of: (/** @type {string} */ token) => colour(canvas, token) };
  drawAxes(sheet);
  ink.save();
  ink.beginPath();
  ink.rect(LEFT, 0, inside, TOP + tall + 1);
  ink.clip();
  drawLines(sheet);
  if (draft) {
    ink.fillStyle = sheet.of('accent-wash');
    ink.fillRect(layout.px(draft.from), TOP, layout.px(draft.to) - layout.px(draft.from), tall);
  }
  ink.restore();
  drawLabels(sheet);
}

/** @param {Sheet} sheet */
function drawLines(sheet) {
  const { ink, of, picture } = sheet;
  const { lines, chosen } = picture;
  for (const look of /** @type {const} */ (['plain', 'single', 'outlier', 'fault'])) {
    const { token, width, dash } = LOOKS[look];
    Object.assign(ink, { strokeStyle: of(token), lineWidth: width, globalAlpha: look === 'plain' && lines.length > 16 ? 0.6 : 1 });
    ink.setLineDash(dash);
    for (const line of lines) if (line.look === look && line.key !== chosen) trace(sheet, line);
  }
  ink.globalAlpha = 1;
  const line = lines.find(({ key }) => key === chosen);
  if (!line) return;
  for (const [width, token] of /** @type {[number, string][]} */ ([[6, 'raised'], [2.5, 'accent']])) {
    Object.assign(ink, { strokeStyle: of(token), lineWidth: width });
    ink.setLineDash(width < 6 ? LOOKS[line.look].dash : []);
    trace(sheet, line);
  }
  ink.setLineDash([]);
}

/** @param {Sheet} sheet @param {Line} line */
function trace({ ink, layout: { px, py } }, { x, y }) {
  ink.beginPath();
  for (let k = 0; k < x.length; k += 1) {
    if (k > 0 && x[k] >= x[k - 1]) ink.lineTo(px(x[k]), py(y[k]));
    else ink.moveTo(px(x[k]), py(y[k]));
  }
  ink.stroke();
}

/** @param {Sheet} sheet */
function drawAxes({ ink, of, picture, layout }) {
  const { px, py, from, to, bottom, top, inside, tall, height_px } = layout;
  ink.lineWidth = 1;
  ink.strokeStyle = of('line');
  ink.fillStyle = of('text-3');
  ink.textAlign = 'end';
  for (const at of ticks(bottom, top, 6)) {
    const y = Math.round(py(at)) + 0.5;
    ink.beginPath();
    ink.moveTo(LEFT, y);
    ink.lineTo(LEFT + inside, y);
    ink.stroke();
    ink.fillText(number(at, { digits: top - bottom < 0.5 ? 2 : 1 }), LEFT - 6, y);
  }
  ink.textAlign = 'center';
  ink.strokeStyle = of('line-strong');
  ink.beginPath();
  ink.moveTo(LEFT, TOP + tall + 0.5);
  ink.lineTo(LEFT + inside, TOP + tall + 0.5);
  for (const at of ticks(from, to, Math.max(2, Math.floor(inside / 80)))) {
    ink.moveTo(px(at), TOP + tall);
    ink.lineTo(px(at), TOP + tall + 4);
    ink.fillText(number(at), px(at), TOP + tall + 13);
  }
  ink.stroke();
  ink.fillText(picture.x_title, LEFT + inside / 2, height_px - 6);
}

/** The ends of the curves that stand out, and of the chosen one, by name. @param {Sheet} sheet */
function drawLabels({ ink, of, picture: { lines, chosen }, layout }) {
  const { px, py, from, to, inside, tall } = layout;
  const named = lines.filter(({ key, look }) => key === chosen || look === 'outlier' || look === 'fault');
  if (named.length > LABELS_MAX) named.splice(0, named.length, ...named.filter(({ key }) => key === chosen));
  const ends = named.flatMap(({ key, label, x, y }) => {
    const last = x.findLastIndex((each) => each >= from && each <= to);
    return last < 0 ? [] : [{ key, label, x: px(x[last]), y: Math.min(TOP + tall, py(y[last])) }];
  });
  ink.textAlign = 'start';
  let above = -Infinity;
  for (const { key, label, x, y } of ends.toSorted((a, b) => a.y - b.y)) {
    above = Math.max(y, above + 12);
    const left = Math.min(x + 5, LEFT + inside + 5);
    Object.assign(ink, { strokeStyle: of('surface'), lineWidth: 4, lineJoin: 'round', fillStyle: of(key === chosen ? 'accent' : 'text-2') });
    ink.strokeText(label, left, above);
    ink.fillText(label, left, above);
  }
}

/** The curve nearest to a place, null where none is near. @param {Picture} picture @param {Layout} layout @param {number} left_px @param {number} top_px */
export function nearest({ lines }, { px, py }, left_px, top_px) {
  /** @type {{key: string, far: number, at: number} | null} */
  let best = null;
  for (const { key, x, y, look } of lines) {
    for (let k = 1; k < x.length; k += 1) {
      if (x[k] < x[k - 1]) continue;
      const far = distance(left_px, top_px, [px(x[k - 1]), py(y[k - 1])], [px(x[k]), py(y[k])]) - (look === 'plain' ? 0 : 3);
      if (far < (best?.far ?? NEAR_PX)) best = { key, far, at: k };
    }
  }
  return best;
}

/** From a point to a stretch of a line. @param {number} x @param {number} y @param {[number, number]} a @param {[number, number]} b */
function distance(x, y, [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const along = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(x - ax - along * dx, y - ay - along * dy);
}
