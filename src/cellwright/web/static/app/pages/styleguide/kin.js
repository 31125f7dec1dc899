/** What shows kinship, in its states: the tree, the flow and the map of a web, with nothing, one and many. */
import { html, useState } from '../../../vendor/preact.js';
import { HeatMap } from '../../charts/heat_map.js';
import { domainOf } from '../../charts/heat_scale.js';
import { Sankey } from '../../charts/sankey.js';
import { KinTree } from '../../components/kin_tree.js';
import { NarrowForm } from '../../components/narrow_form.js';
import { Card } from '../../components/page_head.js';
import { quantity, t } from '../../i18n.js';
import { characteristic } from '../../objects.js';
import { Legend } from '../roll_map/legend.js';
import { wave } from './plant.js';

const PACK = '0CWPP8A1300001B71000003';
const PREFIX = '0CWPB8A1300001B710000';
const NOW_US = 1_772_373_909_000_000;

/** @param {number} number */
const cell = (number) => ({
  code: `${PREFIX}${number}`,
  is_unit: true,
  kind: 'cell',
  status: number === 43 ? 'scrapped' : 'assembled',
  held: number === 44,
  basis: 'exact',
  place: `slot ${number - 40}`,
  stretches: [],
  stretches_count: 0,
  has_steps: true,
});

/** @param {string} code @param {string} kind @param {Record<string, unknown>} stretch */
const lot = (code, kind, stretch, count = 1) => ({
  code,
  is_unit: false,
  kind,
  status: 'open',
  basis: 'interval',
  place: 'cathode',
  stretches: [{ start: 412_000, end: 418_600, tolerance: 400, lane: 0, ...stretch }],
  stretches_count: count,
  stretch_measure: 'mm',
  has_steps: true,
});

/** @param {string} name @param {boolean} is_unit @param {number} nodes_count @param {any[]} nodes */
const level = (name, is_unit, nodes_count, nodes, basis = 'exact') => ({ level: name, is_unit, nodes_count, basis, nodes });

const CORRECTED = { number: 3, reason: 'R-2107 was scanned, R-2108 was mounted', corrected_us: NOW_US, corrected_by: 'B-17', second_person: 'B-18' };

const LEVELS = [
  level('pack', true, 1, [{ ...cell(41), code: PACK, kind: 'pack', status: 'shipped', place: '' }]),
  level('cell', true, 320, [41, 42, 43, 44].map(cell)),
  level('cathode_reel', false, 2, [lot('R-2107', 'cathode_reel', { lane: 2 }, 3), { ...lot('R-2108', 'cathode_reel', { basis: 'lot' }), corrected: CORRECTED }], 'interval'),
  level('module', true, 16, []),
  level('cathode_slurry', false, 4, []),
  level('electrolyte', false, 0, []),
];

/** Branches as reading leaves them: being read, failed, and with nothing in them. */
const READ = {
  module: { nodes: [], total: 16, isLoading: true },
  cathode_slurry: { nodes: [], total: 4, hasFailed: true },
  electrolyte: { nodes: [], total: 0 },
};

/** @param {string} name @param {string} code @param {number} column @param {number} amount */
const node = (name, code, column, amount, nodes_count = 1) => ({ level: name, code, nodes_count, amount, column });

const FLOW = {
  counted: 'cell',
  total: 320,
  nodes: [
    node('lfp_powder', 'POWDER-LFP-2026-03-0000000000000017', 0, 320),
    node('cathode_slurry', 'S-0311', 1, 200),
    node('cathode_slurry', '', 1, 120, 7),
    node('cathode_reel', 'R-2107', 2, 180),
    node('cathode_reel', 'R-2108', 2, 140),
    node('cell', '', 3, 320, 320),
    node('pack', PACK, 4, 240),
    node('pack', '', 4, 80, 5),
  ],
  bands: [[0, 1, 200], [0, 2, 120], [1, 3, 180], [1, 4, 20], [2, 4, 120], [3, 5, 180], [4, 5, 140], [5, 6, 240], [5, 7, 80]].map(([source = 0, target = 0, amount = 0]) => ({ source, target, amount })),
};
const ONE_FLOW = { counted: 'mg', total: 12_400_000, nodes: [node('lfp_powder', 'P-17', 0, 12_400_000), node('cathode_slurry', 'S-0311', 1, 12_400_000)], bands: [{ source: 0, target: 1, amount: 12_400_000 }] };
const NO_FLOW = { counted: 'cell', total: 0, nodes: [], bands: [] };

