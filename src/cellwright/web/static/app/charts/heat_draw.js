/** Draws a roll map: lanes of values, flaws as outlined shapes with letters, units below, the brush. */
import { number, t } from '../i18n.js';
import { colour } from '../theme.js';
import { rampOf } from './heat_scale.js';
import { ticks } from './scale.js';

/**
 * @typedef {{starts: number[], ends: number[], values: (number | null)[], lower: (number | null)[], upper: (number | null)[]}} Bins
 * @typedef {{lane: number, bins: Bins | null}} Row lane 0 = the whole width
 * @typedef {{start: number, end: number, lane: number}} Stretch
 * @typedef {Stretch & {units_count: number}} Run
 * @typedef {Stretch & {letter: string, defect: string}} Flaw
 * @typedef {{rows: Row[], runs: Run[], flaws: Flaw[], start: number, end: number, limits: import('./heat_scale.js').Limits, domain: import('./heat_scale.js').Domain}} Picture
 * @typedef {ReturnType<typeof layoutOf>} Layout
 * @typedef {{ink: CanvasRenderingContext2D, of: (token: string) => string, layout: Layout, picture: Picture}} Sheet
 */

const LEFT = 58;
const RIGHT = 10;
const TOP = 4;
const LANE = 30;
const UNITS = 13;
const GAP = 8;
const AXIS = 24;
const FLAG = 3;

/** Where things lie. @param {Picture} picture @param {number} width_px */
export function layoutOf({ rows, runs, start, end }, width_px) {
  const inside = Math.max(1, width_px - LEFT - RIGHT);
  const units_top = TOP + rows.length * LANE + GAP;
  const units_height = runs.length ? rows.length * UNITS : 0;
  /** @param {number} at */
  const x = (at) => LEFT + ((at - start) / (end - start || 1)) * inside;
  /** @param {number} px */
  const positionAt = (px) => Math.round(Math.max(start, Math.min(end, start + ((px - LEFT) / inside) * (end - start))));
  /** @param {number} px */
  const rowAt = (px) => Math.max(0, Math.min(rows.length - 1, Math.floor(px < units_top ? (px - TOP) / LANE : (px - units_top) / UNITS)));
  return { x, positionAt, rowAt, inside, units_top, units_height, height_px: units_top + units_height + GAP + AXIS, width_px };
}

/** @param {HTMLCanvasElement} canvas @param {Picture} picture @param {Layout} layout @param {Stretch | null} brush */
export function drawMap(canvas, picture, layout, brush) {
  const scale = window.devicePixelRatio || 1;
  const { width_px, height_px, inside, units_top } = layout;
  Object.assign(canvas, { width: Math.round(width_px * scale), height: Math.round(height_px * scale) });
  Object.assign(canvas.style, { width: `${width_px}px`, height: `${height_px}px` });
  const ink = canvas.getContext('2d');
  if (!ink) return;
  ink.scale(scale, scale);
  ink.font = `11px ${getComputedStyle(canvas).fontFamily}`;
  ink.textBaseline = 'middle';
  const sheet = { ink, picture, layout, of: (/** @type {string} */ token) => colour(canvas, token) };
  drawLanes(sheet);
  drawAxis(sheet);
  ink.beginPath();
  ink.rect(LEFT, 0, inside, height_px - AXIS);
  ink.clip();
  drawUnits(sheet);
  for (const flaw of picture.flaws) drawFlaw(sheet, flaw);
  if (!brush) return;
  outline(sheet, brush, TOP, LANE, 'accent');
  if (layout.units_height) outline(sheet, brush, units_top, UNITS, 'accent');
}

/** Which rows a lane covers: all of them when it is the whole width. @param {Row[]} rows @param {number} lane */
function spanOf(rows, lane) {
  const index = rows.findIndex((row) => row.lane === lane);
  return lane === 0 || index < 0 ? [0, rows.length] : [index, index + 1];
}

/** @param {Sheet} sheet @param {string} text @param {number} y */
function label({ ink, of }, text, y) {
  ink.fillStyle = of('text-3');
  ink.textAlign = 'end';
  ink.fillText(text, LEFT - 8, y);
}

