import { html } from '../../vendor/preact.js';
import { age, t, word } from '../i18n.js';
import { nameWord } from '../names.js';
import { CodeLink, pageOf } from '../objects.js';
import { unitAddress, waitsFor } from '../pages/tile_props.js';
import { Icon } from './icon.js';
import { StateWord } from './station_tile.js';
import { VerdictChip } from './verdict.js';

/** @typedef {Record<string, any>} Data */

/** A station of a line that runs by itself: what is in it, on which order, and how the last one came out.
 * @param {{station: Data, jobs: Data[], isCalling: boolean, now_us: number, isStale: boolean}} props */
export function WorkStation({ station, jobs, isCalling, now_us, isStale }) {
  const { tile, last } = station;
  const unit = unitAddress(tile);
  const since = tile.since_us === null ? '' : `, ${age(now_us - tile.since_us)}`;
  return html`<article class="tile work-tile ${isStale ? 'stale' : ''}" data-state=${tile.state} data-calling=${isCalling} data-station=${tile.station}>
    <header class="tile-head">
      <a class="tile-code code" href=${pageOf('station', tile.station)}>${tile.station}</a>
      ${isCalling ? html`<span class="tile-calling"><${Icon} name="hand" />${t('call.calls')}</span>` : html`<${StateWord} state=${tile.state} />`}
    </header>
    <p class="tile-name" title=${nameWord(tile.name)}>${nameWord(tile.name)}</p>
    <dl class="work-facts">
      <div><dt>${t('line_work.unit')}</dt><dd>${unit ? html`<a class="code" href=${unit}>${tile.unit}</a>` : html`<span class="muted">${waitsFor(tile)}</span>`}</dd></div>
      <div><dt>${t('line_work.since')}</dt><dd>${word('machine', tile.state)}${since}</dd></div>
      <${Job} job=${jobs.find((each) => each.state === 'running') ?? jobs[0]} more=${jobs.length - 1} now_us=${now_us} />
      <div><dt>${t('line_work.last')}</dt><dd>${last ? html`<${VerdictChip} verdict=${last.is_good ? 'pass' : 'fail'} /> <${CodeLink} kind="unit" code=${last.code} /> <span class="muted nowrap">${age(now_us - last.time_us)}</span>` : html`<span class="muted">${t('line_work.none_yet')}</span>`}</dd></div>
    </dl>
    <a class="tile-work" href=${pageOf('work', tile.station)}>${t('line_work.open_work')}</a>
  </article>`;
}

/** @param {{job: Data | undefined, more: number, now_us: number}} props */
function Job({ job, more, now_us }) {
  const what = job && html`<span class="code">${job.job}</span> ${word('job_state', job.state)}, ${age(now_us - job.since_us)}`;
  return html`<div><dt>${t('line_work.job')}</dt><dd>${job ? html`${what}${more > 0 && html` <span class="muted">${t('line_work.and_more', { n: more })}</span>`}` : html`<span class="muted">${t('line_work.no_job')}</span>`}</dd></div>`;
}
