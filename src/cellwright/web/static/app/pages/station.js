/** A station: what it waits for, what it does, what is mounted, what it runs, and why it was refused. */
import { html, useEffect, useState } from '../../vendor/preact.js';
import { Card, KeyValue, PageHead } from '../components/page_head.js';
import { EmptyState } from '../components/states.js';
import { StateWord } from '../components/station_tile.js';
import { AmountBar, limitsText } from '../components/value_bar.js';
import { VerdictChip } from '../components/verdict.js';
import { VirtualTable } from '../components/virtual_table.js';
import { KpiStrip } from '../components/kpi_strip.js';
import { age, dateTime, duration, number, quantity, t, word } from '../i18n.js';
import { time_us, useTopic } from '../live.js';
import { defect, nameWord } from '../names.js';
import { pageOf } from '../objects.js';
import { waitsFor } from './tile_props.js';

/** @typedef {{code: string, text: string, evidence: Record<string, unknown>}} Reason */
/** @typedef {{position: number, time_us: number, station: string, command: string, codes: string[], reasons: Reason[], actor: string}} Refusal */
/** @typedef {{station: string, position: string, lot: string, material: string, measure: string, remaining: number, reserved: number}} Loaded */

/** @param {{boot: import('../boot.js').Boot}} props */
export default function StationPage({ boot }) {
  const page = boot.data;
  const now = useTopic(`station/${page.station.code}`, page.now, 2);
  const steps = [{ label: t('page.line'), href: '/line' }];
  return html`<${PageHead} title=${nameWord(page.station.name)} code=${page.station.code} steps=${steps} aside=${html`<${StateWord} state=${now.tile.state} />`}>
      <a class="button" href=${pageOf('work', page.station.code)}>${t('line_work.open_work')}</a>
    <//>
    <${KpiStrip} items=${figures(now.tile)} />
    <div class="grid">
      <div class="span-6 stack">
        <${Running} now=${now} />
        <${Materials} needs=${page.needs} loaded=${now.loaded} />
        <${LastUnits} units=${now.last_units} />
      </div>
      <div class="span-6 stack">
        <${Samples} station=${page.station.code} samples=${now.samples} />
        <${Refusals} refusals=${now.refusals} code=${page.station.code} />
        <${Recipes} recipes=${page.recipes} />
        <${About} page=${page} now=${now} />
      </div>
    </div>`;
}

/** @param {import('./tile_props.js').Tile} tile */
function figures(tile) {
  const tried = tile.ok_count + tile.ng_count;
  return [
    { key: 'state', label: t('station.state_for'), value: tile.since_us === null ? null : age(time_us.value - tile.since_us) },
    { key: 'process', label: t('station.in_process'), value: tile.running_count, note: t('station.capacity', { capacity: tile.capacity_count }) },
    { key: 'waiting', label: t('station.waiting'), value: tile.waiting_count === null ? t('station.not_counted') : tile.waiting_count },
    { key: 'cycle', label: t('tile.cycle'), value: tile.last_cycle_s === null ? null : duration(tile.last_cycle_s * 1e6), note: tile.median_cycle_s === null ? '' : t('station.median', { cycle: duration(tile.median_cycle_s * 1e6), n: tile.cycles_count }) },
    { key: 'good', label: t('tile.good'), value: tile.ok_count, note: t('station.of_reported', { n: tried }) },
    { key: 'bad', label: t('tile.bad'), value: tile.ng_count, note: t('station.of_reported', { n: tried }) },
    { key: 'refused', label: t('station.refused'), value: tile.refused_count },
  ];
}

/** Brought along only where samples are taken. @param {{station: string, samples: {plans: any[]}}} props */
function Samples({ station, samples }) {
  const [Shown, setShown] = useState(/** @type {any} */ (null));
  const isPlanned = samples.plans.length > 0;
  useEffect(() => {
    if (isPlanned) import('../components/station_samples.js').then((module) => setShown(() => module.default));
  }, [isPlanned]);
  return Shown && html`<${Shown} station=${station} samples=${samples} />`;
}

/** @param {{now: any}} props */
function Running({ now }) {
  const running = now.running;
  if (running.length === 0) return html`<${Card} title=${t('station.now')}><${EmptyState} title=${waitsFor(now.tile)} text=${now.tile.refusal?.is_last ? now.tile.refusal.text : ''} /><//>`;
  const columns = [
    { key: 'code', label: t('station.unit'), kind: 'code', href: (/** @type {any} */ row) => row.href },
    { key: 'units_count', label: t('station.units'), kind: 'number' },
    { key: 'operation', label: t('overview.operation') },
    { key: 'since_us', label: t('station.since'), render: (/** @type {any} */ row) => html`<span title=${dateTime(row.since_us)}>${age(time_us.value - row.since_us)}</span>` },
    { key: 'person', label: t('station.person'), kind: 'code' },
  ];
  const table = running.map((/** @type {any} */ page) => ({ ...page, person: page.person || '–', ...named(page) }));
  return html`<${Card} title=${t('station.now')} flush><${VirtualTable} caption=${t('station.now')} columns=${columns} rows=${table} hasTools=${false} /><//>`;
}

/** @param {{carrier: string, unit: string, lots: string[]}} page */
function named({ carrier, unit, lots }) {
  if (carrier) return { code: carrier, href: pageOf('carrier', carrier) };
  if (unit) return { code: unit, href: pageOf('unit', unit) };
  return { code: lots.join(', '), href: lots[0] ? pageOf('lot', lots[0]) : null };
}

