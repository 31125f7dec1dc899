/** What limits come to: the yield by grade, and which cells get another one. */
import { html } from '../../../vendor/preact.js';
import { Card } from '../../components/page_head.js';
import { EmptyState } from '../../components/states.js';
import { ExportMenu } from '../../components/table_tools.js';
import { VirtualTable } from '../../components/virtual_table.js';
import { number, quantity, t } from '../../i18n.js';
import { characteristic, pageOf } from '../../objects.js';

/** @param {string} grade */
const nameOf = (grade) => (grade ? t('grading.grade', { grade }) : t('grading.no_grade'));

/** @param {number | null} value */
const percent = (value) => quantity(value, 'ratio', { digits: 1 });

/** @param {{answer: any}} props */
export function Yields({ answer }) {
  const rows = answer.yields.map((/** @type {any} */ each) => ({ ...each, name: nameOf(each.grade), change: each.asked_count - each.count }));
  const columns = [
    { key: 'name', label: t('column.grade') },
    { key: 'recorded_count', label: t('grading.recorded'), kind: 'number' },
    { key: 'count', label: t('grading.by_force'), kind: 'number', render: (/** @type {any} */ row) => html`${number(row.count)} <span class="secondary nowrap">${percent(row.ratio)}</span>` },
    { key: 'asked_count', label: t('grading.by_asked'), kind: 'number', render: (/** @type {any} */ row) => html`<b>${number(row.asked_count)}</b> <span class="nowrap">${percent(row.asked_ratio)}</span> <span class="secondary nowrap">${t('grading.bound', { low: percent(row.asked_low_ratio), high: percent(row.asked_high_ratio) })}</span>` },
    { key: 'change', label: t('grading.change'), kind: 'number', render: (/** @type {any} */ row) => number(row.change, { is_signed: true }) },
  ];
  return html`<${Card} flush id="yields" title=${t('grading.yield')} note=${t('grading.yield_note', { n: answer.cells_count })}>
    <${VirtualTable} caption=${t('grading.yield')} columns=${columns} rows=${rows} rowKey="grade" hasTools=${false} />
  <//>`;
}

/** @param {{answer: any}} props */
export function Moved({ answer }) {
  const moved = answer.moves.filter((/** @type {any} */ each) => each.was !== each.now);
  if (moved.length === 0) return html`<${EmptyState} title=${t('grading.nobody_moves')} text=${t('grading.nobody_moves_text')} />`;
  const flows = moved.map((/** @type {any} */ each) => ({ ...each, key: `${each.was}>${each.now}`, from: nameOf(each.was), to: nameOf(each.now), share: each.count / answer.cells_count }));
  const columns = [
    { key: 'from', label: t('grading.from_grade') },
    { key: 'to', label: t('grading.to_grade') },
    { key: 'count', label: t('grading.cells'), kind: 'number' },
    { key: 'share', label: t('grading.share'), kind: 'number', render: (/** @type {any} */ row) => percent(row.share) },
  ];
  return html`<${Card} flush id="moves" title=${t('grading.moves')} note=${number(answer.moved_count)}>
      <${VirtualTable} caption=${t('grading.moves')} columns=${columns} rows=${flows} rowKey="key" hasTools=${false} />
    <//>
    <${MovedCells} answer=${answer} />`;
}

/** @param {{answer: any}} props */
function MovedCells({ answer: { cells, moved_count, spreads } }) {
  const columns = [
    { key: 'code', label: t('column.code'), kind: 'code', href: (/** @type {any} */ row) => pageOf('unit', row.code) },
    { key: 'grade', label: t('grading.from_grade'), render: (/** @type {any} */ row) => nameOf(row.grade) },
    { key: 'asked', label: t('grading.to_grade'), render: (/** @type {any} */ row) => nameOf(row.asked) },
    ...spreads.map((/** @type {any} */ { characteristic: code, unit }) => ({ key: `value_${code}`, label: characteristic(code), kind: 'number', render: (/** @type {any} */ row) => quantity(row.values[code], unit, { digits: unit === 'ohm' ? 5 : 3 }) })),
    { key: 'is_doubtful', label: t('grading.sure'), render: (/** @type {any} */ row) => t(row.is_doubtful ? 'grading.is_doubtful' : 'grading.is_sure') },
    { key: 'time_us', label: t('column.time'), kind: 'time' },
  ];
  const note = cells.length < moved_count ? t('grading.first_of', { shown: cells.length, n: moved_count }) : number(moved_count);
  return html`<${Card} flush id="moved-cells" title=${t('grading.moved_cells')} note=${note} actions=${html`<${ExportMenu} path="/grading" table="cells" />`}>
    <${VirtualTable} caption=${t('grading.moved_cells')} columns=${columns} rows=${cells} rowKey="code" totalCount=${moved_count} hasTools=${cells.length > 8} settings="grading_moved" hrefOf=${(/** @type {any} */ row) => pageOf('unit', row.code)} />
  <//>`;
}
