/** Draws a stock along two axes: points or counted fields, the frame that a group fits into, and the units of a chosen group. */
import { number } from '../i18n.js';
import { colour } from '../theme.js';
import { ticks } from './scale.js';

/**
 * @typedef {{codes: string[], xs: number[], ys: number[], fates: string[]}} Points
 * @typedef {{across_count: number, down_count: number, at: number[], usable_counts: number[], other_counts: number[]}} Fields
 * @typedef {{x: string, y: string, x_low: number, x_high: number, y_low: number, y_high: number, x_middle: number | null, y_middle: number | null, drawn_count: number, unknown_count: number, outside_count: number, points: Points, fields: Fields | null}} Scatter
 * @typedef {{scale: number, digits: number}} Axis
 * @typedef {{low: number, high: number, px: (value: number) => number}} Along
 * @typedef {{x: Along, y: Along, width_px: number, height_px: number}} Layout
 * @typedef {{xs: number[], ys: number[]}} Chosen
 * @typedef {{x: number | null, y: number | null}} Frame how far a group may reach; null = as far as it likes
 * @typedef {{frame: Frame, chosen: Chosen | null}} Shown
 * @typedef {{ink: CanvasRenderingContext2D, of: (token: string) => string, layout: Layout}} Sheet
 */

const LEFT = 62;
const RIGHT = 14;
const TOP = 10;
const BOTTOM = 26;
const PAD = 0.04;
/** So many times as far as all units reach, a frame is still drawn as a whole. */
const FRAME_MAX = 1.5;
/** What is far from a point is not it. */
const NEAR_PX = 12;

/** @param {number} low @param {number} high @param {number} from_px @param {number} to_px @returns {Along} */
function along(low, high, from_px, to_px) {
  const span = high - low || Math.abs(high) * 0.01 || 1;
  const [first, last] = [low - span * PAD, high + span * PAD];
  return { low: first, high: last, px: (value) => from_px + ((value - first) / (last - first)) * (to_px - from_px) };
}

/** Where things lie: all that is drawn is inside, and the frame too unless it is larger than all of it. @param {Scatter} scatter @param {{width_px: number, height_px: number}} size @param {Shown} shown @returns {Layout} */
export function layoutOf(scatter, { width_px, height_px }, { frame, chosen }) {
  const across = withFrame(scatter.x_low, scatter.x_high, reach(frame.x, scatter.x_middle, chosen?.xs));
  const up = withFrame(scatter.y_low, scatter.y_high, reach(frame.y, scatter.y_middle, chosen?.ys));
  return { x: along(...across, LEFT, width_px - RIGHT), y: along(...up, height_px - BOTTOM, TOP), width_px, height_px };
}

/** @param {number} low @param {number} high @param {[number, number] | null} frame @returns {[number, number]} */
function withFrame(low, high, frame) {
  return frame && frame[1] - frame[0] <= FRAME_MAX * (high - low) ? [Math.min(low, frame[0]), Math.max(high, frame[1])] : [low, high];
}

/** @param {HTMLCanvasElement} canvas @param {Scatter} scatter @param {Layout} layout @param {Shown & {axes: [Axis, Axis]}} about */
export function drawScatter(canvas, scatter, layout, { axes, frame, chosen }) {
  const scale = window.devicePixelRatio || 1;
  const { width_px, height_px } = layout;
  Object.assign(canvas, { width: Math.round(width_px * scale), height: Math.round(height_px * scale) });
  Object.assign(canvas.style, { width: `${width_px}px`, height: `${height_px}px` });
  const ink = canvas.getContext('2d');
  if (!ink) return;
  ink.scale(scale, scale);
  ink.font = `11px ${getComputedStyle(canvas).fontFamily}`;
  const sheet = { ink, layout, of: (/** @type {string} */ token) => colour(canvas, token) };
  drawAxes(sheet, axes);
  ink.save();
  ink.beginPath();
  ink.rect(LEFT, TOP, width_px - LEFT - RIGHT, height_px - TOP - BOTTOM);
  ink.clip();
  if (scatter.fields) drawFields(sheet, scatter, scatter.fields);
  drawPoints(sheet, scatter.points, chosen !== null);
  if (chosen) drawChosen(sheet, chosen);
  drawFrame(sheet, scatter, { frame, chosen });
  ink.restore();
}

