/** Ranked findings: what it is, how many times as often with its bounds, on how many units, and how likely by chance. */
import { html } from '../../../vendor/preact.js';
import { axisText, domainOf, RatioBar, ratioText } from '../../charts/ratio_bar.js';
import { VirtualTable } from '../../components/virtual_table.js';
import { number, t, word } from '../../i18n.js';
import { factorText, LevelName, levelPage, levelText } from './levels.js';

const LEVELS_SHOWN = 6;
const SURETY = ['exact', 'interval', 'lot'];
const SUPERSCRIPT = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** A chance: three digits, small ones as powers of ten. @param {number} value */
function chance(value) {
  if (value >= 0.001) return number(Number(value.toPrecision(2)), { digits: value >= 0.1 ? 2 : 3 });
  if (value === 0) return t('commonality.tiny');
  const [mantissa, power] = value.toExponential(1).split('e-');
  return `${number(Number(mantissa), { digits: 1 })} · 10⁻${[...String(power)].map((digit) => SUPERSCRIPT[Number(digit)]).join('')}`;
}

/** @param {any} finding */
const nameOf = ({ levels }) => levels.map((/** @type {any} */ each) => `${factorText(each.factor, each.of)} ${levelText(each)}`).join(' = ');

/** @param {any} finding */
const weakest = ({ levels }) => SURETY[Math.max(...levels.map((/** @type {any} */ each) => SURETY.indexOf(each.basis)))] ?? 'lot';

/** @param {{bad: number, all: number}} props */
const Share = ({ bad, all }) => html`<span class="nowrap">${t('commonality.of', { bad, all })}</span>`;

/** @param {any} finding */
function restText({ rank, rest }) {
  if (rest === null) return rank === 1 ? '' : t('commonality.rest_other');
  return rest.count === 0 ? t('commonality.rest_none') : t('commonality.rest', { bad: rest.bad_count, all: rest.count, chance: chance(rest.p_value) });
}

/** @param {{caption: string, findings: any[], all: any[]}} props `all` share one axis */
export function Findings({ caption, findings, all }) {
  const domain = domainOf(all);
  const rows = findings.map((each) => ({ ...each, name: nameOf(each), basis: weakest(each), ratio_text: ratioText(each), rest_text: restText(each), others_bad: each.bad_total - each.bad_count, others: each.total - each.count }));
  const columns = [
    { key: 'rank', label: t('commonality.rank'), kind: 'number' },
    { key: 'name', label: t('commonality.shared'), render: (/** @type {any} */ row) => html`<${Levels} levels=${row.levels} />` },
    { key: 'ratio', label: t('commonality.ratio'), render: (/** @type {any} */ row) => html`<span class="ratio-cell"><${RatioBar} ...${row} domain=${domain} label=${row.name} isStrong=${row.stands_out} /><span class="nowrap" aria-hidden="true">${row.ratio_text}</span></span>` },
    { key: 'bad_count', label: t('commonality.bad_of'), kind: 'number', render: (/** @type {any} */ row) => html`<${Share} bad=${row.bad_count} all=${row.count} />` },
    { key: 'others_bad', label: t('commonality.others_bad'), kind: 'number', render: (/** @type {any} */ row) => html`<${Share} bad=${row.others_bad} all=${row.others} />` },
    { key: 'q_value', label: 'q', kind: 'number', render: (/** @type {any} */ row) => html`<span class="nowrap">${chance(row.q_value)}</span>` },
    { key: 'holm_p_value', label: t('commonality.holm'), kind: 'number', isHidden: true, render: (/** @type {any} */ row) => html`<span class="nowrap">${chance(row.holm_p_value)}</span>` },
    { key: 'p_value', label: 'p', kind: 'number', isHidden: true, render: (/** @type {any} */ row) => html`<span class="nowrap">${chance(row.p_value)}</span>` },
    { key: 'rest_text', label: t('commonality.rest_label'), render: (/** @type {any} */ row) => row.rest_text },
    { key: 'basis', label: t('column.surety'), kind: 'word', area: 'basis', render: (/** @type {any} */ row) => word('basis', row.basis) },
  ];
  return html`<${VirtualTable} caption=${caption} columns=${columns} rows=${rows} rowKey="rank" hasTools=${findings.length > 8} hrefOf=${(/** @type {any} */ row) => levelPage(row.levels[0])} settings="commonality" />
    <p class="caption table-note">${axisText(domain)}</p>`;
}

/** Levels that cannot be told apart, the first few. @param {{levels: any[]}} props */
function Levels({ levels }) {
  const more = levels.length - LEVELS_SHOWN;
  return html`<ul class="level-list">
    ${levels.slice(0, LEVELS_SHOWN).map((level, index) => html`<li key=${`${level.factor} ${level.of} ${level.code}`}>${index > 0 && html`<span class="muted" title=${t('commonality.same_units')}>= </span>`}<${LevelName} level=${level} /></li>`)}
    ${more > 0 && html`<li class="muted">${t('commonality.more', { n: more, count: more })}</li>`}
  </ul>`;
}
