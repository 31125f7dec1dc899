/** Values of a characteristic as a histogram, with the limits of each grade, which can be moved by pointer or keys. */
import { html, useRef, useState } from '../../../vendor/preact.js';
import { Figure } from '../../charts/figure.js';
import { Rules } from '../../charts/histogram.js';
import { roundUp, ticks } from '../../charts/scale.js';
import { useWidth } from '../../charts/use_width.js';
import { Card } from '../../components/page_head.js';
import { number, quantity, t, unitSymbol } from '../../i18n.js';
import { characteristic } from '../../objects.js';
import { ends, rounded } from './edits.js';

const LEFT = 40;
const BOTTOM = 24;
const PLOT = 160;
const LANE = 18;

/** @param {{spread: any, answer: any, edits: any, change: (limit: any, change: any) => void}} props */
export function SpreadChart({ spread, answer, edits, change }) {
  const [isMeasured, setMeasured] = useState(false);
  const { ref, width_px } = useWidth(480);
  const { asked, measured, unit } = spread;
  const limits = answer.limits.filter((/** @type {any} */ each) => each.characteristic === spread.characteristic);
  const name = characteristic(spread.characteristic);
  const span = asked.count > 0 ? asked.bins.at(-1).end - asked.bins[0].start : 1;
  const digits = Math.max(0, Math.min(6, 2 - Math.floor(Math.log10(span || 1))));
  const values = { n: asked.count, unknown: asked.unknown_count, mean: quantity(asked.mean, unit, { digits }), median: quantity(asked.median, unit, { digits }), sigma: quantity(asked.robust_sigma, unit, { digits: digits + 1 }) };
  const sentence = t('grading.chart', { name, ...values });
  const table = () => ({ headings: [t('chart.range'), t('chart.count')], rows: tableRows(asked, digits) });
  const beyond = asked.below_count + asked.above_count;
  const note = [t('grading.stats', values), beyond > 0 && t('grading.beyond', { n: beyond }), spread.corrected_count > 0 && t('grading.corrected_n', { n: spread.corrected_count })].filter(Boolean).join(' · ');
  return html`<${Card}>
    ${measured && html`<label class="check grading-switch"><input type="checkbox" checked=${isMeasured} onChange=${() => setMeasured(!isMeasured)} /> ${t('grading.show_measured')}</label>`}
    <${Figure} title=${name} unit=${unitSymbol(unit)} sentence=${sentence} table=${table} note=${note} isEmpty=${asked.count === 0} hasLinks>
      <div ref=${ref}>${asked.count > 0 && html`<${Plot} ...${{ asked, measured: isMeasured ? measured : null, limits, edits, change, width_px, unit, digits, name }} />`}</div>
    <//>
  <//>`;
}

/** @param {any} asked @param {number} digits */
function tableRows({ bins, below_count, above_count }, digits) {
  const inside = bins.map((/** @type {any} */ { start, end, count }) => [`${number(start, { digits: digits + 1 })} – ${number(end, { digits: digits + 1 })}`, number(count)]);
  if (below_count > 0) inside.unshift([`< ${number(bins[0].start, { digits: digits + 1 })}`, number(below_count)]);
  if (above_count > 0) inside.push([`> ${number(bins.at(-1).end, { digits: digits + 1 })}`, number(above_count)]);
  return inside;
}

/** Where the axis ends: all bins, and every limit that is in force or asked for. @param {any[]} bins @param {any[]} limits @returns {[number, number]} */
function domainOf(bins, limits) {
  const marks = limits.flatMap((each) => [each.lower, each.upper, each.asked_lower, each.asked_upper]).filter((each) => each !== null);
  const low = Math.min(bins[0].start, ...marks);
  const high = Math.max(bins.at(-1).end, ...marks);
  const pad = (high - low) * 0.05;
  return [low - pad, high + pad];
}