/** @param {Sheet} sheet @param {[Axis, Axis]} axes */
function drawAxes({ ink, of, layout: { x, y, width_px, height_px } }, [across, up]) {
  ink.strokeStyle = of('line');
  ink.fillStyle = of('text-3');
  ink.lineWidth = 1;
  ink.textBaseline = 'middle';
  ink.textAlign = 'end';
  for (const value of ticks(y.low * up.scale, y.high * up.scale, Math.floor(height_px / 60))) {
    const at = Math.round(y.px(value / up.scale)) + 0.5;
    line(ink, LEFT, at, width_px - RIGHT, at);
    ink.fillText(number(value, { digits: up.digits }), LEFT - 6, at);
  }
  ink.textAlign = 'center';
  ink.textBaseline = 'alphabetic';
  for (const value of ticks(x.low * across.scale, x.high * across.scale, Math.floor(width_px / 110))) {
    const at = Math.round(x.px(value / across.scale)) + 0.5;
    line(ink, at, TOP, at, height_px - BOTTOM);
    ink.fillText(number(value, { digits: across.digits }), at, height_px - 8);
  }
}

/** @param {CanvasRenderingContext2D} ink @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 */
function line(ink, x1, y1, x2, y2) {
  ink.beginPath();
  ink.moveTo(x1, y1);
  ink.lineTo(x2, y2);
  ink.stroke();
}

/** The more units lie in a field, the darker it is, by steps of the logarithm. @param {Sheet} sheet @param {Scatter} scatter @param {Fields} fields */
function drawFields({ ink, of, layout: { x, y } }, { x_low, x_high, y_low, y_high }, { across_count, down_count, at, usable_counts, other_counts }) {
  const [wide, high] = [(x_high - x_low || 1) / across_count, (y_high - y_low || 1) / down_count];
  const most = Math.log1p(usable_counts.reduce((found, each) => Math.max(found, each), 1));
  const [usable, other] = [of('value'), of('line-strong')];
  at.forEach((place, index) => {
    const [left, bottom] = [x.px(x_low + (place % across_count) * wide), y.px(y_low + Math.floor(place / across_count) * high)];
    const [width, height] = [x.px(x_low + wide) - x.px(x_low), y.px(y_low) - y.px(y_low + high)];
    const count = usable_counts[index] ?? 0;
    if (count > 0) {
      ink.globalAlpha = 0.18 + (0.82 * Math.log1p(count)) / most;
      ink.fillStyle = usable;
      ink.fillRect(left, bottom - height, Math.max(1.5, width), Math.max(1.5, height));
    } else if (other_counts[index]) {
      ink.globalAlpha = 0.8;
      ink.strokeStyle = other;
      ink.lineWidth = 1;
      ink.strokeRect(left + 0.5, bottom - height + 0.5, Math.max(1.5, width - 1), Math.max(1.5, height - 1));
    }
  });
  ink.globalAlpha = 1;
}

