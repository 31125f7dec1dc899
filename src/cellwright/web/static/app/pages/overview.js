/** The overview: output, yield with its n and bound, the largest loss, and how old all this is. */
import { html } from '../../vendor/preact.js';
import { HourBars } from '../charts/hour_bars.js';
import { Pareto } from '../charts/pareto.js';
import { EmptyState } from '../components/states.js';
import { KpiStrip } from '../components/kpi_strip.js';
import { Card, PageHead } from '../components/page_head.js';
import { VirtualTable } from '../components/virtual_table.js';
import { age, number, quantity, rate, t, word } from '../i18n.js';
import { time_us, useTopic } from '../live.js';
import { operation as operationWord, term } from '../objects.js';

/**
 * @typedef {{kind: string, started_count: number, finished_count: number, scrapped_count: number, in_process_count: number}} Output
 * @typedef {{operation: string, first_count: number, first_good_count: number, first_pass_ratio: number | null,
 *   low_ratio: number | null, high_ratio: number | null, done_count: number, good_count: number}} FirstPass
 * @typedef {{product: string, rolled_ratio: number | null, operations_count: number, first_count_min: number}} Rolled
 * @typedef {{defect: string, lost_count: number, share_ratio: number}} Defect
 * @typedef {{operation: string, lost_count: number, share_ratio: number, defects: Defect[]}} Loss
 */

/** @param {{boot: import('../boot.js').Boot}} props */
export default function OverviewPage({ boot }) {
  const now = useTopic('overview', boot.data.now, 1);
  /** @type {Map<string, string>} */
  const names = new Map(boot.data.operations.map((/** @type {any} */ each) => [each.operation, operationWord(each.operation, each.name)]));
  const losses = /** @type {Loss[]} */ (now.losses).toSorted((a, b) => b.lost_count - a.lost_count);
  return html`<${PageHead} title=${boot.title} />
    <${KpiStrip} items=${figures(now, losses, names)} />
    <div class="grid">
      <div class="span-8"><${Card} title=${t('overview.output')} note=${t('overview.output_note')}>
        <${HourBars} hours=${now.hours} kinds=${['cell', 'module', 'pack']} />
      <//></div>
      <div class="span-4"><${Card} title=${t('overview.alarms')}>
        <${EmptyState} title=${t('overview.alarms_none')} text=${t('overview.alarms_text')} />
      <//></div>
      <div class="span-7"><${Yields} firstPass=${now.first_pass} names=${names} /></div>
      <div class="span-5 stack">
        <${Losses} losses=${losses} names=${names} />
        <${Refusals} refusals=${now.refusals} />
      </div>
    </div>`;
}

/** @param {any} now @param {Loss[]} losses @param {Map<string, string>} names */
function figures(now, losses, names) {
  const outputs = new Map(/** @type {Output[]} */ (now.outputs).map((each) => [each.kind, each]));
  const made = ['pack', 'module', 'cell'].map((kind) => {
    const { finished_count = 0, in_process_count = 0, scrapped_count = 0 } = outputs.get(kind) ?? {};
    return {
      key: kind,
      label: t(`overview.made_${kind}`),
      value: finished_count,
      note: t('overview.made_note', { in_process: in_process_count, scrapped: scrapped_count }),
      href: `/units?kind=${kind}`,
    };
  });
  const rolled = /** @type {Rolled[]} */ (now.rolled).map(({ product, rolled_ratio, first_count_min, operations_count }) => ({
    key: `rolled-${product}`,
    label: t('overview.rolled', { product: term(product) }),
    value: rolled_ratio,
    unit: 'ratio',
    note: t('overview.rolled_note', { n: first_count_min, operations: operations_count }),
  }));
  const first = losses.find(({ lost_count }) => lost_count > 0);
  const loss = {
    key: 'loss',
    label: t('overview.loss'),
    value: first ? (names.get(first.operation) ?? first.operation) : t('overview.loss_none'),
    note: first ? t('overview.loss_note', { n: first.lost_count, share: quantity(first.share_ratio, 'ratio') }) : '',
  };
  const fresh = {
    key: 'age',
    label: t('overview.age'),
    value: now.last_fact_us ? age(time_us.value - now.last_fact_us) : null,
    note: t('overview.age_note', { n: now.facts_count }),
  };
  return [...made, ...rolled.slice(0, 1), loss, fresh];
}

/** @param {{firstPass: FirstPass[], names: Map<string, string>}} props */
function Yields({ firstPass, names }) {
  const order = [...names.keys()];
  const table = firstPass
    .toSorted((a, b) => order.indexOf(a.operation) - order.indexOf(b.operation))
    .map((each) => ({ ...each, name: names.get(each.operation) ?? each.operation, lost_count: each.first_count - each.first_good_count }));
  const columns = [
    { key: 'name', label: t('overview.operation') },
    { key: 'first_pass_ratio', label: t('overview.first_pass'), kind: 'ratio', render: (/** @type {FirstPass} */ row) => html`<span class="num">${rate({ ratio: row.first_pass_ratio, n: row.first_count, lower_ratio: row.low_ratio })}</span>` },
    { key: 'lost_count', label: t('overview.lost'), kind: 'number' },
    { key: 'done_count', label: t('overview.done'), kind: 'number' },
    { key: 'good_count', label: t('overview.good'), kind: 'number', isHidden: true },
  ];
  return html`<${Card} title=${t('overview.yields')} note=${t('overview.yields_note')} flush>
    <${VirtualTable} caption=${t('overview.yields')} columns=${columns} rows=${table} rowKey="operation" exportPath="/overview" settings="yields" empty=${t('overview.yields_none')} />
  <//>`;
}

/** @param {{losses: Loss[], names: Map<string, string>}} props */
function Losses({ losses, names }) {
  const causes = losses
    .filter(({ lost_count }) => lost_count > 0)
    .map(({ operation, lost_count }) => ({ key: operation, label: names.get(operation) ?? operation, count: lost_count }));
  const total = causes.reduce((sum, { count }) => sum + count, 0);
  return html`<${Card}><${Pareto} title=${t('overview.losses')} unit=${t('overview.losses_unit')} causes=${causes} total=${total} /><//>`;
}

/** @param {{refusals: Record<string, number>}} props */
function Refusals({ refusals }) {
  const found = Object.entries(refusals).toSorted(([, a], [, b]) => b - a);
  if (found.length === 0) return html`<${Card} title=${t('overview.refusals')}><${EmptyState} title=${t('overview.refusals_none')} /><//>`;
  return html`<${Card} title=${t('overview.refusals')} note=${t('overview.refusals_note')}>
    <ul class="tally">
      ${found.map(([code, count]) => html`<li key=${code}><a href=${`/refusals?code=${code}`}>${word('refusal', code)}</a><b class="num">${number(count)}</b></li>`)}
    </ul>
  <//>`;
}
