import { html } from '../../../vendor/preact.js';
import { AlarmIcon } from '../../components/alarm_icon.js';
import { Facet } from '../../components/facets.js';
import { Genealogy } from '../../components/genealogy.js';
import { KpiStrip } from '../../components/kpi_strip.js';
import { Breadcrumb, Card, KeyValue } from '../../components/page_head.js';
import { Buffer, StateWord, StationTile } from '../../components/station_tile.js';
import { TimeRange } from '../../components/time_range.js';
import { Timeline } from '../../components/timeline.js';
import { AmountBar, ValueBar } from '../../components/value_bar.js';
import { CheckTable, NextAction, Verdict, VerdictChip } from '../../components/verdict.js';
import { VirtualTable } from '../../components/virtual_table.js';
import { quantity, t } from '../../i18n.js';

const NOW_US = 1_772_373_909_000_000;
const UNIT = '0CWPB8A1300001B71000042';

/** The same curve each time: screenshots are compared. @param {number} count @param {number} base @param {number} spread */
export const wave = (count, base, spread) =>
  Array.from({ length: count }, (_, index) => base + spread * (Math.sin(index * 0.7) * 0.6 + Math.sin(index * 2.3 + 1) * 0.4));

/** @returns {import('../../components/station_tile.js').Station[]} */
const stations = () => [
  { code: 'WND-01', name: t('styleguide.winding'), state: 'running', state_age_us: 9_120e6, unit: UNIT, cycle_s: 5.2, cycle_target_s: 5, cycles_s: wave(24, 5.1, 0.4), good_count: 12_408, bad_count: 31 },
  { code: 'WND-02', name: t('styleguide.winding'), state: 'running', state_age_us: 310e6, unit: UNIT, cycle_s: 4.9, cycle_target_s: 5, cycles_s: wave(24, 5, 0.3), good_count: 11_940, bad_count: 27, refusal: { text: t('styleguide.refused'), age_us: 62e6 } },
  { code: 'FIL-01', name: t('styleguide.filling'), state: 'starved', state_age_us: 48e6, waits_for: t('styleguide.waits'), cycle_s: 8.4, cycle_target_s: 8, cycles_s: wave(24, 8.2, 0.6), good_count: 9_310, bad_count: 12 },
  { code: 'FRM-03', name: t('styleguide.formation'), state: 'blocked', state_age_us: 125e6, unit: UNIT, cycle_s: 31.5, cycle_target_s: 30, cycles_s: wave(24, 31, 1), good_count: 8_122, bad_count: 4 },
  { code: 'WLD-01', name: t('styleguide.welding'), state: 'down', state_age_us: 754e6, priority: 1, unit: UNIT, good_count: 2_204, bad_count: 9, refusal: { text: t('styleguide.missing'), age_us: 754e6 } },
  { code: 'CTA-01', name: t('styleguide.coating'), state: 'setup', state_age_us: 1_860e6, waits_for: t('styleguide.waits_long'), cycle_s: null, good_count: 18, bad_count: 0 },
  { code: 'GRD-02', name: t('styleguide.grading'), state: 'idle', state_age_us: 22e6, cycle_s: 12.1, cycle_target_s: 12, cycles_s: wave(24, 12, 0.5), good_count: 7_750, bad_count: 61 },
  { code: 'EOL-01', name: t('styleguide.eol'), state: 'manual', state_age_us: 640e6, priority: 3, unit: UNIT, cycle_s: 95, cycle_target_s: 90, cycles_s: wave(24, 92, 3), good_count: 204, bad_count: 2 },
  { code: 'AGE-01', name: t('styleguide.ageing'), state: 'offline', state_age_us: 5_400e6, is_stale: true, good_count: null, bad_count: null },
];

export function Stations() {
  const items = [
    { key: 'output', label: t('styleguide.output'), value: 1204, note: t('styleguide.target_of', { plan: 1250 }), trend: wave(24, 50, 6) },
    { key: 'fpy', label: t('styleguide.fpy'), value: 0.982, unit: 'ratio', note: t('format.rate_bound', { share: '', n: 412, bound: '96.4 %' }).trim() },
    { key: 'packs', label: t('styleguide.packs'), value: 18, href: '/styleguide' },
    { key: 'loss', label: t('styleguide.loss'), value: 'AGE-01', note: t('styleguide.loss_note') },
    { key: 'unknown', label: t('styleguide.capacity'), value: null, unit: 'ah' },
  ];
  return html`<div class="stack">
    <${KpiStrip} items=${items} />
    <div class="tiles">${stations().map((station) => html`<${StationTile} key=${station.code} ...${station} />`)}</div>
    <div class="flow">
      <${StationTile} ...${stations()[0]} /><${Buffer} name="B1" count=${14} capacity=${40} /><${StationTile} ...${stations()[2]} />
      <${Buffer} name="B2" count=${40} capacity=${40} />
    </div>
  </div>`;
}

