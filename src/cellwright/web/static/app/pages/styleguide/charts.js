import { html } from '../../../vendor/preact.js';
import { Histogram } from '../../charts/histogram.js';
import { Pareto } from '../../charts/pareto.js';
import { axisText, domainOf, RatioBar, ratioText } from '../../charts/ratio_bar.js';
import { StateTimeline } from '../../charts/state_timeline.js';
import { Trend } from '../../charts/trend.js';
import { t } from '../../i18n.js';
import { wave } from './plant.js';

const NOW_US = 1_772_373_909_000_000;
const HOUR_US = 3_600e6;
const TIMES = Array.from({ length: 240 }, (_, index) => NOW_US - (239 - index) * 120e6);
const FIRST = wave(240, 5.1, 0.35).map((value, index) => (index > 90 && index < 104 ? null : value));
const SECOND = wave(240, 4.6, 0.15);

const BINS = Array.from({ length: 24 }, (_, index) => {
  const start = 3.196 + index * 0.0016;
  return { start, end: start + 0.0016, count: Math.round(140 * Math.exp(-(((index - 11.5) / 4.6) ** 2))) };
});

const causes = () => [
  { key: 'misaligned', label: t('styleguide.misaligned'), count: 61, href: '/styleguide' },
  { key: 'burr', label: t('styleguide.burr'), count: 38, href: '/styleguide' },
  { key: 'leak', label: t('styleguide.leak_reason'), count: 21, href: '/styleguide' },
  { key: 'capacity', label: t('styleguide.low_capacity'), count: 12, href: '/styleguide' },
  { key: 'other', label: t('chart.other'), count: 17, isOther: true },
];

/** @param {[string, number][]} parts state and share of eight hours */
function lane(parts) {
  let at = NOW_US - 8 * HOUR_US;
  return parts.map(([state, share]) => {
    const start_us = at;
    at += share * 8 * HOUR_US;
    return { state, start_us, end_us: at };
  });
}

const LANES = [
  { name: 'WND-01', spans: lane([['running', 0.4], ['starved', 0.05], ['running', 0.3], ['down', 0.06], ['running', 0.19]]) },
  { name: 'FIL-01', spans: lane([['setup', 0.12], ['running', 0.5], ['blocked', 0.1], ['running', 0.28]]) },
  { name: 'EOL-01', spans: lane([['idle', 0.3], ['running', 0.25], ['manual', 0.15], ['offline', 0.1], ['running', 0.2]]) },
];

const RATIOS = [
  { ratio: 16.25, low_ratio: 8.77, high_ratio: 32.7, stands_out: true },
  { ratio: null, low_ratio: 4.2, high_ratio: null, stands_out: true },
  { ratio: 1.31, low_ratio: 0.62, high_ratio: 2.5, stands_out: false },
  { ratio: 0, low_ratio: 0, high_ratio: 3.4, stands_out: false },
];

function Ratios() {
  const domain = domainOf(RATIOS);
  return html`<ul class="level-list">
      ${RATIOS.map((each) => html`<li key=${each.low_ratio} class="ratio-cell"><${RatioBar} ...${each} domain=${domain} label=${t('styleguide.ratio')} isStrong=${each.stands_out} /><span aria-hidden="true">${ratioText(each)}</span></li>`)}
    </ul>
    <p class="caption">${axisText(domain)}</p>`;
}

/** @param {{theme: string}} props */
export function Charts({ theme }) {
  const series = [
    { key: 'a', label: 'WND-01', values: FIRST },
    { key: 'b', label: 'WND-02', values: SECOND },
  ];
  return html`<div class="stack">
    <${Trend} title=${t('styleguide.cycle_trend')} unit="s" times_us=${TIMES} series=${series} digits=${2} limits=${{ target: 5, upper: 5.5 }} sync=${`styleguide-${theme}`} />
    <${Histogram} title=${t('styleguide.ocv')} unit="v" bins=${BINS} mean=${3.215} outside_count=${9} digits=${3} lower=${3.2} target=${3.215} upper=${3.23} />
    <${Pareto} title=${t('styleguide.scrap')} causes=${causes()} total=${149} />
    <${StateTimeline} title=${t('styleguide.states_title')} lanes=${LANES} start_us=${NOW_US - 8 * HOUR_US} end_us=${NOW_US} />
    <${Ratios} />
    <${Histogram} title=${t('styleguide.thickness')} unit="um" bins=${[]} mean=${null} outside_count=${0} />
  </div>`;
}
