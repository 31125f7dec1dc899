/** Words, numbers, times and quantities in the viewer's language. Times are plant time, `*_us` microseconds UTC. */
import { boot } from './boot.js';

/** What nobody knows is never shown as zero or as a dash.
 * @param {unknown} value @returns {value is null | undefined} */
const isUnknown = (value) => value === null || value === undefined || Number.isNaN(value);

let messages = boot.messages;
let locale = boot.language === 'zh' ? 'zh-CN' : 'en-GB';
/** @type {Map<string, Intl.NumberFormat>} */
let formats = new Map();

/** Speak another language; the styleguide and tests use it, pages are loaded in theirs.
 * @param {string} language @param {Record<string, string>} catalogue */
export function speak(language, catalogue) {
  messages = catalogue;
  locale = language === 'zh' ? 'zh-CN' : 'en-GB';
  formats = new Map();
}

/** @returns {'en' | 'zh'} */
export const language = () => (locale === 'zh-CN' ? 'zh' : 'en');

/** Whether the catalogue knows a text: for codes that a newer server may have added. @param {string} key */
export const has = (key) => key in messages;

/**
 * The text of a key. `{name}` is replaced; `{n|unit|units}` chooses by number.
 * @param {string} key @param {Record<string, unknown>} [values] @returns {string}
 */
export function t(key, values = {}) {
  const text = messages[key];
  if (text === undefined) {
    console.error(`no text for ${key}`);
    return key;
  }
  return text.replace(/\{(\w+)(?:\|([^|{}]*)\|([^|{}]*))?\}/g, (_, name, one, many) => {
    const value = values[name];
    if (many !== undefined) return value === 1 ? one : many;
    return typeof value === 'number' ? number(value) : String(value ?? t('common.unknown'));
  });
}

/** The text of a code from the server (state, kind, reason), or the code itself when it is newer than this client.
 * @param {string} area @param {string | null | undefined} code */
export function word(area, code) {
  if (isUnknown(code)) return t('common.unknown');
  const key = `${area}.${code}`;
  return has(key) ? t(key) : String(code).replaceAll('_', ' ');
}

/** Several texts as one: "Operator, Admin". @param {string[]} texts */
export const list = (texts) => texts.reduceRight((rest, first) => (rest ? t('format.list', { first, rest }) : first), '');

/** @typedef {{digits?: number, is_signed?: boolean}} NumberOptions */