/** Usable ones are dots, reserved ones squares, all others rings: shape says the same as colour. @param {Sheet} sheet @param {Points} points @param {boolean} isBehind */
function drawPoints({ ink, of, layout: { x, y } }, { xs, ys, fates }, isBehind) {
  const radius = xs.length > 1500 ? 2 : 3.5;
  const [value, other, reserved] = [of('value'), of('line-strong'), of('series-2')];
  fates.forEach((fate, index) => {
    const [left, top] = [x.px(xs[index] ?? 0), y.px(ys[index] ?? 0)];
    ink.beginPath();
    if (fate === 'reserved') {
      ink.fillStyle = reserved;
      ink.rect(left - radius, top - radius, 2 * radius, 2 * radius);
      ink.fill();
      return;
    }
    ink.arc(left, top, radius, 0, 2 * Math.PI);
    ink.globalAlpha = isBehind ? 0.55 : 0.9;
    if (fate === 'usable') {
      ink.fillStyle = value;
      ink.fill();
    } else {
      ink.strokeStyle = other;
      ink.lineWidth = 1.25;
      ink.stroke();
    }
    ink.globalAlpha = 1;
  });
}

/** The units of a group, each with a halo. @param {Sheet} sheet @param {Chosen} chosen */
function drawChosen({ ink, of, layout: { x, y } }, { xs, ys }) {
  for (const [radius, token] of /** @type {[number, string][]} */ ([[6, 'raised'], [4.5, 'accent']])) {
    ink.fillStyle = of(token);
    xs.forEach((value, index) => {
      ink.beginPath();
      ink.arc(x.px(value), y.px(ys[index] ?? 0), radius, 0, 2 * Math.PI);
      ink.fill();
    });
  }
}

/** How far a group may reach: about the chosen one, else about the middle. An axis without a window is free. @param {Sheet} sheet @param {Scatter} scatter @param {Shown} shown */
function drawFrame({ ink, of, layout: { x, y, width_px, height_px } }, scatter, { frame, chosen }) {
  const across = reach(frame.x, scatter.x_middle, chosen?.xs);
  const up = reach(frame.y, scatter.y_middle, chosen?.ys);
  if (!across && !up) return;
  const [left, right] = across ? across.map(x.px) : [LEFT - 4, width_px];
  const [bottom, top] = up ? up.map(y.px) : [height_px, TOP - 4];
  ink.setLineDash([5, 4]);
  for (const [width, token] of /** @type {[number, string][]} */ ([[4, 'raised'], [1.5, chosen ? 'accent' : 'text']])) {
    ink.lineWidth = width;
    ink.strokeStyle = of(token);
    ink.strokeRect(left ?? 0, top ?? 0, (right ?? 0) - (left ?? 0), (bottom ?? 0) - (top ?? 0));
  }
  ink.setLineDash([]);
}

/** @param {number | null} window @param {number | null} middle @param {number[]} [values] @returns {[number, number] | null} */
function reach(window, middle, values) {
  if (window === null) return null;
  const at = values?.length ? (Math.min(...values) + Math.max(...values)) / 2 : middle;
  return at === null ? null : [at - window / 2, at + window / 2];
}

/** The point at a place, null = there is none. @param {Points} points @param {Layout} layout @param {number} left @param {number} top */
export function pointAt({ xs, ys }, { x, y }, left, top) {
  let [found, least] = [-1, NEAR_PX];
  xs.forEach((value, index) => {
    const far = Math.hypot(x.px(value) - left, y.px(ys[index] ?? 0) - top);
    if (far < least) [found, least] = [index, far];
  });
  return found < 0 ? null : found;
}

/** The field at a place: how many usable and other units lie there; null = none. @param {Scatter} scatter @param {Layout} layout @param {number} left @param {number} top */
export function fieldAt({ fields, x_low, x_high, y_low, y_high }, { x, y }, left, top) {
  if (!fields) return null;
  const across = Math.min(fields.across_count - 1, Math.floor(((left - x.px(x_low)) / (x.px(x_high) - x.px(x_low))) * fields.across_count));
  const row = Math.min(fields.down_count - 1, Math.floor(((top - y.px(y_low)) / (y.px(y_high) - y.px(y_low))) * fields.down_count));
  const index = across < 0 || row < 0 ? -1 : fields.at.indexOf(row * fields.across_count + across);
  return index < 0 ? null : { usable: fields.usable_counts[index] ?? 0, other: fields.other_counts[index] ?? 0 };
}