/** @param {{needs: any[], loaded: Loaded[]}} props */
function Materials({ needs, loaded }) {
  const mounted = new Map(loaded.map((each) => [each.position, each]));
  if (needs.length === 0) return null;
  return html`<${Card} title=${t('station.materials')} note=${t('station.materials_note')} flush>
    <div class="table-scroll"><table class="table">
      <thead><tr><th scope="col">${t('station.position')}</th><th scope="col">${t('station.material')}</th><th scope="col">${t('station.lot')}</th><th scope="col" class="num">${t('station.remaining')}</th><th scope="col" class="station-bar"><span class="visually-hidden">${t('station.remaining')}</span></th></tr></thead>
      <tbody>${needs.map((need) => html`<${Mounted} key=${need.operation + need.position} need=${need} lot=${mounted.get(need.position)} />`)}</tbody>
    </table></div>
  <//>`;
}

/** @param {{need: any, lot: Loaded | undefined}} props */
function Mounted({ need, lot }) {
  const empty = need.is_optional ? t('station.optional_empty') : t('station.empty');
  return html`<tr>
    <th scope="row"><span class="code">${need.position}</span></th>
    <td>${need.material_name}</td>
    <td>${lot ? html`<a class="code" href=${pageOf('lot', lot.lot)}>${lot.lot}</a>` : html`<span class=${need.is_optional ? 'muted' : 'station-missing'}>${empty}</span>`}</td>
    <td class="num">${lot ? quantity(lot.remaining, lot.measure) : ''}</td>
    <td>${lot && html`<${AmountBar} value=${lot.remaining - lot.reserved} full=${Math.max(lot.remaining, need.quantity)} unit=${lot.measure} label=${need.position} />`}</td>
  </tr>`;
}

/** @param {{units: {code: string, is_good: boolean, defect: string, time_us: number}[]}} props */
function LastUnits({ units }) {
  const columns = [
    { key: 'code', label: t('station.unit'), kind: 'code', href: (/** @type {any} */ row) => `/s/${encodeURIComponent(row.code)}` },
    { key: 'verdict', label: t('check.verdict'), render: (/** @type {any} */ row) => html`<${VerdictChip} verdict=${row.is_good ? 'pass' : 'fail'} />` },
    { key: 'defect', label: t('station.defect'), render: (/** @type {any} */ row) => row.defect && defect(row.defect) },
    { key: 'time_us', label: t('station.when'), kind: 'time' },
  ];
  const table = units.map((unit) => ({ ...unit, verdict: unit.is_good ? 'pass' : 'fail' }));
  return html`<${Card} title=${t('station.last_units')} note=${t('station.last_units_note')} flush><${VirtualTable} caption=${t('station.last_units')} columns=${columns} rows=${table} hasTools=${false} empty=${t('station.last_units_none')} /><//>`;
}

/** @param {{refusals: Refusal[], code: string}} props */
function Refusals({ refusals, code }) {
  const more = html`<a href=${`/refusals?station=${encodeURIComponent(code)}`}>${t('station.refusals_all')}</a>`;
  return html`<${Card} title=${t('station.refusals')} actions=${more}>
    ${refusals.length === 0 && html`<${EmptyState} title=${t('tile.no_refusal')} />`}
    <ol class="refusals">
      ${refusals.slice(0, 6).map(
        (refusal) => html`<li key=${refusal.position}>
          <p class="refusal-head"><time>${dateTime(refusal.time_us)}</time> ${word('command', refusal.command)}</p>
          <ul>${refusal.reasons.map((reason, index) => html`<li key=${index}><b>${word('refusal', reason.code)}</b> <span>${reason.text}</span></li>`)}</ul>
        </li>`,
      )}
    </ol>
  <//>`;
}

/** @param {{recipes: any[]}} props */
function Recipes({ recipes }) {
  if (recipes.length === 0) return null;
  return recipes.map(
    (recipe) => html`<${Card} key=${recipe.operation} title=${t('station.recipe', { code: recipe.code, revision: recipe.revision })} note=${recipe.is_released ? t('station.recipe_released') : t('station.recipe_unreleased')}>
      <${KeyValue} items=${Object.entries(recipe.parameters).map(([name, value]) => ({ label: name, value: number(Number(value)) }))} />
      <p class="station-digest" title=${recipe.digest}>${t('station.digest')} <span class="code">${recipe.digest.slice(0, 16)}…</span></p>
      <p class="muted">${t('station.readback')}</p>
    <//>`,
  );
}

/** @param {{page: any, now: any}} props */
function About({ page, now }) {
  const machine = now.machine ? (now.machine.is_heard ? now.machine.state || t('common.unknown') : t('machine.offline')) : t('station.no_machine');
  const needsCalibration = page.works.some((/** @type {any} */ work) => work.is_calibrated);
  const calibrated = page.calibrated_until_us === null ? t('station.calibration_none') : dateTime(page.calibrated_until_us);
  const items = [
    { label: t('station.work_center'), value: nameWord(page.work_center_name) },
    { label: t('station.area'), value: word('area', page.area) },
    { label: t('station.machine'), value: machine },
    ...(now.machine?.fault ? [{ label: t('station.fault'), value: now.machine.fault }] : []),
    ...(needsCalibration ? [{ label: t('station.calibrated_until'), value: calibrated }] : []),
    ...page.tools.map((/** @type {any} */ tool) => ({ label: t('station.tool', { tool: tool.tool }), value: t('station.tool_life', { used: tool.used_count, life: tool.life_count }) })),
    ...page.works.flatMap((/** @type {any} */ work) =>
      work.characteristics.map((/** @type {any} */ each) => ({ key: work.operation + each.code, label: each.code, value: limitsText(each, each.unit) })),
    ),
  ];
  return html`<${Card} title=${t('station.about')}><${KeyValue} items=${items} /><//>`;
}