/** @param {number | null | undefined} value @param {NumberOptions} [options] @returns {string} */
export function number(value, { digits, is_signed = false } = {}) {
  if (isUnknown(value)) return t('common.unknown');
  const key = `${digits}${is_signed}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(locale, {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits ?? 3,
      signDisplay: is_signed ? 'exceptZero' : 'auto',
    });
    formats.set(key, format);
  }
  return format.format(value).replace('-', '\u2212');
}

/** How units are written; what is absent is written as it is. @type {Record<string, string>} */
const SYMBOLS = {
  ohm: 'Ω',
  mohm: 'mΩ',
  milliohm: 'mΩ',
  Mohm: 'MΩ',
  c: '°C',
  um: 'µm',
  v: 'V',
  mv: 'mV',
  a: 'A',
  ma: 'mA',
  ah: 'Ah',
  mah: 'mAh',
  wh: 'Wh',
  kwh: 'kWh',
  w: 'W',
  n: 'N',
  pa: 'Pa',
  hz: 'Hz',
  l: 'L',
  ml: 'mL',
  gsm: 'g/m²',
  mpas: 'mPa·s',
  'mpa.s': 'mPa·s',
  'g/m2': 'g/m²',
  m_per_min: 'm/min',
  k_mv_per_h: 'mV/h',
  percent: '%',
  count: '',
  pieces: '',
  '1': '',
};

/** Larger units that long lengths and masses are told in: [from this much on, divided by, unit]. */
/** @type {Record<string, [number, number, string][]>} */
const SCALES = {
  mm: [[10_000, 1_000, 'm']],
  mg: [
    [10_000_000, 1_000_000, 'kg'],
    [10_000, 1_000, 'g'],
  ],
};

/** @param {string | null | undefined} unit */
export const unitSymbol = (unit) => (unit ? (SYMBOLS[unit] ?? SYMBOLS[unit.toLowerCase()] ?? unit) : '');

/**
 * A value and its unit as two texts, so that a table or tile can set them apart.
 * @param {number | null | undefined} value @param {string | null} [unit] @param {NumberOptions} [options]
 * @returns {[string, string]}
 */
export function quantityParts(value, unit, options = {}) {
  if (isUnknown(value)) return [t('common.unknown'), ''];
  if (unit === 'ratio') return [number(value * 100, { ...options, digits: options.digits ?? 1 }), '%'];
  const scale = SCALES[unit ?? '']?.find(([from]) => Math.abs(value) >= from);
  if (scale) return [number(value / scale[1], { ...options, digits: options.digits ?? 1 }), scale[2]];
  return [number(value, options), unitSymbol(unit)];
}

/** @param {number | null | undefined} value @param {string | null} [unit] @param {NumberOptions} [options] */
export function quantity(value, unit, options) {
  return quantityParts(value, unit, options).filter(Boolean).join('\u00a0');
}

/**
 * A rate with what it stands on: "98.2 % of 412, at least 96.4 %". A rate of nothing is unknown.
 * @param {{ratio: number | null, n: number, lower_ratio?: number | null}} rate
 */
export function rate({ ratio, n, lower_ratio }) {
  if (isUnknown(ratio) || n === 0) return t('common.unknown');
  const share = quantity(ratio, 'ratio');
  if (isUnknown(lower_ratio)) return t('format.rate', { share, n });
  return t('format.rate_bound', { share, n, bound: quantity(lower_ratio, 'ratio') });
}

const zone = () => boot.plant.time_zone ?? 'UTC';
/** @type {Intl.DateTimeFormat | undefined} */
let clock;

/** @param {number} time_us */
function clockParts(time_us) {
  clock ??= new Intl.DateTimeFormat('en-CA', {
    timeZone: zone(),
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  return Object.fromEntries(clock.formatToParts(time_us / 1000).map(({ type, value }) => [type, value]));
}

/** ISO date, 24-hour clock, to the second: `2026-03-01 14:05:09`. @param {number | null | undefined} time_us */
export function dateTime(time_us) {
  if (isUnknown(time_us)) return t('common.unknown');
  return `${date(time_us)} ${time(time_us)}`;
}

/** @param {number | null | undefined} time_us */
export function date(time_us) {
  if (isUnknown(time_us)) return t('common.unknown');
  const { year, month, day } = clockParts(time_us);
  return `${year}-${month}-${day}`;
}

/** @param {number | null | undefined} time_us */
export function time(time_us) {
  if (isUnknown(time_us)) return t('common.unknown');
  const { hour, minute, second } = clockParts(time_us);
  return `${hour}:${minute}:${second}`;
}

/** The time (UTC us) of what a field of local time says, in the plant's zone. @param {string} text `2026-03-01T14:05` */
export function fromZone(text) {
  const guess_ms = Date.parse(`${text}Z`);
  const shown = new Date(guess_ms).toLocaleString('sv-SE', { timeZone: zone() }).replace(' ', 'T');
  return (2 * guess_ms - Date.parse(`${shown}Z`)) * 1000;
}

/** The name of the plant's time zone, to stand beside times. */
export const timeZone = () => zone();

/**
 * A span in its two largest units: `3 d 4 h`, `2 h 5 min`, `48 s`, `320 ms`.
 * @param {number | null | undefined} span_us
 */
export function duration(span_us) {
  if (isUnknown(span_us)) return t('common.unknown');
  const seconds = Math.abs(span_us) / 1e6;
  const sign = span_us < 0 ? '\u2212' : '';
  if (seconds < 1) return `${sign}${quantity(Math.round(seconds * 1000), t('format.ms'))}`;
  if (seconds < 10) return `${sign}${quantity(Math.round(seconds * 10) / 10, t('format.s'))}`;
  const whole = Math.round(seconds);
  /** @type {[number, string][]} */
  const units = [
    [Math.floor(whole / 86400), t('format.d')],
    [Math.floor(whole / 3600) % 24, t('format.h')],
    [Math.floor(whole / 60) % 60, t('format.min')],
    [whole % 60, t('format.s')],
  ];
  const first = units.findIndex(([count]) => count > 0);
  const shown = units.slice(first, first + 2).filter(([count]) => count > 0);
  return sign + shown.map(([count, unit]) => `${count}\u00a0${unit}`).join(' ');
}

/** How long ago, in one unit once it is long: `4 s`, `3 min`, `2 h`. @param {number | null | undefined} span_us */
export function age(span_us) {
  if (isUnknown(span_us)) return t('common.unknown');
  const seconds = Math.max(0, Math.floor(span_us / 1e6));
  if (seconds < 60) return `${seconds}\u00a0${t('format.s')}`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}\u00a0${t('format.min')}`;
  return duration(Math.floor(seconds / 60) * 60e6);
}