const OCV = { lower: 3.2, target: 3.215, upper: 3.23 };

export function Values() {
  return html`<div class="stack">
    <div class="values">
      <span>${t('styleguide.ocv')}</span><span class="num">${quantity(3.2145, 'v', { digits: 3 })}</span><${ValueBar} value=${3.2145} unit="v" ...${OCV} />
      <span>${t('styleguide.ocv')}</span><span class="num">${quantity(3.241, 'v', { digits: 3 })}</span><${ValueBar} value=${3.241} unit="v" ...${OCV} />
      <span>${t('styleguide.resistance')}</span><span class="num">${quantity(0.42, 'mohm')}</span><${ValueBar} value=${0.42} unit="mohm" upper=${0.5} />
      <span>${t('styleguide.capacity')}</span><span class="num">${quantity(6.1, 'ah')}</span><${ValueBar} value=${6.1} unit="ah" lower=${5.8} />
      <span>${t('styleguide.thickness')}</span><span class="num">${quantity(null)}</span><${ValueBar} value=${null} unit="um" lower=${80} upper=${90} />
      <span>${t('styleguide.remaining')}</span><span class="num">${quantity(412_000, 'mm')}</span><${AmountBar} value=${412_000} full=${1_500_000} low=${150_000} unit="mm" />
    </div>
    <p class="row">${[1, 2, 3, 4].map((priority) => html`<span class="row" key=${priority}><${AlarmIcon} priority=${priority} /><${AlarmIcon} priority=${priority} size=${24} /></span>`)}</p>
    <p class="row">${['running', 'idle', 'starved', 'blocked', 'setup', 'down', 'offline', 'manual'].map((state) => html`<${StateWord} key=${state} state=${state} />`)}</p>
  </div>`;
}

const checks = () => [
  { key: 'ocv', name: t('styleguide.ocv'), value: 3.2145, unit: 'v', digits: 3, ...OCV },
  { key: 'ir', name: t('styleguide.resistance'), value: 0.42, unit: 'mohm', digits: 2, upper: 0.5 },
  { key: 'leak', name: t('styleguide.leak'), value: 1.2, unit: 'pa', digits: 1, upper: 0.5 },
  { key: 'cap', name: t('styleguide.capacity'), value: 6.18, unit: 'ah', digits: 2, lower: 5.8, target: 6.1 },
  { key: 'thick', name: t('styleguide.thickness'), value: null, unit: 'um', lower: 80, upper: 90 },
];

export function Verdicts() {
  return html`<div class="stack">
    <${Verdict} verdict="pass" />
    <${Verdict} verdict="fail" reason=${t('styleguide.fail_reason')} />
    <${Verdict} verdict="open" reason=${t('styleguide.waits')} />
    <${NextAction} text=${t('styleguide.mount')} detail=${t('styleguide.mount_detail')} onNext=${() => undefined} />
    <${NextAction} text=${t('styleguide.mount')} missing=${[t('styleguide.missing'), t('styleguide.refused')]} onNext=${() => undefined} />
    <p class="row">${['pass', 'fail', 'hold', 'open'].map((verdict) => html`<${VerdictChip} key=${verdict} verdict=${verdict} />`)}</p>
    <${CheckTable} checks=${checks()} caption=${t('styleguide.small')} />
  </div>`;
}

const ROWS = Array.from({ length: 5_000 }, (_, index) => ({
  code: `0CWPB8A1300001B7${String(index + 1).padStart(7, '0')}`,
  station: ['WND-01', 'FIL-01', 'FRM-03', 'GRD-02'][index % 4],
  verdict: index % 37 === 5 ? 'fail' : index % 53 === 7 ? 'hold' : 'pass',
  capacity: index % 41 === 3 ? null : 6 + Math.sin(index) * 0.2,
  state_age_us: (index % 900) * 1e6,
  time_us: NOW_US - index * 5_200_000,
}));

