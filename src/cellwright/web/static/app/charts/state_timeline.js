import { html } from '../../vendor/preact.js';
import { dateTime, duration, t, time, word } from '../i18n.js';
import { Figure } from './figure.js';

/** @typedef {{state: import('../components/station_tile.js').MachineState, start_us: number, end_us: number}} Span */
/** @typedef {{name: string, spans: Span[]}} Lane */

const TICKS = 5;

/**
 * Which states machines were in, one lane each; grey by weight, colour only for down and bypass.
 * @param {{title: string, lanes: Lane[], start_us: number, end_us: number}} props
 */
export function StateTimeline({ title, lanes, start_us, end_us }) {
  const states = [...new Set(lanes.flatMap(({ spans }) => spans.map(({ state }) => state)))];
  const list = states.map((state) => `${word('machine', state)} ${duration(lasted(lanes, state))}`).join(', ');
  const table = () => ({
    headings: [t('chart.state'), t('chart.start'), t('chart.span')],
    rows: lanes.flatMap(({ name, spans }) =>
      spans.map((span) => [`${name} · ${word('machine', span.state)}`, dateTime(span.start_us), duration(span.end_us - span.start_us)]),
    ),
  });
  return html`<${Figure} title=${title} sentence=${t('chart.states', { title, list })} table=${table} isEmpty=${states.length === 0}>
    <div class="lanes">
      ${lanes.map((lane) => html`<${LaneRow} key=${lane.name} lane=${lane} start_us=${start_us} end_us=${end_us} />`)}
      <div class="lane-axis">
        ${Array.from({ length: TICKS }, (_, index) => html`<span key=${index}>${time(start_us + ((end_us - start_us) * index) / (TICKS - 1)).slice(0, 5)}</span>`)}
      </div>
    </div>
    <div class="legend">
      ${states.map((state) => html`<span key=${state}><span class="lane"><span class="lane-part lane-whole" data-state=${state}></span></span>${word('machine', state)} ${duration(lasted(lanes, state))}</span>`)}
    </div>
  <//>`;
}

/** @param {Lane[]} lanes @param {string} state */
const lasted = (lanes, state) =>
  lanes.flatMap(({ spans }) => spans).reduce((sum, span) => (span.state === state ? sum + span.end_us - span.start_us : sum), 0);

/** @param {{lane: Lane, start_us: number, end_us: number}} props */
function LaneRow({ lane, start_us, end_us }) {
  /** @param {number} span_us */
  const percent = (span_us) => `${((span_us / (end_us - start_us)) * 100).toFixed(3)}%`;
  return html`<span class="secondary">${lane.name}</span>
    <div class="lane">
      ${lane.spans.map((span) => {
        const place = { left: percent(span.start_us - start_us), width: percent(span.end_us - span.start_us) };
        const title = `${word('machine', span.state)} ${time(span.start_us)} · ${duration(span.end_us - span.start_us)}`;
        return html`<span key=${span.start_us} class="lane-part" data-state=${span.state} title=${title} style=${place}></span>`;
      })}
    </div>`;
}
