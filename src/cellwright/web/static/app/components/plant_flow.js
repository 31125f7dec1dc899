import { html } from '../../vendor/preact.js';
import { duration, t } from '../i18n.js';
import { amount, CodeLink, operation as shortName, term } from '../objects.js';
import { Icon } from './icon.js';

/** @typedef {Record<string, any>} Operation an operation as the server tells it */

/** Operations that make lots: a lane for each chain of material, in order from left to right. @param {{operations: Operation[]}} props */
export function LotFlow({ operations }) {
  const lanes = [...new Set(operations.map(({ lane }) => lane))].sort((a, b) => a - b);
  return lanes.map(
    (lane) => html`<ol class="flow-row" key=${lane}>
      ${operations.filter((each) => each.lane === lane).toSorted((a, b) => a.rank - b.rank).map((each) => html`<${OperationBox} key=${each.code} operation=${each} />`)}
    </ol>`,
  );
}

/** The operations of a route in order. @param {{operations: Operation[]}} props */
export function RouteFlow({ operations }) {
  return html`<ol class="flow-row">${operations.map((each) => html`<${OperationBox} key=${each.code} operation=${each} />`)}</ol>`;
}

/** @param {{operation: Operation}} props */
function OperationBox({ operation }) {
  const { code, name, intakes, output, stations, queue_times, characteristics_count, members, not_good } = operation;
  return html`<li class="op" id="operation-${code}">
    <p class="op-head"><span class="op-name">${shortName(code, name)}</span><span class="muted">${term(code, name) === shortName(code, name) ? html`<span class="code">${code}</span>` : name}</span></p>
    ${queue_times.map((/** @type {any} */ each) => html`<p class="op-window" key=${each.after}><${Icon} name="clock" />${windowText(each)}</p>`)}
    ${(intakes.length > 0 || members) &&
    html`<ul class="op-list" aria-label=${t('plant.takes')}>
      ${members && html`<li><span>${term(members.product)}</span><span class="muted">${t('plant.members', { n: members.count })}${members.grade && ` ${t('fact.grade', { grade: members.grade })}`}</span></li>`}
      ${intakes.map((/** @type {any} */ each) => html`<li key=${each.position}><span>${term(each.material, each.name)}</span><span class="muted">${intakeText(each)}</span></li>`)}
    </ul>`}
    ${output && html`<p class="op-out"><${Icon} name="arrow-right" /><b>${term(output)}</b></p>`}
    <p class="op-foot">${stations.map((/** @type {string} */ each) => html`<${CodeLink} key=${each} kind="station" code=${each} /> `)}</p>
    <p class="op-tags">
      ${characteristics_count > 0 && html`<a class="tag" href="#limits">${t('plant.limits_count', { n: characteristics_count })}</a>`}
      ${operation.qualification && html`<span class="tag">${t('plant.qualified', { qualification: term(operation.qualification) })}</span>`}
      ${operation.calibrated && html`<span class="tag">${t('plant.calibrated')}</span>`}
      ${operation.grades.length > 0 && html`<span class="tag">${t('plant.grades', { grades: operation.grades.join(' ') })}</span>`}
      ${not_good && not_good.action !== 'scrap' && html`<span class="tag">${notGoodText(not_good)}</span>`}
    </p>
  </li>`;
}

/** @param {any} window */
function windowText({ after, min_s, max_s }) {
  const values = { after: shortName(after), min: duration(min_s * 1e6), max: duration((max_s ?? 0) * 1e6) };
  if (min_s && max_s !== null) return t('plant.window_both', values);
  return t(min_s ? 'plant.window_min' : 'plant.window_max', values);
}

/** @param {any} intake */
function intakeText({ position, material, quantity, measure, optional }) {
  const parts = [quantity > 1 && amount(quantity, measure), position !== material && term(position), optional && t('plant.optional')];
  return parts.filter(Boolean).join(' · ');
}

/** @param {any} action */
const notGoodText = ({ action, operation, limit }) => (action === 'rework' ? t('plant.rework', { operation: shortName(operation), n: limit }) : t('plant.held'));