/** @param {Sheet} sheet */
function drawLanes(sheet) {
  const { ink, of, picture, layout } = sheet;
  const paint = rampOf(picture.domain, of('diverging-low'), of('diverging-mid'), of('diverging-high'));
  picture.rows.forEach(({ lane, bins }, index) => {
    const top = TOP + index * LANE;
    drawHatch(sheet, top);
    label(sheet, lane ? t('roll_map.lane_short', { lane }) : t('roll_map.all_short'), top + LANE / 2 - 1);
    const drawn = (bins?.values ?? []).flatMap((value, k) => {
      const left = layout.x(bins?.starts[k] ?? 0);
      return value === null ? [] : [{ value, least: bins?.lower[k] ?? value, most: bins?.upper[k] ?? value, left, width: Math.max(1, layout.x(bins?.ends[k] ?? 0) - left) + 0.5 }];
    });
    for (const { value, left, width } of drawn) {
      ink.fillStyle = paint(value);
      ink.fillRect(left, top, width, LANE - 2);
    }
    // What is out of its limits is said by place and shape: a bar along the upper or lower edge of the lane.
    ink.fillStyle = of('text');
    for (const { least, most, left, width } of drawn) {
      if (most > (picture.limits.upper ?? Infinity)) ink.fillRect(left, top, width, FLAG);
      if (least < (picture.limits.lower ?? -Infinity)) ink.fillRect(left, top + LANE - 2 - FLAG, width, FLAG);
    }
  });
}

/** Where nothing was measured. @param {Sheet} sheet @param {number} top */
function drawHatch({ ink, of, layout: { inside } }, top) {
  const height = LANE - 2;
  ink.save();
  ink.beginPath();
  ink.rect(LEFT, top, inside, height);
  ink.clip();
  ink.fillStyle = of('sunken');
  ink.fill();
  ink.strokeStyle = of('line-strong');
  ink.lineWidth = 0.75;
  ink.beginPath();
  for (let at = LEFT - height; at < LEFT + inside; at += 7) {
    ink.moveTo(at, top + height);
    ink.lineTo(at + height, top);
  }
  ink.stroke();
  ink.restore();
}

/** Units where they were wound from; too many to tell apart are one band. @param {Sheet} sheet */
function drawUnits({ ink, of, picture: { rows, runs }, layout: { x, units_top } }) {
  ink.fillStyle = of('band');
  ink.strokeStyle = of('value');
  ink.lineWidth = 1;
  for (const { lane, start, end, units_count } of runs) {
    const [first = 0, last = 0] = spanOf(rows, lane);
    const [top, height] = [units_top + first * UNITS, (last - first) * UNITS - 2];
    const [left, width] = [x(start), x(end) - x(start)];
    ink.fillRect(left, top, width, height);
    ink.strokeRect(left, top + 0.5, width, height - 1);
    ink.beginPath();
    for (let index = 1; index < units_count && width >= 3 * units_count; index += 1) {
      ink.moveTo(left + (index * width) / units_count, top);
      ink.lineTo(left + (index * width) / units_count, top + height);
    }
    ink.stroke();
  }
}

/** @param {Sheet} sheet @param {Flaw} flaw */
function drawFlaw(sheet, flaw) {
  const { ink, of, picture, layout } = sheet;
  outline(sheet, flaw, TOP, LANE, 'text');
  const left = layout.x(flaw.start);
  const top = TOP + (spanOf(picture.rows, flaw.lane)[0] ?? 0) * LANE;
  ink.fillStyle = of('raised');
  ink.fillRect(left, top, 14, 14);
  ink.strokeRect(left, top, 14, 14);
  ink.fillStyle = of('text');
  ink.textAlign = 'center';
  ink.fillText(flaw.letter, left + 7, top + 7.5);
}

/** A stretch of its lane as an outline with a halo, to be seen on any ground. @param {Sheet} sheet @param {Stretch} stretch @param {number} top @param {number} row @param {string} token */
function outline({ ink, of, picture, layout: { x } }, { start, end, lane }, top, row, token) {
  const [first = 0, last = 0] = spanOf(picture.rows, lane);
  for (const [width, name] of /** @type {[number, string][]} */ ([[4, 'raised'], [1.5, token]])) {
    ink.lineWidth = width;
    ink.strokeStyle = of(name);
    ink.strokeRect(x(start), top + first * row, Math.max(3, x(end) - x(start)), (last - first) * row - 2);
  }
}

/** @param {Sheet} sheet */
function drawAxis(sheet) {
  const { ink, of, picture: { start, end, rows, runs }, layout } = sheet;
  const { x, width_px, height_px, inside, units_top, units_height } = layout;
  if (runs.length) label(sheet, t('roll_map.units_short'), units_top + units_height / 2);
  const y = height_px - AXIS + 2;
  ink.strokeStyle = of('line-strong');
  ink.lineWidth = 1;
  ink.fillStyle = of('text-3');
  ink.beginPath();
  ink.moveTo(LEFT, y);
  ink.lineTo(LEFT + inside, y);
  for (const at of rows.length ? ticks(start / 1000, end / 1000, Math.max(2, Math.floor(inside / 80))) : []) {
    const left = x(at * 1000);
    ink.moveTo(left, y);
    ink.lineTo(left, y + 4);
    ink.textAlign = left > width_px - 30 ? 'end' : 'center';
    ink.fillText(number(at), Math.min(left, width_px - 2), y + 13);
  }
  ink.stroke();
}
