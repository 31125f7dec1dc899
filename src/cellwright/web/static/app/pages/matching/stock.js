/** What is in stock: how much of it may be matched and why the rest may not, and where each unit lies. */
import { html, useId, useState } from '../../../vendor/preact.js';
import { Figure } from '../../charts/figure.js';
import { Scatter } from '../../charts/scatter.js';
import { withQuery } from '../../components/facets.js';
import { KpiStrip } from '../../components/kpi_strip.js';
import { Card } from '../../components/page_head.js';
import { EmptyState, Notice } from '../../components/states.js';
import { number, quantity, t } from '../../i18n.js';
import { pageOf, term } from '../../objects.js';
import { AXES, axisName, axisOf, shown, told, windowTold } from './axes.js';

/** @typedef {Record<string, any>} Data */

/** @param {{data: Data, made: Data, group: Data | null}} props */
export function StockCard({ data, made, group }) {
  const { scatter, stock_count, fates, in_force } = data;
  const note = t('matching.stock_note', { n: stock_count, member: term(made.member), operation: term(made.operation) });
  return html`<${KpiStrip} items=${figures(fates, in_force, made)} label=${t('matching.stock')} />
    <${Card} id="picture" title=${t('matching.stock')} note=${note}>
      ${stock_count === 0 ? html`<${EmptyState} title=${t('matching.empty')} text=${t('matching.empty_text', { member: term(made.member) })} />` : html`<${Picture} scatter=${scatter} group=${group} />`}
    <//>`;
}

/** How many of each fate, with the limit by which it is one. @param {Data[]} fates @param {Data} in_force @param {Data} made */
function figures(fates, in_force, made) {
  const limits = {
    grade: made.grade,
    age: quantity(in_force.max_age_d, 'd'),
    leak: told('k_mv_per_d', in_force.max_k_mv_per_d),
  };
  const isListed = (/** @type {Data} */ { fate, units_count }) => units_count > 0 || !((fate === 'leaky' && in_force.max_k_mv_per_d === null) || (fate === 'grade' && !made.grade));
  return fates.filter(isListed).map(({ fate, units_count }) => ({ key: fate, label: t(`matching_fate.${fate}`), value: units_count, note: t(`matching_why.${fate}`, limits) }));
}

