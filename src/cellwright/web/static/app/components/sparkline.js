import { html } from '../../vendor/preact.js';
import { number, t } from '../i18n.js';

const WIDTH = 100;
const HEIGHT = 24;

/** @param {(number | null)[]} values @param {(value: number) => number} y */
function path(values, y) {
  const step = WIDTH / Math.max(1, values.length - 1);
  let isDown = false;
  const parts = values.map((value, index) => {
    if (value === null || value === undefined) {
      isDown = false;
      return '';
    }
    const command = isDown ? 'L' : 'M';
    isDown = true;
    return `${command}${(index * step).toFixed(1)} ${y(value).toFixed(1)}`;
  });
  return parts.join('');
}

/**
 * The recent course of a value, gaps as gaps; `band` is the expected range.
 * @param {{values: (number | null)[], band?: [number, number], label?: string}} props
 */
export function Sparkline({ values, band, label }) {
  const known = values.filter((value) => value !== null && value !== undefined);
  if (known.length === 0) return html`<span class="spark spark-empty"></span>`;
  const low = Math.min(...known, ...(band ?? []));
  const high = Math.max(...known, ...(band ?? []));
  const span = high - low || 1;
  /** @param {number} value */
  const y = (value) => HEIGHT - 2 - ((value - low) / span) * (HEIGHT - 4);
  const sentence = t('chart.spark', { label: label ?? '', low: number(Math.min(...known)), high: number(Math.max(...known)), last: number(known.at(-1)) });
  return html`<svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${sentence}>
    ${band && html`<rect class="spark-band" x="0" width=${WIDTH} y=${y(band[1])} height=${Math.max(1, y(band[0]) - y(band[1]))} />`}
    <path class="spark-line" d=${path(values, y)} />
  </svg>`;
}
