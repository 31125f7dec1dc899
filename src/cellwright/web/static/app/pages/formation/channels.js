/** The health of channels over the last batches: what stands out first, each number with what it stands on. */
import { html, useMemo } from '../../../vendor/preact.js';
import { EmptyState } from '../../components/states.js';
import { VirtualTable } from '../../components/virtual_table.js';
import { number, quantity, t } from '../../i18n.js';

/** @typedef {Record<string, any>} Row as the server tells it */

/** @param {number | null} value @param {boolean} [is_signed] */
const share = (value, is_signed = true) => quantity(value, 'ratio', { digits: 2, is_signed });

/** An estimate with its interval and how many tests it stands on; unknown is a word. @param {{value: number | null, lower: number | null, upper: number | null, n: number, isSigned?: boolean}} props */
function Bounded({ value, lower, upper, n, isSigned = true }) {
  const count = html`<span class="secondary nowrap">${t('formation.n', { n })}</span>`;
  if (value === null) return html`<span class="muted">${t('common.unknown')}</span> ${count}`;
  const bounds = lower === null ? t('formation.no_bounds') : t('formation.bounds', { lower: share(lower, isSigned), upper: share(upper, isSigned) });
  return html`<span class="nowrap">${share(value, isSigned)}</span> <span class="secondary nowrap">${bounds}</span> ${count}`;
}

/** @param {{rows: Row[], batches: number}} props */
export function ChannelTable({ rows, batches }) {
  const columns = useMemo(
    () => [
      { key: 'channel', label: t('formation.channel'), kind: 'code' },
      { key: 'signs_count', label: t('formation.stands_out'), render: (/** @type {Row} */ row) => (row.stands_out.length ? html`<b>${row.stands_out.map((/** @type {string} */ each) => t(`channel_sign.${each}`)).join(', ')}</b>` : html`<span class="muted">${t('formation.no_sign')}</span>`) },
      { key: 'tests_count', label: t('formation.tests'), kind: 'number' },
      { key: 'discharge_off_ratio', label: t('formation.discharge_off'), kind: 'number', render: (/** @type {Row} */ row) => html`<${Bounded} value=${row.discharge_off_ratio} lower=${row.discharge_lower_ratio} upper=${row.discharge_upper_ratio} n=${row.discharge_count} />` },
      { key: 'faults_ratio', label: t('formation.faults'), kind: 'number', render: Faults },
      { key: 'onset_trend_ratio', label: t('formation.onset_trend'), kind: 'number', render: (/** @type {Row} */ row) => html`<${Bounded} value=${row.onset_trend_ratio} lower=${row.onset_lower_ratio} upper=${row.onset_upper_ratio} n=${row.onset_count} />` },
    ],
    [],
  );
  const shown = useMemo(() => rows.map((each) => ({ ...each, signs_count: each.stands_out.length })), [rows]);
  if (rows.length === 0) return html`<${EmptyState} title=${t('formation.no_channels')} text=${t('formation.no_channels_text')} />`;
  const some = rows.filter((each) => each.stands_out.length).length;
  return html`<p class="formation-lead">${some ? t('formation.some_stand_out', { n: some, of: rows.length }) : t('formation.none_stands_out', { of: rows.length, n: batches })}</p>
    <${VirtualTable} caption=${t('formation.channels_title')} columns=${columns} rows=${shown} rowKey="channel" hasTools=${rows.length > 8} />`;
}

/** @param {Row} row */
function Faults({ faults_count, judged_count, faults_ratio, faults_lower_ratio, faults_upper_ratio }) {
  if (faults_ratio === null) return html`<span class="muted">${t('common.unknown')}</span>`;
  const bounds = t('formation.bounds', { lower: share(faults_lower_ratio, false), upper: share(faults_upper_ratio, false) });
  return html`<span class="nowrap">${t('formation.faults_of', { k: number(faults_count), n: number(judged_count) })}</span> <span class="secondary nowrap">${bounds}</span>`;
}