const columns = () => [
  { key: 'code', label: t('styleguide.unit'), kind: 'code', href: () => '/styleguide' },
  { key: 'station', label: t('styleguide.station'), kind: 'code' },
  { key: 'verdict', label: t('check.verdict'), kind: 'verdict' },
  { key: 'capacity', label: t('styleguide.capacity'), kind: 'number', unit: 'ah', digits: 3 },
  { key: 'state_age_us', label: t('styleguide.age'), kind: 'age', isHidden: true },
  { key: 'time_us', label: t('styleguide.made'), kind: 'time' },
];

/** @param {{theme: string}} props */
export function Tables({ theme }) {
  return html`<div class="stack styleguide-tables">
    <${Card} title=${t('styleguide.large')} flush>
      <${VirtualTable} caption="${t('styleguide.large')} ${t(`styleguide.${theme}`)}" columns=${columns()} rows=${ROWS} rowKey="code" exportPath="/styleguide" hrefOf=${() => '/styleguide'} />
    <//>
    <${VirtualTable} caption=${t('styleguide.units')} columns=${columns()} rows=${[]} empty=${t('styleguide.empty_title')} hasTools=${false} />
  </div>`;
}

export function Choosing() {
  const values = [
    { value: 'cell', label: t('styleguide.cell'), count: 12_408 },
    { value: 'module', label: t('styleguide.module'), count: 288 },
    { value: 'pack', label: t('styleguide.pack'), count: 18 },
  ];
  return html`<div class="stack">
    <${Breadcrumb} steps=${[{ label: t('styleguide.pack'), href: '/styleguide' }, { label: t('styleguide.module'), href: '/styleguide?m' }]} />
    <div class="facets"><${Facet} name="product" label=${t('styleguide.unit')} values=${values} chosen="module" /></div>
    <div class="row"><${TimeRange} from="-8h" /><span class="tag">A</span><span class="tag">${t('styleguide.urgent')}</span></div>
  </div>`;
}

export function Objects() {
  const up = [
    { kind: t('styleguide.cell'), code: UNIT, href: '/styleguide', count: 16, note: 'A · 6.08 – 6.21 Ah' },
    { kind: t('styleguide.anode_roll'), code: 'R-2107', href: '/styleguide', note: '412.0 – 418.6 m ± 0.4 m' },
    { kind: t('styleguide.electrolyte'), code: 'EL-0042', href: '/styleguide', note: quantity(1_204_000, 'mg') },
  ];
  const down = [{ kind: t('styleguide.pack'), code: '0CWPP8A1300001B71000003', href: '/styleguide', count: 1 }];
  const events = [
    { key: 1, time_us: NOW_US, kind: 'held', text: t('styleguide.held'), note: t('styleguide.fail_reason'), aside: 'chen.wei' },
    { key: 2, time_us: NOW_US - 61e6, kind: 'failed', text: t('styleguide.failed'), note: '1.2 Pa', aside: html`<span class="code">EOL-01</span>` },
    { key: 3, time_us: NOW_US - 320e6, kind: 'refused', text: t('styleguide.refused'), aside: html`<span class="code">FIL-01</span>` },
    { key: 4, time_us: NOW_US - 90_000e6, kind: 'done', text: t('styleguide.checked_out'), aside: html`<span class="code">WND-01</span>` },
    { key: 5, time_us: NOW_US - 90_005e6, kind: 'moved', text: t('styleguide.checked_in', { station: 'WND-01' }), aside: html`<span class="code">WND-01</span>` },
  ];
  return html`<div class="stack">
    <${Genealogy} kind=${t('styleguide.module')} code="0CWPM8A1300001B71000012" up=${up} down=${down} />
    <${Genealogy} kind=${t('styleguide.cathode_roll')} code="R-2108" up=${[]} down=${[]} />
    <div class="grid">
      <div class="span-6"><${Card} title=${t('styleguide.history')}><${Timeline} events=${events} /><//></div>
      <div class="span-6"><${Card} title=${t('styleguide.unit')}>
        <${KeyValue} items=${[
          { label: t('styleguide.unit'), value: html`<span class="code">${UNIT}</span>` },
          { label: t('styleguide.state'), value: html`<${StateWord} state="running" />` },
          { label: t('styleguide.grade'), value: html`<span class="tag">A</span>` },
          { label: t('styleguide.order'), value: html`<a href="/styleguide">4711</a>` },
          { label: t('styleguide.weight'), value: quantity(null) },
        ]} />
      <//></div>
    </div>
  </div>`;
}
