import uPlot from '../../vendor/uplot.js';
import { effect, html, useLayoutEffect, useRef, useState } from '../../vendor/preact.js';
import { dateTime, number, quantity, t, timeZone, unitSymbol } from '../i18n.js';
import { colour, theme } from '../theme.js';
import { Figure } from './figure.js';

/**
 * @typedef {Object} TrendSeries
 * @property {string} key
 * @property {string} label stands at the right end of the line
 * @property {(number | null)[]} values null is a gap
 * @property {boolean} [isStep] set values and states
 * @property {boolean} [isContext] grey, behind
 */
/** @typedef {import('../components/value_bar.js').Limits} Limits */
/**
 * @typedef {Object} TrendProps
 * @property {string} title
 * @property {string} [unit]
 * @property {number[]} times_us
 * @property {TrendSeries[]} series
 * @property {number} [digits]
 * @property {number} [height_px]
 * @property {Limits} [limits] dashed: what is expected
 * @property {string} [sync] charts of the same name share cursor and range
 */

const COLOURS = 6;

/** Values over time; hover reads all charts of the page, a drag zooms them. @param {TrendProps} props */
export function Trend(props) {
  const { title, unit, times_us, series, digits, height_px = 200 } = props;
  const place = useRef(/** @type {HTMLDivElement | null} */ (null));
  const [read, setRead] = useState('');
  useLayoutEffect(() => {
    if (!place.current || times_us.length === 0) return undefined;
    return draw(place.current, { ...props, height_px }, (index) => setRead(readOut(props, index)));
  }, [times_us, series, digits, height_px, unit]);
  const main = series.find(({ isContext }) => !isContext) ?? series[0];
  const table = () => ({
    headings: [`${t('chart.time')} (${timeZone()})`, ...series.map(({ label }) => label)],
    rows: times_us.map((time, index) => [dateTime(time), ...series.map(({ values }) => number(values[index], { digits }))]),
  });
  return html`<${Figure} title=${title} unit=${unitSymbol(unit)} sentence=${sentence(props, main)} table=${table} read=${read || timeZone()}
    isEmpty=${times_us.length === 0}>
    <div class="chart-canvas" ref=${place}></div>
  <//>`;
}

/** @param {TrendProps} props @param {TrendSeries | undefined} main */
function sentence({ title, unit, times_us, digits }, main) {
  const known = (main?.values ?? []).filter((each) => each !== null);
  /** @param {number | undefined} value */
  const say = (value) => quantity(value, unit, { digits });
  return t('chart.trend', {
    title,
    n: known.length,
    from: dateTime(times_us[0]),
    to: dateTime(times_us.at(-1)),
    last: say(known.at(-1)),
    low: say(known.length ? Math.min(...known) : undefined),
    high: say(known.length ? Math.max(...known) : undefined),
  });
}

/** @param {TrendProps} props @param {number | null | undefined} index */
function readOut({ times_us, series, unit, digits }, index) {
  if (index === null || index === undefined) return '';
  const values = series.map(({ label, values: all }) => `${label} ${quantity(all[index], unit, { digits })}`);
  return `${dateTime(times_us[index])} · ${values.join(' · ')}`;
}

/** @param {HTMLElement} place @param {TrendProps & {height_px: number}} props @param {(index: number | null | undefined) => void} onCursor */
function draw(place, props, onCursor) {
  const data = /** @type {uPlot.AlignedData} */ ([props.times_us.map((each) => each / 1e6), ...props.series.map(({ values }) => values)]);
  /** @type {uPlot | undefined} */
  let plot;
  const make = () => {
    plot?.destroy();
    plot = new uPlot(options(place, props, onCursor), data, place);
  };
  // Colours of a canvas do not follow the theme by themselves.
  const media = window.matchMedia('(prefers-color-scheme: dark)');
  const stop = effect(() => {
    void theme.value;
    window.requestAnimationFrame(make);
  });
  media.addEventListener('change', make);
  const observer = new ResizeObserver(() => plot?.setSize({ width: place.clientWidth, height: props.height_px }));
  observer.observe(place);
  return () => {
    stop();
    media.removeEventListener('change', make);
    observer.disconnect();
    plot?.destroy();
    plot = undefined;
  };
}

/** @param {HTMLElement} place @param {TrendProps & {height_px: number}} props @param {(index: number | null | undefined) => void} onCursor
 * @returns {uPlot.Options} */
function options(place, { series, limits, digits, height_px, sync }, onCursor) {
  const muted = colour(place, 'text-3');
  const hairline = { stroke: colour(place, 'line'), width: 1 };
  const font = `11px ${getComputedStyle(place).fontFamily}`;
  return {
    width: place.clientWidth,
    height: height_px,
    padding: [8, longest(series) * 7.4 + 12, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 5 }, sync: sync ? { key: sync } : undefined },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), timeZone()),
    scales: { y: { range: (_, low, high) => padded(low, high, limits) } },
    axes: [
      { stroke: muted, font, size: 40, grid: { show: false }, ticks: hairline, values: TIME_LABELS },
      { stroke: muted, font, size: 52, grid: hairline, ticks: { show: false }, values: (_, all) => all.map((each) => number(each, { digits: digitsOf(all, digits) })) },
    ],
    series: [{}, ...series.map((each, index) => line(place, each, index))],
    hooks: { draw: [(plot) => mark(plot, place, series, limits)], setCursor: [(plot) => onCursor(plot.cursor.idx)] },
  };
}

