import { html } from '../../vendor/preact.js';
import { number, t } from '../i18n.js';

/** @typedef {{ratio: number | null, low_ratio: number, high_ratio: number | null}} Bounded */
/** @typedef {[number, number]} Domain lowest and highest power of ten */

const WIDTH = 168;
const HEIGHT = 20;
const EDGE = 5;
const DECADES_MAX = 4;

/** Powers of ten that hold all of some ratios and 1; what lies further out is drawn to the edge. @param {Bounded[]} rows @returns {Domain} */
export function domainOf(rows) {
  const values = rows.flatMap(({ ratio, low_ratio, high_ratio }) => [ratio, low_ratio, high_ratio]).filter((each) => each !== null && each > 0);
  const powers = values.map((each) => Math.log10(Number(each)));
  const high = Math.min(DECADES_MAX, Math.max(1, Math.ceil(Math.max(1, ...powers))));
  return [Math.max(-2, Math.floor(Math.min(-0.3, ...powers))), high];
}

/** @param {number} value @param {Domain} domain */
function along(value, [low, high]) {
  const share = (Math.log10(Math.max(value, 1e-9)) - low) / (high - low);
  return EDGE + Math.min(1, Math.max(0, share)) * (WIDTH - 2 * EDGE);
}

/** How many times as often, as words: `16.2 (8.8 to 32.7)`. @param {Bounded} props */
export function ratioText({ ratio, low_ratio, high_ratio }) {
  const low = ratioNumber(low_ratio);
  const bounds = high_ratio === null ? t('ratio.at_least', { low }) : t('ratio.bounds', { low, high: ratioNumber(high_ratio) });
  return `${ratio === null ? t('ratio.only_here') : ratioNumber(ratio)} ${bounds}`;
}

/** Three digits are more than is known. @param {number} value */
const ratioNumber = (value) => number(Number(value.toPrecision(3)), { digits: value >= 100 ? 0 : value >= 10 ? 1 : 2 });

/**
 * A risk ratio and its bounds on an axis of powers of ten; the line is at 1, as often as elsewhere.
 * @param {Bounded & {domain: Domain, label: string, isStrong?: boolean}} props
 */
export function RatioBar({ domain, label, isStrong = false, ...bounded }) {
  const { ratio, low_ratio, high_ratio } = bounded;
  const left = along(low_ratio, domain);
  const right = high_ratio === null ? WIDTH : along(high_ratio, domain);
  const middle = HEIGHT / 2;
  return html`<svg class="ratio-bar" data-strong=${isStrong} width=${WIDTH} height=${HEIGHT} viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label=${t('ratio.sentence', { label, text: ratioText(bounded) })}>
    ${decades(domain).map((power) => html`<line key=${power} class=${power === 0 ? 'ratio-bar-one' : 'ratio-bar-decade'} x1=${along(10 ** power, domain)} x2=${along(10 ** power, domain)} y1="1" y2=${HEIGHT - 1} />`)}
    <line class="ratio-bar-bounds" x1=${left} x2=${right} y1=${middle} y2=${middle} />
    <line class="ratio-bar-end" x1=${left} x2=${left} y1=${middle - 4} y2=${middle + 4} />
    ${high_ratio !== null && html`<line class="ratio-bar-end" x1=${right} x2=${right} y1=${middle - 4} y2=${middle + 4} />`}
    ${ratio !== null && html`<circle class="ratio-bar-dot" cx=${along(ratio, domain)} cy=${middle} r="3.5" />`}
  </svg>`;
}

/** @param {Domain} domain */
const decades = ([low, high]) => Array.from({ length: high - low + 1 }, (_, index) => low + index);

/** What the axis of the bars says. @param {Domain} domain */
export const axisText = ([low, high]) => t('ratio.axis', { low: number(10 ** low), high: number(10 ** high) });
