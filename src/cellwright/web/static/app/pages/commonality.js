/** Commonality: what bad units share more often than chance explains. */
import { html } from '../../vendor/preact.js';
import { KpiStrip } from '../components/kpi_strip.js';
import { Card, PageHead } from '../components/page_head.js';
import { EmptyState } from '../components/states.js';
import { ExportMenu } from '../components/table_tools.js';
import { VirtualTable } from '../components/virtual_table.js';
import { dateTime, number, t } from '../i18n.js';
import { CodeLink, term } from '../objects.js';
import { Findings } from './commonality/findings.js';
import { AskForm } from './commonality/form.js';
import { factorText } from './commonality/levels.js';

/** @param {{boot: {data: any}}} props */
export default function CommonalityPage({ boot: { data } }) {
  const { answer, problems, codes } = data;
  return html`<${PageHead} title=${t('page.commonality')} aside=${answer && html`<span>${t('commonality.aside', { bad: answer.population.bad_count, all: answer.population.count })}</span>`}>
      ${answer && html`<${ExportMenu} path="/commonality" />`}
    <//>
    <div class="stack">
      ${problems.length > 0 && html`<${Problems} problems=${problems} />`}
      ${answer && html`<${Answer} answer=${answer} />`}
      <${AskForm} asked=${data} isFirst=${codes.length === 0} />
      ${codes.length === 0 && html`<${EmptyState} title=${t('commonality.ask')} text=${t('commonality.ask_text')} />`}
    </div>`;
}

/** Every code that is none, one by one. @param {{problems: string[]}} props */
function Problems({ problems }) {
  return html`<div class="notice notice-error" role="alert">
    <span class="notice-mark" aria-hidden="true">!</span>
    <div><p><b>${t('commonality.no_answer')}</b></p><ul class="reason-list">${problems.map((each) => html`<li key=${each}>${each}</li>`)}</ul></div>
  </div>`;
}

/** @param {{answer: any}} props */
function Answer({ answer }) {
  const { findings, found_count, tests_count } = answer;
  const found = findings.slice(0, found_count);
  const others = findings.slice(found_count);
  return html`<${Compared} answer=${answer} />
    <p class="commonality-verdict" role="status">
      <b>${found_count > 0 ? t('commonality.found', { n: found_count, count: found_count, tests: tests_count }) : t('commonality.nothing')}</b>
      ${' '}<span class="secondary">${t(found_count > 0 ? 'commonality.found_text' : 'commonality.nothing_text')}</span>
    </p>
    ${found_count > 0 && html`<${Card} flush title=${t('commonality.stands_out')} note=${number(found_count)}><${Findings} caption=${t('commonality.stands_out')} findings=${found} all=${findings} /><//>`}
    ${found_count === 0 && html`<${Findable} findable=${answer.findable} />`}
    ${others.length > 0 && html`<${Card} flush title=${t('commonality.next')} note=${t('commonality.next_note')}><${Findings} caption=${t('commonality.next')} findings=${others} all=${findings} /><//>`}`;
}

/** Who was compared with whom. @param {{answer: any}} props */
function Compared({ answer: { population, levels_count, tests_count, common_count, small_count } }) {
  const items = [
    { key: 'bad', label: t('commonality.bad'), value: population.bad_count, note: population.left_out_count > 0 ? t('commonality.left_out', { count: population.left_out_count }) : term(population.product) },
    { key: 'all', label: t('commonality.all'), value: population.count, note: t('commonality.born', { from: dateTime(population.from_us), to: dateTime(population.to_us) }) },
    { key: 'tests', label: t('commonality.tests'), value: tests_count, note: t('commonality.tests_note', { levels: levels_count, common: common_count, small: small_count }) },
  ];
  const isSample = population.stepped_count < population.count;
  return html`<${KpiStrip} items=${items} label=${t('commonality.compared')} />
    <p class="caption">
      ${t('commonality.range')} <${CodeLink} kind="unit" code=${population.first} /> – <${CodeLink} kind="unit" code=${population.last} />
      ${isSample && html` · ${t('commonality.sample', { counted: population.counted_count, stepped: population.stepped_count })}`}
    </p>`;
}

/** What would have been found, had it been there. @param {{findable: any[]}} props */
function Findable({ findable }) {
  const rows = findable.filter((each) => each.ratio !== null).map((each) => ({ ...each, key: `${each.factor} ${each.of}`, name: factorText(each.factor, each.of) }));
  if (rows.length === 0) return html`<${EmptyState} title=${t('commonality.hopeless')} text=${t('commonality.hopeless_text')} />`;
  const columns = [
    { key: 'name', label: t('commonality.factor') },
    { key: 'count', label: t('commonality.usual_size'), kind: 'number' },
    { key: 'ratio', label: t('commonality.smallest_ratio'), kind: 'number', digits: 1 },
  ];
  return html`<${Card} flush title=${t('commonality.findable')} note=${t('commonality.findable_note')}>
    <${VirtualTable} caption=${t('commonality.findable')} columns=${columns} rows=${rows} rowKey="key" hasTools=${false} />
  <//>`;
}
