/** Grading: how values lie against the limits of grades, the yield, and what other limits would do to the same cells. */
import { html, useCallback, useEffect, useRef, useState } from '../../vendor/preact.js';
import { getJson, Problem } from '../api.js';
import { KpiStrip } from '../components/kpi_strip.js';
import { Late } from '../components/late.js';
import { Card, PageHead } from '../components/page_head.js';
import { EmptyState, ErrorState, Notice } from '../components/states.js';
import { ExportMenu } from '../components/table_tools.js';
import { age, dateTime, quantity, t } from '../i18n.js';
import { characteristic, operation } from '../objects.js';
import { CellsForm } from './grading/cells_form.js';
import { ends, keyOf, limitsQuery, problemOf } from './grading/edits.js';
import { LimitsTable } from './grading/limits_table.js';
import { Moved, Yields } from './grading/outcome.js';
import { Snippet } from './grading/snippet.js';

/** @typedef {import('./grading/edits.js').Edits} Edits */

const PAUSE_MS = 120;

const chartPart = () => import('./grading/spread_chart.js').then(({ SpreadChart }) => SpreadChart);

/** The address with other limits. @param {string} limits */
function queryWith(limits) {
  const query = new URLSearchParams(window.location.search);
  if (limits) query.set('limits', limits);
  else query.delete('limits');
  return query.toString();
}

/** @param {{boot: {data: any}}} props */
export default function GradingPage({ boot: { data } }) {
  const chosen = data.operations.find((/** @type {any} */ each) => each.code === data.operation);
  return html`<${PageHead} title=${t('page.grading')} aside=${chosen && html`<span>${operation(chosen.code, chosen.name)} · ${t('grading.rules', { route: chosen.route, revision: chosen.revision })}</span>`}>
      ${data.answer && html`<${ExportMenu} path="/grading" />`}
    <//>
    <div class="stack">
      ${data.operations.length > 0 && html`<${CellsForm} asked=${data.cells} operations=${data.operations} operation=${data.operation} />`}
      ${data.operations.length === 0 && html`<${EmptyState} title=${t('grading.nothing_graded')} text=${t('grading.nothing_graded_text')} />`}
      ${data.answer?.cells_count === 0 && html`<${EmptyState} title=${t('grading.no_cells')} text=${t('grading.no_cells_text')} />`}
      ${data.answer?.cells_count > 0 && html`<${WhatIf} first=${data} />`}
    </div>`;
}

/** @param {{first: any}} props */
function WhatIf({ first }) {
  const [data, setData] = useState(first);
  const [edits, setEdits] = useState(/** @type {Edits} */ ({}));
  const [failure, setFailure] = useState('');
  const { answer } = data;
  const asking = useAsking(setData, setEdits, setFailure);
  /** @param {any} limit @param {Partial<{lower: number | null, upper: number | null}>} change */
  const change = (limit, change) => {
    const now = { ...edits, [keyOf(limit)]: { ...ends(limit, edits), ...change } };
    setEdits(now);
    if (!answer.limits.some((/** @type {any} */ each) => problemOf(ends(each, now)))) asking(limitsQuery(answer.limits, now));
  };
  const reset = () => asking('');
  const shared = { answer, edits, change };
  return html`<${Figures} answer=${answer} now_us=${data.now_us} />
    ${failure && html`<${ErrorState} text=${failure} />`}
    <${Card} flush id="limits" title=${t('grading.limits')} note=${t(answer.is_changed ? 'grading.limits_changed' : 'grading.limits_in_force')}
      actions=${answer.is_changed && html`<button type="button" class="button button-small" onClick=${reset}>${t('grading.reset')}</button>`}><${LimitsTable} ...${shared} /><//>
    <div class="grading-charts">${answer.spreads.map((/** @type {any} */ spread) => html`<${Late} load=${chartPart} key=${spread.characteristic} spread=${spread} ...${shared} />`)}</div>
    <${Yields} answer=${answer} />
    ${answer.is_changed && html`<${Moved} answer=${answer} /><${Snippet} text=${answer.snippet} />`}`;
}

/** Asks the server with other limits, at most every so often; the last question counts.
 * @param {(data: any) => void} setData @param {(edits: Edits) => void} setEdits @param {(text: string) => void} setFailure */
function useAsking(setData, setEdits, setFailure) {
  const state = useRef({ timer: 0, asked: 0 });
  useEffect(() => () => window.clearTimeout(state.current.timer), []);
  return useCallback((/** @type {string} */ limits) => {
    const asked = ++state.current.asked;
    const query = queryWith(limits);
    const read = async () => {
      try {
        const found = await getJson(`/grading.json?${query}`);
        if (asked !== state.current.asked) return;
        window.history.replaceState(null, '', query ? `?${query}` : window.location.pathname);
        setData(found);
        setEdits({});
        setFailure('');
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (asked === state.current.asked) setFailure(error.status ? error.message : t('form.no_answer'));
      }
    };
    window.clearTimeout(state.current.timer);
    state.current.timer = window.setTimeout(read, PAUSE_MS);
  }, []);
}

/** The population and the yield in one line. @param {{answer: any, now_us: number}} props */
function Figures({ answer, now_us }) {
  const items = [
    { key: 'cells', label: t('grading.cells'), value: answer.cells_count, note: t('grading.newest', { age: age(Math.max(0, now_us - answer.to_us)) }) },
    ...answer.yields.map((/** @type {any} */ each) => ({
      key: `grade-${each.grade}`,
      label: each.grade ? t('grading.grade', { grade: each.grade }) : t('grading.no_grade'),
      value: each.asked_ratio,
      unit: 'ratio',
      digits: 1,
      note: answer.is_changed
        ? t('grading.yield_change', { change: quantity(each.asked_ratio - each.ratio, 'ratio', { digits: 1, is_signed: true }), n: each.asked_count })
        : t('grading.yield_bound', { low: quantity(each.asked_low_ratio, 'ratio', { digits: 1 }), high: quantity(each.asked_high_ratio, 'ratio', { digits: 1 }), n: each.asked_count }),
    })),
    { key: 'moved', label: t('grading.moved'), value: answer.moved_count, note: t(answer.is_changed ? 'grading.moved_note' : 'grading.moved_none') },
    answer.doubt.known_count > 0
      ? { key: 'doubt', label: t('grading.doubt'), value: answer.doubt.count, note: t('grading.doubt_note', { n: answer.doubt.known_count }) }
      : { key: 'doubt', label: t('grading.doubt'), value: null, note: t('grading.doubt_unknown') },
  ];
  return html`<${KpiStrip} items=${items} label=${t('grading.figures')} />
    <p class="caption">${t(answer.is_all ? 'grading.all_of' : 'grading.last_of', { n: answer.cells_count, from: dateTime(answer.from_us), to: dateTime(answer.to_us) })} ${t('grading.changes_nothing')}</p>
    ${answer.spreads.some((/** @type {any} */ each) => each.asked.unknown_count > 0) && html`<${Notice} icon="help"><p>${answer.spreads.filter((/** @type {any} */ each) => each.asked.unknown_count > 0).map((/** @type {any} */ each) => t('grading.unknown_values', { name: characteristic(each.characteristic), n: each.asked.unknown_count })).join(' ')}</p><//>`}`;
}