/** @param {any} props */
function Plot({ asked, measured, limits, edits, change, width_px, unit, digits, name }) {
  const { bins } = asked;
  const held = useRef(/** @type {[number, number] | null} */ (null));
  const [low, high] = held.current ?? domainOf(bins, limits);
  const hold = (/** @type {boolean} */ isHeld) => { held.current = isHeld ? [low, high] : null; };
  const top_px = LANE * new Set(limits.map((/** @type {any} */ each) => each.grade)).size + 8;
  const height = top_px + PLOT + BOTTOM;
  const outline = measured ? scaled(measured.bins, bins[0].end - bins[0].start) : [];
  const top = roundUp(Math.max(1, ...bins.map((/** @type {any} */ each) => each.count), ...outline.map((each) => each.count)), 4);
  const x = (/** @type {number} */ value) => LEFT + ((value - low) / (high - low)) * (width_px - LEFT - 8);
  const y = (/** @type {number} */ count) => height - BOTTOM - (count / top) * PLOT;
  const valueAt = (/** @type {number} */ px) => rounded(low + ((px - LEFT) / (width_px - LEFT - 8)) * (high - low), high - low);
  const lanes = [...new Set(limits.map((/** @type {any} */ each) => each.grade))];
  /** @type {any[]} */
  const handles = limits.flatMap((/** @type {any} */ limit) => (/** @type {const} */ (['lower', 'upper'])).map((end) => ({ limit, end, value: ends(limit, edits)[end], was: limit[end], lane: lanes.indexOf(limit.grade) })));
  return html`<svg width=${width_px} height=${height} viewBox="0 0 ${width_px} ${height}">
    <${Rules} ...${{ top, y, width_px }} />
    ${bins.map((/** @type {any} */ { start, end, count }) => html`<rect key=${start} class="chart-bar" x=${x(start) + 0.5} y=${y(count)} width=${Math.max(1, x(end) - x(start) - 1)} height=${Math.max(0, y(0) - y(count))} />`)}
    ${outline.length > 0 && html`<path class="grading-measured" d=${stepsOf(outline, x, y)} />`}
    <line class="chart-line" x1=${LEFT} x2=${width_px} y1=${y(0)} y2=${y(0)} />
    ${ticks(low, high, Math.floor(width_px / 90)).map((value) => html`<text key=${value} x=${x(value)} y=${height - 6} text-anchor="middle">${number(value, { digits })}</text>`)}
    ${handles.filter(({ was, value }) => was !== null && was !== value).map(({ limit, end, was }) => html`<line key=${`${limit.grade}${end}was`} class="chart-limit" x1=${x(was)} x2=${x(was)} y1=${top_px} y2=${y(0)} />`)}
    ${handles.filter(({ value }) => value !== null && !Number.isNaN(value)).map((each) => html`<${Handle} key=${each.limit.grade + each.end} ...${{ ...each, x, valueAt, bottom: y(0), low, high, unit, digits, name, hold, change }} />`)}
  </svg>`;
}

/** Counts as they would be in bins of another width. @param {any[]} bins @param {number} width */
const scaled = (bins, width) => bins.map(({ start, end, count }) => ({ start, end, count: (count * width) / (end - start) }));

/** @param {any[]} bins @param {(value: number) => number} x @param {(count: number) => number} y */
const stepsOf = (bins, x, y) => `M${x(bins[0].start)} ${y(0)} ${bins.map(({ start, end, count }) => `L${x(start)} ${y(count)} L${x(end)} ${y(count)}`).join(' ')} L${x(bins.at(-1).end)} ${y(0)}`;

/** One end of a grade's limit. @param {any} props */
function Handle({ limit, end, value, lane, x, valueAt, bottom, low, high, unit, digits, name, hold, change }) {
  const at = x(value);
  const y_px = 6 + lane * LANE;
  const step = (high - low) / 100;
  const set = (/** @type {number} */ to) => change(limit, { [end]: Math.min(high, Math.max(low, to)) });
  const keys = { ArrowLeft: -step, ArrowDown: -step, ArrowRight: step, ArrowUp: step, PageDown: -10 * step, PageUp: 10 * step };
  const press = (/** @type {KeyboardEvent} */ event) => {
    const by = /** @type {Record<string, number>} */ (keys)[event.key];
    if (by === undefined) return;
    event.preventDefault();
    set(rounded(value + by, high - low));
  };
  const move = (/** @type {any} */ event) => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const box = event.currentTarget.ownerSVGElement.getBoundingClientRect();
    set(valueAt(event.clientX - box.left));
  };
  const label = t(end === 'lower' ? 'grading.lower_of' : 'grading.upper_of', { grade: limit.grade, name });
  const side = end === 'lower' ? 1 : -1;
  return html`<g class="grading-handle" role="slider" tabindex="0" aria-label=${label} aria-orientation="horizontal" aria-valuemin=${low} aria-valuemax=${high} aria-valuenow=${value} aria-valuetext=${quantity(value, unit, { digits: digits + 1 })}
    onKeyDown=${press} onPointerDown=${(/** @type {any} */ event) => { event.currentTarget.setPointerCapture(event.pointerId); hold(true); }} onPointerMove=${move} onPointerUp=${() => hold(false)} onPointerCancel=${() => hold(false)}>
    <title>${label}</title>
    <rect class="grading-grip" x=${at - 12} y=${y_px - 6} width="24" height=${bottom - y_px + 6} />
    <line class="grading-limit" x1=${at} x2=${at} y1=${y_px - 4} y2=${bottom} />
    <path class="grading-flag" d="M${at} ${y_px - 4} h${side * 22} v14 h${-side * 22} z" />
    <text class="grading-flag-text" x=${at + side * 11} y=${y_px + 7} text-anchor="middle">${limit.grade}${end === 'lower' ? ' ≥' : ' ≤'}</text>
  </g>`;
}
