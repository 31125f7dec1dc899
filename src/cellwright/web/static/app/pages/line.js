/** The line: every station in the order of work, with what waits between them. */
import { html, useMemo } from '../../vendor/preact.js';
import { Icon } from '../components/icon.js';
import { PageHead } from '../components/page_head.js';
import { StationTile } from '../components/station_tile.js';
import { age, number, t, word } from '../i18n.js';
import { toggleKiosk } from '../kiosk.js';
import { state, time_us, useTopic } from '../live.js';
import { operation, pageOf } from '../objects.js';
import { tileProps } from './tile_props.js';

/**
 * @typedef {import('./tile_props.js').Tile} Tile
 * @typedef {{product: string, operation: string, waiting_count: number, oldest_since_us: number | null}} Buffer
 * @typedef {{operation: string, name: string, product: string, stations: string[]}} Step
 * @typedef {{area: string, steps: Step[]}} Section
 * @typedef {{tiles: Tile[], buffers: Buffer[]}} LineNow
 * @typedef {{tiles: Map<string, Tile>, buffers: ReturnType<typeof waiting>, now_us: number, isStale: boolean}} Shown
 */

/** @param {{boot: import('../boot.js').Boot}} props */
export default function LinePage({ boot }) {
  /** @type {{sections: Section[], now: LineNow}} */
  const page = boot.data;
  /** @type {LineNow} */
  const now = useTopic('line', page.now, 2);
  const tiles = useMemo(() => new Map(now.tiles.map((tile) => [tile.station, tile])), [now]);
  const buffers = useMemo(() => waiting(now.buffers), [now]);
  // Read here and not in each column: what is drawn anew by itself keeps what it drew before, a second page of elements.
  const shown = { tiles, buffers, now_us: time_us.value, isStale: state.value === 'lost' };
  return html`<${PageHead} title=${boot.title} aside=${html`<${Summary} tiles=${[...tiles.values()]} />`}>
      <button type="button" class="button" onClick=${toggleKiosk}>${t('line.kiosk')}</button>
    <//>
    <div class="line">
      ${page.sections.map((section) => html`<${Area} key=${section.area} section=${section} shown=${shown} />`)}
    </div>`;
}

/** What waits before each operation, whatever its product. @param {Buffer[]} buffers */
function waiting(buffers) {
  /** @type {Map<string, {count: number, since_us: number | null}>} */
  const found = new Map();
  for (const { operation, waiting_count, oldest_since_us } of buffers) {
    const known = found.get(operation);
    const since_us = Math.min(known?.since_us ?? Infinity, oldest_since_us ?? Infinity);
    const count = (known?.count ?? 0) + waiting_count;
    found.set(operation, { count, since_us: Number.isFinite(since_us) ? since_us : null });
  }
  return found;
}

/** How many stations are in which state. @param {{tiles: Tile[]}} props */
function Summary({ tiles }) {
  const states = ['running', 'idle', 'starved', 'setup', 'offline'];
  const counts = states.map((each) => [each, tiles.filter((tile) => tile.state === each).length]);
  return html`<ul class="line-summary">
    ${counts.map(([each, count]) => html`<li key=${each}>${word('machine', String(each))} <b>${number(Number(count))}</b></li>`)}
  </ul>`;
}

/** @param {{section: Section, shown: Shown}} props */
function Area({ section, shown }) {
  return html`<section class="line-area" aria-label=${word('area', section.area)}>
    <h2 class="line-area-name"><a href=${pageOf('line', section.area)}>${word('area', section.area)}</a></h2>
    <ol class="line-steps">
      ${section.steps
        .filter(({ stations, operation }) => stations.length > 0 || shown.buffers.has(operation))
        .map((step) => html`<${StepColumn} key=${step.operation || step.stations[0]} step=${step} ...${shown} />`)}
    </ol>
  </section>`;
}

/** @param {{step: Step} & Shown} props */
function StepColumn({ step, tiles, buffers, now_us, isStale }) {
  const buffer = step.product ? buffers.get(step.operation) : undefined;
  return html`<li class="line-step" data-operation=${step.operation}>
    <header class="line-step-head">
      <span class="line-step-name">${step.operation ? operation(step.operation, step.name) : t('line.handling')}</span>
      ${buffer &&
      html`<span class="line-buffer" title=${bufferTitle(buffer, now_us)} data-waits=${buffer.count > 0}>
        <${Icon} name="chevron-right" /><b>${number(buffer.count)}</b>
        <span class="visually-hidden">${bufferTitle(buffer, now_us)}</span>
      </span>`}
    </header>
    ${step.stations.map((code) => {
      const tile = tiles.get(code);
      return tile && html`<${StationTile} key=${code} ...${tileProps(tile, now_us, isStale)} />`;
    })}
  </li>`;
}

/** @param {{count: number, since_us: number | null}} buffer @param {number} now_us */
function bufferTitle({ count, since_us }, now_us) {
  const oldest = since_us === null ? '' : ` ${t('line.oldest', { age: age(now_us - since_us) })}`;
  return t('tile.waiting', { n: count }) + oldest;
}
