import { html } from '../../vendor/preact.js';
import { number, quantity, t, unitSymbol } from '../i18n.js';
import { isOutside, limitsText } from '../components/value_bar.js';
import { Figure } from './figure.js';
import { roundUp, ticks } from './scale.js';
import { useWidth } from './use_width.js';

/** @typedef {import('../components/value_bar.js').Limits} Limits */
/** @typedef {{start: number, end: number, count: number}} Bin half-open [start, end) */

const HEIGHT = 200;
const LEFT = 40;
const TOP = 18;
const BOTTOM = 24;

/**
 * How values spread, against their specification limits. Bins are the server's.
 * @param {{title: string, unit?: string, bins: Bin[], mean: number | null, outside_count: number, digits?: number} & Limits} props
 */
export function Histogram({ title, unit, bins, mean, outside_count, digits, lower, target, upper }) {
  const { ref, width_px } = useWidth(480);
  const n = bins.reduce((sum, bin) => sum + bin.count, 0);
  const limits = { lower, target, upper };
  const sentence = t('chart.histogram', { title, n, mean: quantity(mean, unit, { digits }), outside: outside_count });
  const table = () => ({
    headings: [t('chart.range'), t('chart.count')],
    rows: bins.map(({ start, end, count }) => [`${number(start, { digits })} – ${number(end, { digits })}`, number(count)]),
  });
  const note = `n = ${number(n)} · ${limitsText(limits, unit, digits)}`;
  return html`<${Figure} title=${title} unit=${unitSymbol(unit)} sentence=${sentence} table=${table} note=${note} isEmpty=${n === 0}>
    <div ref=${ref}><${Bars} ...${{ bins, limits, width_px, digits }} /></div>
  <//>`;
}

/** @param {{bins: Bin[], limits: Limits, width_px: number, digits?: number}} props */
function Bars({ bins, limits, width_px, digits }) {
  const marks = [limits.lower, limits.target, limits.upper].filter((each) => each !== null && each !== undefined);
  const low = Math.min(bins[0]?.start ?? 0, ...marks);
  const high = Math.max(bins.at(-1)?.end ?? 1, ...marks);
  const pad = (high - low) * 0.03;
  const top = roundUp(Math.max(...bins.map(({ count }) => count)), 4);
  /** @param {number} value */
  const x = (value) => LEFT + ((value - low + pad) / (high - low + 2 * pad)) * (width_px - LEFT - 8);
  /** @param {number} count */
  const y = (count) => HEIGHT - BOTTOM - (count / top) * (HEIGHT - BOTTOM - TOP);
  return html`<svg width=${width_px} height=${HEIGHT} viewBox="0 0 ${width_px} ${HEIGHT}">
    <${Rules} ...${{ top, y, width_px }} />
    ${bins.map(({ start, end, count }) => {
      const isOut = isOutside((start + end) / 2, limits);
      return html`<rect key=${start} class=${isOut ? 'chart-bar-out' : 'chart-bar'} x=${x(start) + 0.5} y=${y(count)}
        width=${Math.max(1, x(end) - x(start) - 1)} height=${Math.max(0, y(0) - y(count))} />`;
    })}
    <line class="chart-line" x1=${LEFT} x2=${width_px} y1=${y(0)} y2=${y(0)} />
    ${ticks(low, high, Math.floor(width_px / 90)).map(
      (value) => html`<text key=${value} x=${x(value)} y=${HEIGHT - 6} text-anchor="middle">${number(value, { digits })}</text>`,
    )}
    <${LimitLines} ...${{ limits, x, y }} />
  </svg>`;
}

/** Horizontal hairlines with their numbers. @param {{top: number, y: (value: number) => number, width_px: number}} props */
export function Rules({ top, y, width_px }) {
  return ticks(0, top, 4).slice(1).map(
    (value) => html`<g key=${value}>
      <line class="chart-line" x1=${LEFT} x2=${width_px} y1=${y(value)} y2=${y(value)} />
      <text x=${LEFT - 6} y=${y(value) + 4} text-anchor="end">${number(value)}</text>
    </g>`,
  );
}

/** @param {{limits: Limits, x: (value: number) => number, y: (value: number) => number}} props */
function LimitLines({ limits, x, y }) {
  /** @type {[string, number | null | undefined, string][]} */
  const lines = [
    ['lsl', limits.lower, 'chart-limit'],
    ['target', limits.target, 'chart-target'],
    ['usl', limits.upper, 'chart-limit'],
  ];
  return lines
    .filter(([, value]) => value !== null && value !== undefined)
    .map(
      ([name, value, style]) => html`<g key=${name}>
        <line class=${style} x1=${x(Number(value))} x2=${x(Number(value))} y1=${TOP - 4} y2=${y(0)} />
        <text class="chart-text" x=${x(Number(value))} y=${TOP - 7} text-anchor="middle">${t(`chart.${name}`)}</text>
      </g>`,
    );
}
