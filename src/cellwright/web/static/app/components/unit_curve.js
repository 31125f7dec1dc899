import { html, useEffect, useMemo, useState } from '../../vendor/preact.js';
import { getJson, Problem } from '../api.js';
import { CurveChart } from '../charts/curves.js';
import { Figure } from '../charts/figure.js';
import { dateTime, duration, number, quantity, t } from '../i18n.js';
import { addressOf, operation, pageOf } from '../objects.js';
import { Card } from './page_head.js';
import { ErrorState, Skeleton } from './states.js';

/** @typedef {Record<string, any>} Data as the server tells it */
/** @typedef {{operation: string, attempt: number, batch: string}} Test */

const POINTS = 300;
const TABLE_STEP = 10;

/** The curve of a unit's last test, or of another that is chosen; read when the page is looked at.
 * @param {{code: string, tests: Test[], names: Record<string, string>}} props */
export function UnitCurves({ code, tests, names }) {
  const [at, setAt] = useState(tests.length - 1);
  const [data, setData] = useState(/** @type {Data | null} */ (null));
  const [problem, setProblem] = useState(/** @type {Problem | null} */ (null));
  const test = tests[at];
  const read = () => {
    setProblem(null);
    setData(null);
    if (test) getJson(`${addressOf('unit', code)}/curve.json?operation=${encodeURIComponent(test.operation)}&attempt=${test.attempt}&points=${POINTS}`).then(setData, setProblem);
  };
  useEffect(read, [code, at]);
  /** @param {Data} each */
  const nameOf = (each) => `${operation(each.operation, names[each.operation])}${each.attempt > 1 ? ` ${t('formation.attempt', { n: each.attempt })}` : ''}`;
  const actions = html`${tests.length > 1 && html`<div class="segments" role="group" aria-label=${t('unit.curve_choose')}>
      ${tests.map((each, index) => html`<button key=${`${each.operation}/${each.attempt}`} type="button" aria-pressed=${index === at} onClick=${() => setAt(index)}>${nameOf(each)}</button>`)}
    </div>`}
    ${test?.batch && html`<a class="button" href=${pageOf('formation', test.batch)}>${t('unit.curve_batch')}</a>`}`;
  return html`<${Card} id="curve" title=${t('unit.curve')} note=${data ? t('unit.curve_note', { n: data.times_us.length, of: data.samples_count }) : ''} actions=${actions}>
    ${problem && html`<${ErrorState} text=${problem.message} onRetry=${read} />`}
    ${!problem && (data ? html`<${One} data=${data} name=${nameOf(data)} />` : html`<${Skeleton} lines=${5} />`)}
  <//>`;
}

/** @param {{data: Data, name: string}} props */
function One({ data, name }) {
  const [read, setRead] = useState('');
  const lines = useMemo(() => [{ key: name, label: '', look: /** @type {const} */ ('single'), x: hoursOf(data), y: data.voltages_v }], [data]);
  const label = t('unit.curve_sentence', { name, n: data.samples_count, span: duration(data.times_us.at(-1) - data.times_us[0]), low: quantity(Math.min(...data.voltages_v), 'V', { digits: 3 }), high: quantity(Math.max(...data.voltages_v), 'V', { digits: 3 }) });
  const about = [data.channel && `${t('formation.channel')} ${data.channel}`, data.program && `${t('unit.curve_program')} ${data.program} ${data.version}`, dateTime(data.times_us[0])].filter(Boolean).join(' · ');
  return html`${data.fault && data.fault !== 'unknown' && html`<p><b>${t('unit.curve_fault', { fault: t(`contact_fault.${data.fault}`) })}</b> <span class="secondary">${t('unit.curve_again')}</span></p>`}
    <${Figure} title=${t('formation.voltage')} unit="V" sentence=${label} table=${() => tableOf(data)} read=${read} note=${about} hasLinks>
      <${CurveChart} lines=${lines} x_title=${t('formation.x_time')} x_unit="h" label=${label} height_px=${220} onRead=${setRead} />
    <//>`;
}

/** @param {Data} data @returns {number[]} */
const hoursOf = ({ times_us }) => times_us.map((/** @type {number} */ each) => (each - times_us[0]) / 3.6e9);

/** @param {Data} data */
function tableOf(data) {
  const places = data.times_us.map((/** @type {number} */ _, /** @type {number} */ k) => k).filter((/** @type {number} */ k) => k % TABLE_STEP === 0 || k === data.times_us.length - 1);
  return {
    headings: [t('formation.x_time'), t('formation.step'), t('formation.voltage'), t('unit.curve_current'), t('unit.curve_temperature')],
    rows: places.map((/** @type {number} */ k) => [
      number((data.times_us[k] - data.times_us[0]) / 3.6e9, { digits: 2 }),
      number(data.steps[k]),
      quantity(data.voltages_v[k], 'V', { digits: 3 }),
      quantity(data.currents_a[k], 'A', { digits: 2 }),
      quantity(data.temperatures_c[k], 'C', { digits: 1 }),
    ]),
  };
}