const LENGTH_MM = 60_000;
const LIMITS = { lower: 196, target: 200, upper: 204 };

/** @param {number} lane */
function bins(lane) {
  const values = wave(120, 199 + lane / 2, 3.2).map((value, index) => (index % 41 > 37 ? null : value + (lane === 3 && index > 80 && index < 96 ? 4 : 0)));
  const starts = values.map((_, index) => (index * LENGTH_MM) / 120);
  return { starts, ends: starts.map((at) => at + LENGTH_MM / 120), values, lower: values, upper: values };
}

/** @param {{rows: any[], runs?: any[], flaws?: any[], brush?: any}} props */
function Web({ rows, runs = [], flaws = [], brush = null }) {
  const [shown, setShown] = useState(brush);
  const [read, setRead] = useState('');
  const domain = domainOf(LIMITS, rows.flatMap((row) => row.bins?.values ?? []));
  const picture = { rows, runs, flaws, start: 0, end: LENGTH_MM, limits: LIMITS, domain };
  const [low, high] = [domain.least, domain.most].map((each) => quantity(each, 'gsm', { digits: 1 }));
  const hasValues = rows.some((row) => row.bins);
  return html`<figure class="chart">
    <div class="chart-head"><figcaption class="chart-title">${hasValues ? characteristic('areal_weight_gsm') : t('roll_map.nothing')}</figcaption><span class="chart-read" aria-hidden="true">${read}</span></div>
    <${HeatMap} picture=${picture} brush=${shown} unit="gsm" digits=${1} label=${hasValues ? t('roll_map.sentence_values', { name: characteristic('areal_weight_gsm'), low, high }) : t('roll_map.nothing')} onBrush=${setShown} onZoom=${() => undefined} onRead=${setRead} />
    <${Legend} picture=${picture} unit="gsm" digits=${1} hasValues=${hasValues} />
  </figure>`;
}

const RUNS = [0, 1, 2].map((index) => ({ lane: index + 1, start: 4_000 + index * 9_000, end: 34_000 + index * 9_000, units_count: 34 - index * 8 }));
const FLAWS = [
  { lane: 2, start: 12_000, end: 13_500, letter: 'A', defect: 'missing_coat' },
  { lane: 3, start: 40_000, end: 48_000, letter: 'B', defect: 'coating_streak' },
];

/** @param {{theme: string}} props */
export function Kin({ theme }) {
  const label = `${t('kin.title')} ${t(`styleguide.${theme}`)}`;
  return html`<div class="stack">
    <${NarrowForm} measure="mm" quantity=${LENGTH_MM} start=${1500} end=${null} lane=${2} lanes=${[1, 2, 3]} time_us=${NOW_US} />
    <${Card} flush title=${t('kin.title')}><${KinTree} subject=${PACK} query="direction=backward" levels=${LEVELS} branches=${READ} label=${label} /><//>
    <${Sankey} flow=${FLOW} subject=${PACK} />
    <${Sankey} flow=${ONE_FLOW} subject="S-0311" />
    <${Sankey} flow=${NO_FLOW} subject="S-0312" />
    <${Web} rows=${[1, 2, 3].map((lane) => ({ lane, bins: bins(lane) }))} runs=${RUNS} flaws=${FLAWS} brush=${{ start: 30_000, end: 42_000, lane: 3 }} />
    <${Web} rows=${[{ lane: 0, bins: bins(1) }]} />
    <${Web} rows=${[{ lane: 0, bins: null }]} />
  </div>`;
}