/** @param {{scatter: Data, group: Data | null}} props */
function Picture({ scatter, group }) {
  const [read, setRead] = useState('');
  const { x, y, points, fields, frames, drawn_count, unknown_count, outside_count } = scatter;
  const frame = frames[group?.is_in_force ? 0 : frames.length - 1];
  const chosen = group && { xs: group.units.map((/** @type {Data} */ each) => each[x]), ys: group.units.map((/** @type {Data} */ each) => each[y]) };
  /** @param {{index?: number, usable?: number, other?: number} | null} at */
  const onRead = (at) => setRead(readOut(scatter, at));
  const title = t('matching.picture', { x: axisName(x), y: axisName(y) });
  const sentence = t('matching.picture_sentence', { n: drawn_count, x: axisName(x), y: axisName(y), from: told(x, scatter.x_low), to: told(x, scatter.x_high), low: told(y, scatter.y_low), high: told(y, scatter.y_high) });
  return html`<div class="scatter-axes">
      <${AxisChoice} name="y" chosen=${y} label=${t('matching.up')} />
      <${AxisChoice} name="x" chosen=${x} label=${t('matching.across')} />
    </div>
    <${Figure} title=${title} unit="${axisOf(y).unit}, ${axisOf(x).unit}" sentence=${sentence} table=${() => tableOf(scatter)} read=${read} isEmpty=${drawn_count === 0}>
      <${Scatter} scatter=${scatter} axes=${[axisOf(x), axisOf(y)]} frame=${frame} chosen=${chosen} onRead=${onRead} onOpen=${(/** @type {number} */ index) => window.location.assign(pageOf('unit', points.codes[index]))} />
    <//>
    <${Legend} ...${{ x, y, frame, group }} />
    ${fields && html`<${Notice} icon="chart"><p>${t('matching.fields', { n: drawn_count, across: fields.across_count, down: fields.down_count })}</p><//>`}
    ${outside_count > 0 && html`<p class="caption">${t('matching.outside', { n: outside_count })}</p>`}
    ${unknown_count > 0 && html`<p class="caption">${t('matching.not_drawn', { n: unknown_count, x: axisName(x), y: axisName(y) })}</p>`}`;
}

/** @param {{name: string, chosen: string, label: string}} props */
function AxisChoice({ name, chosen, label }) {
  const id = useId();
  return html`<label class="field-inline" for=${id}><span class="field-label">${label}</span>
    <select class="input" id=${id} value=${chosen} onChange=${(/** @type {any} */ { currentTarget }) => window.location.assign(withQuery({ [name]: currentTarget.value }))}>
      ${Object.keys(AXES).map((each) => html`<option key=${each} value=${each}>${axisName(each)}</option>`)}
    </select>
  </label>`;
}

/** @param {{x: string, y: string, frame: Data, group: Data | null}} props */
function Legend({ x, y, frame, group }) {
  const windows = [[x, frame.x], [y, frame.y]].filter(([, window]) => window !== null).map(([axis, window]) => windowTold(axis, window));
  return html`<ul class="scatter-legend">
    <li><span class="scatter-mark" data-mark="usable"></span>${t('matching_fate.usable')}</li>
    <li><span class="scatter-mark" data-mark="reserved"></span>${t('matching_fate.reserved')}</li>
    <li><span class="scatter-mark" data-mark="other"></span>${t('matching.others')}</li>
    ${group && html`<li><span class="scatter-mark" data-mark="chosen"></span>${t('matching.group_n', { n: group.number })}</li>`}
    ${windows.length > 0 && html`<li><span class="scatter-mark" data-mark="frame"></span>${t(group ? 'matching.frame_group' : 'matching.frame', { size: windows.join(' × ') })}</li>`}
  </ul>`;
}

/** @param {Data} scatter @param {{index?: number, usable?: number, other?: number} | null} at */
function readOut({ x, y, points }, at) {
  if (at === null) return '';
  if (at.index === undefined) return t('matching.field_read', { usable: at.usable, other: at.other });
  const { index } = at;
  return `${points.codes[index]} · ${told(x, points.xs[index])} · ${told(y, points.ys[index])} · ${t(`matching_fate.${points.fates[index]}`)}`;
}

/** @param {Data} scatter @returns {import('../../charts/figure.js').ChartTable} */
function tableOf({ x, y, x_low, x_high, y_low, y_high, points, fields }) {
  const heads = [`${axisName(x)} (${axisOf(x).unit})`, `${axisName(y)} (${axisOf(y).unit})`];
  if (!fields) {
    const rows = points.codes.map((/** @type {string} */ code, /** @type {number} */ index) => [code, shown(x, points.xs[index]), shown(y, points.ys[index]), t(`matching_fate.${points.fates[index]}`)]);
    return { headings: [t('column.code'), ...heads, t('column.status')], rows };
  }
  const [wide, high] = [(x_high - x_low) / fields.across_count, (y_high - y_low) / fields.down_count];
  const range = (/** @type {string} */ axis, /** @type {number} */ low, /** @type {number} */ step) => `${shown(axis, low)} – ${shown(axis, low + step)}`;
  // A table shows the last 500: those of the fullest fields.
  const order = fields.at.map((/** @type {number} */ _, /** @type {number} */ index) => index).toSorted((/** @type {number} */ a, /** @type {number} */ b) => totalOf(fields, a) - totalOf(fields, b));
  const rows = order.map((/** @type {number} */ index) => [
    range(x, x_low + (fields.at[index] % fields.across_count) * wide, wide),
    range(y, y_low + Math.floor(fields.at[index] / fields.across_count) * high, high),
    number(fields.usable_counts[index]),
    number(fields.other_counts[index]),
  ]);
  return { headings: [...heads, t('matching_fate.usable'), t('matching.others')], rows };
}

/** @param {Data} fields @param {number} index */
const totalOf = ({ usable_counts, other_counts }, index) => usable_counts[index] + other_counts[index];
