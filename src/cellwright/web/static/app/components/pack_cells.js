import { html, useEffect, useState } from '../../vendor/preact.js';
import { getJson, Problem } from '../api.js';
import { PackMap } from '../charts/pack_map.js';
import { dateTime, t } from '../i18n.js';
import { addressOf, characteristic, CodeLink, digitsOf, operation } from '../objects.js';
import { Card } from './page_head.js';
import { EmptyState, ErrorState, Skeleton } from './states.js';
import { CheckTable, VerdictChip } from './verdict.js';

/** @typedef {Record<string, any>} Data */

/** Cells and tests of a pack or module, read once it is looked at. @param {{code: string}} props */
export function PackOf({ code }) {
  const [data, setData] = useState(/** @type {Data | null} */ (null));
  const [problem, setProblem] = useState(/** @type {Problem | null} */ (null));
  const read = () => {
    setProblem(null);
    getJson(`${addressOf('pack_cells', code)}.json`).then(setData, setProblem);
  };
  useEffect(read, [code]);
  if (problem) return html`<${Card} title=${t('pack_map.cells')}><${ErrorState} text=${problem.message} onRetry=${read} /><//>`;
  return data ? html`<${PackCells} data=${data} />` : html`<${Card} title=${t('pack_map.cells')}><${Skeleton} lines=${6} /><//>`;
}

/** @param {{data: Data}} props */
export function PackCells({ data }) {
  const [chosen, setChosen] = useState(data.measured[0]?.characteristic ?? '');
  const values = data.measured.find((/** @type {Data} */ each) => each.characteristic === chosen);
  const buttons = html`<div class="pack-choice" role="group" aria-label=${t('pack_map.choose')}>${data.measured.map((/** @type {Data} */ each) => html`<button type="button" class="button" key=${each.characteristic} aria-pressed=${each.characteristic === chosen} onClick=${() => setChosen(each.characteristic)}>${characteristic(each.characteristic)}</button>`)}</div>`;
  return html`<${Card} id="cells" title=${t('pack_map.cells')} note=${t('pack_map.note')} actions=${buttons}>
      ${values ? html`<${PackMap} layout=${data} values=${values} />` : html`<${EmptyState} title=${t('pack_map.nothing')} text=${t('pack_map.nothing_text')} />`}
    <//>
    <${Tests} rows=${data.tests} />`;
}

/** The last attempt of each operation, value by value against its limits. @param {{rows: Data[]}} props */
function Tests({ rows }) {
  const operations = [...new Set(rows.map((each) => each.operation))];
  return html`<${Card} id="tests" title=${t('pack_map.tests')} note=${t('pack_map.tests_note')}>
    ${operations.length === 0 && html`<${EmptyState} title=${t('unit.no_measurements')} text=${t('unit.no_measurements_text')} />`}
    ${operations.map((each) => html`<${Test} key=${each} code=${each} rows=${rows.filter((row) => row.operation === each)} />`)}
  <//>`;
}

/** @param {{code: string, rows: Data[]}} props */
function Test({ code, rows }) {
  const isOpen = rows.some((each) => each.value === null && each.is_required);
  const isBad = rows.some((each) => each.is_good === false && each.value !== null);
  const { time_us, station } = rows[0] ?? {};
  const checks = rows.map((each) => ({ ...each, key: each.characteristic, name: characteristic(each.characteristic), digits: digitsOf(each.value, each) }));
  return html`<section class="pack-test" aria-label=${operation(code)}>
    <h3 class="pack-test-head">${operation(code)} <${VerdictChip} verdict=${isBad ? 'fail' : isOpen ? 'open' : 'pass'} /> <span class="muted">${dateTime(time_us)}</span> <${CodeLink} kind="station" code=${station} /></h3>
    <${CheckTable} checks=${checks} caption=${operation(code)} />
  </section>`;
}