/** Fewest digits that tell the ticks apart. @param {number[]} all @param {number} [digits] */
function digitsOf(all, digits) {
  const step = Math.abs((all[1] ?? 0) - (all[0] ?? 0));
  const needed = step > 0 ? Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)) : (digits ?? 0);
  return step > 0 && Math.abs(step * 10 ** needed - Math.round(step * 10 ** needed)) > 1e-6 ? needed + 1 : needed;
}

/** 24-hour clock, ISO dates; [from this increment on, label, …date added when it changes]. */
const TIME_LABELS = /** @type {any} */ ([
  [86400, '{YYYY}-{MM}-{DD}', null, null, null, null, null, null, 1],
  [3600, '{HH}:{mm}', '\n{YYYY}-{MM}-{DD}', null, '\n{YYYY}-{MM}-{DD}', null, null, null, 1],
  [60, '{HH}:{mm}', '\n{YYYY}-{MM}-{DD}', null, '\n{YYYY}-{MM}-{DD}', null, null, null, 1],
  [1, '{HH}:{mm}:{ss}', '\n{YYYY}-{MM}-{DD}', null, '\n{YYYY}-{MM}-{DD}', null, null, null, 1],
  [0.001, '{HH}:{mm}:{ss}.{fff}', '\n{YYYY}-{MM}-{DD}', null, '\n{YYYY}-{MM}-{DD}', null, null, null, 1],
]);

/** @param {TrendSeries[]} series */
const longest = (series) => Math.max(0, ...series.map(({ label }) => [...label].reduce((sum, each) => sum + (each > '\u2e80' ? 2 : 1), 0)));

/** @param {number | null} low @param {number | null} high @param {Limits} [limits] @returns {[number, number]} */
function padded(low, high, limits) {
  const known = [low, high, limits?.lower, limits?.upper].filter((each) => each !== null && each !== undefined);
  if (known.length === 0) return [0, 1];
  const [from, to] = [Math.min(...known), Math.max(...known)];
  const pad = (to - from || Math.abs(to) || 1) * 0.08;
  return [from - pad, to + pad];
}

/** @param {HTMLElement} place @param {TrendSeries} series @param {number} index @returns {uPlot.Series} */
function line(place, { isStep, isContext }, index) {
  return {
    stroke: colour(place, isContext ? 'line-strong' : `series-${(index % COLOURS) + 1}`),
    width: isContext ? 1 : 1.25,
    spanGaps: false,
    points: { show: false },
    paths: isStep ? uPlot.paths.stepped?.({ align: 1 }) : undefined,
  };
}

/** Limits as dashed lines, and each line's name at its right end. @param {uPlot} plot @param {HTMLElement} place
 * @param {TrendSeries[]} series @param {Limits} [limits] */
function mark(plot, place, series, limits) {
  const { ctx, bbox } = plot;
  const scale = window.devicePixelRatio;
  const right = bbox.left + bbox.width;
  ctx.save();
  ctx.font = `${11 * scale}px ${getComputedStyle(place).fontFamily}`;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'left';
  ctx.lineWidth = scale;
  for (const name of /** @type {const} */ (['lower', 'target', 'upper'])) {
    const value = limits?.[name];
    if (value === null || value === undefined) continue;
    const y = Math.round(plot.valToPos(value, 'y', true));
    ctx.strokeStyle = colour(place, name === 'target' ? 'text-2' : 'text-3');
    ctx.setLineDash(name === 'target' ? [] : [6 * scale, 4 * scale]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(right, y);
    ctx.stroke();
  }
  labels(plot, place, series, right, scale);
  ctx.restore();
}

/** @param {uPlot} plot @param {HTMLElement} place @param {TrendSeries[]} series @param {number} right @param {number} scale */
function labels(plot, place, series, right, scale) {
  const ends = series.map(({ label, isContext, values }, index) => {
    const value = values.findLast((each) => each !== null && each !== undefined);
    const token = isContext ? 'text-3' : `series-${(index % COLOURS) + 1}`;
    return { label, token, y: value === undefined || value === null ? NaN : plot.valToPos(value, 'y', true) };
  });
  let last = -Infinity;
  for (const { label, token, y } of ends.filter((each) => !Number.isNaN(each.y)).sort((a, b) => a.y - b.y)) {
    last = Math.max(y, last + 13 * scale);
    plot.ctx.fillStyle = colour(place, token);
    plot.ctx.fillText(label, right + 6 * scale, last);
  }
}
