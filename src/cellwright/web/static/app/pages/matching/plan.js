/** A plan: with which windows, how far it is, and how good it is beside the one by the windows in force. */
import { html, useEffect, useId, useState } from '../../../vendor/preact.js';
import { getJson, send } from '../../api.js';
import { useAction } from '../../components/action.js';
import { withQuery } from '../../components/facets.js';
import { Card } from '../../components/page_head.js';
import { ErrorState, Notice } from '../../components/states.js';
import { dateTime, duration, t, word } from '../../i18n.js';
import { term } from '../../objects.js';
import { FIELDS, isSame, problemOf, queryOf, valueOf, windowText, writtenOf } from './windows.js';

/** @typedef {Record<string, any>} Data */

const PLANS = '/api/v1/matching/plans';
const LOOK_MS = 500;
const OPEN = ['waiting', 'planning'];

/** @param {{data: Data, made: Data, children: import('../../../vendor/preact.js').ComponentChildren}} props `children`: what came of it */
export function PlanCard({ data, made, children }) {
  const { product, in_force, tried, progress, plans, is_plan_gone } = data;
  const [work, setWork] = useState(/** @type {Data | null} */ (progress && OPEN.includes(progress.state) ? progress : null));
  const { run, isBusy, failure } = useAction();
  useFollowed(work, setWork);
  /** @param {Data | null} wanted windows */
  const begin = (wanted) =>
    run(async () => {
      const begun = await send(PLANS, { product, tried: wanted });
      window.history.replaceState(null, '', withQuery({ product, plan: begun.plan, group: null, of: null, ...queryOf(wanted, in_force) }));
      setWork(begun);
    });
  const isWorking = isBusy || work !== null;
  const failed = work === null && progress?.state === 'failed' ? progress.error : '';
  return html`<${Card} title=${t('matching.plan')} note=${plans ? t('matching.plan_of', { time: dateTime(plans.seen_us) }) : t('matching.plan_note', { product: term(made.product, made.name), form: made.form, n: made.cells_count })}>
    <${WindowsForm} in_force=${in_force} tried=${tried} isWorking=${isWorking} begin=${begin} />
    ${work && html`<${Progress} ...${work} />`}
    ${failure && html`<${ErrorState} text=${failure.status ? failure.message : t('form.no_answer')} />`}
    ${failed && html`<${ErrorState} text=${failed} />`}
    ${is_plan_gone && !work && html`<${Notice} icon="clock"><p>${t('matching.gone')}</p><//>`}
    ${children}
  <//>`;
}

/** Look at a plan that is worked out until it is not any more; then the page is read again, with it. @param {Data | null} work @param {(work: Data | null) => void} setWork */
function useFollowed(work, setWork) {
  useEffect(() => {
    if (!work) return undefined;
    const timer = window.setTimeout(async () => {
      const now = await getJson(`${PLANS}/${work.plan}`, { isBackground: true }).catch(() => null);
      if (now && OPEN.includes(now.state)) setWork(now);
      else window.location.reload();
    }, LOOK_MS);
    return () => window.clearTimeout(timer);
  }, [work]);
}

/** @param {Data} props */
function Progress({ state, elapsed_s, limit_s, done_count, steps_count }) {
  return html`<div class="matching-progress" role="status">
    <progress class="matching-bar" aria-label=${t('matching.working')}></progress>
    <span>${word('matching_state', state)} · ${t('matching.step', { n: done_count, all: steps_count })} · ${t('matching.elapsed', { time: duration(elapsed_s * 1e6), limit: duration(limit_s * 1e6) })}</span>
  </div>`;
}

/** @param {{in_force: Data, tried: Data | null, isWorking: boolean, begin: (tried: Data | null) => void}} props */
function WindowsForm({ in_force, tried, isWorking, begin }) {
  const [texts, setTexts] = useState(() => textsOf(tried ?? in_force));
  const [isMixed, setMixed] = useState((tried ?? in_force).mix_batches);
  const [problems, setProblems] = useState(/** @type {Record<string, string>} */ ({}));
  const isChanged = isMixed !== in_force.mix_batches || FIELDS.some((field) => texts[field.name] !== writtenOf(field, in_force[field.name]));
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    const found = Object.fromEntries(FIELDS.map((field) => [field.name, problemOf(field, texts[field.name] ?? '')]).filter(([, text]) => text));
    setProblems(found);
    if (Object.keys(found).length > 0) return;
    const wanted = { ...Object.fromEntries(FIELDS.map((field) => [field.name, valueOf(field, texts[field.name] ?? '')])), mix_batches: isMixed };
    begin(isSame(wanted, in_force) ? null : wanted);
  };
  const reset = () => {
    setTexts(textsOf(in_force));
    setMixed(in_force.mix_batches);
    setProblems({});
  };
  return html`<form class="filters matching-windows" novalidate aria-label=${t('matching.windows')} onSubmit=${submit}>
    ${FIELDS.map((field) => html`<${WindowField} key=${field.name} field=${field} value=${texts[field.name]} in_force=${in_force[field.name]} problem=${problems[field.name]} set=${(/** @type {string} */ text) => setTexts((old) => ({ ...old, [field.name]: text }))} />`)}
    <label class="check"><input type="checkbox" name="mix_batches" checked=${isMixed} onChange=${() => setMixed(!isMixed)} /><span>${t('matching.mix')}</span></label>
    <div class="filters-actions">
      <button type="submit" class="button button-main" disabled=${isWorking} data-busy=${isWorking}>${t(isChanged ? 'matching.work_out_both' : 'matching.work_out')}</button>
      ${isChanged && html`<button type="button" class="button button-quiet" onClick=${reset}>${t('matching.reset')}</button>`}
    </div>
  </form>`;
}

/** @param {Data} windows @returns {Record<string, string>} */
const textsOf = (windows) => Object.fromEntries(FIELDS.map((field) => [field.name, writtenOf(field, windows[field.name])]));

/** @param {{field: import('./windows.js').Field, value: string | undefined, in_force: number | null, problem?: string, set: (text: string) => void}} props */
function WindowField({ field, value, in_force, problem, set }) {
  const id = useId();
  return html`<div class="field">
    <label class="field-label" for=${id}>${t(`matching_window.${field.name}`)} (${field.unit})</label>
    <input class="input" type="text" inputmode="decimal" ...${{ id, name: field.name, value }} placeholder=${field.isOptional ? t('matching.free') : ''} autocomplete="off" spellcheck=${false}
      aria-invalid=${problem ? 'true' : undefined} aria-describedby="${id}-help" onInput=${(/** @type {any} */ { currentTarget }) => set(currentTarget.value)} />
    <span class=${problem ? 'field-error' : 'field-help'} id="${id}-help" role=${problem ? 'alert' : undefined}>${problem || t('matching.in_force_is', { value: windowText(field, in_force) })}</span>
  </div>`;
}
