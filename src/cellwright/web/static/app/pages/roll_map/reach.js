/** What was made of the brushed stretch: counts, the units, and what to do with them. */
import { html, useMemo } from '../../../vendor/preact.js';
import { Card } from '../../components/page_head.js';
import { VirtualTable } from '../../components/virtual_table.js';
import { number, t } from '../../i18n.js';
import { genealogyOf, pageOf, StatusTag, stretch } from '../../objects.js';

/** @typedef {import('../../charts/heat_draw.js').Stretch} Stretch */

/** @param {{lot: any, brush: Stretch, reach: any}} props */
export function Reach({ lot, brush, reach }) {
  const where = `${brush.lane ? t('lot.lane', { lane: brush.lane }) : t('lot.full_width')}, ${stretch(brush.start, brush.end, 'mm')}`;
  const query = `start=${brush.start}&end=${brush.end}&lane=${brush.lane}`;
  const recall = `/recall?lot=${encodeURIComponent(lot.code)}&${query}`;
  const genealogy = `${genealogyOf('forward', lot.code)}&${query}`;
  return html`<${Card} id="reach" title=${t('roll_map.reach')} note=${where} actions=${html`<a class="button" href=${recall}>${t('page.recall')}</a>`}>
    <div role="status" aria-live="polite"><p class="visually-hidden">${reach ? t('roll_map.reach_sentence', { where, ...Object.fromEntries(reach.counts.map((/** @type {any} */ each) => [each.kind, each.units_count])) }) : t('roll_map.reading')}</p></div>
    ${reach ? html`<${Counts} counts=${reach.counts} genealogy=${genealogy} />` : html`<p class="muted" aria-hidden="true">${t('roll_map.reading')}</p>`}
    ${reach && (reach.units.length > 0 ? html`<${Units} rows=${reach.units} />` : html`<p class="muted">${t('roll_map.reach_nothing')}</p>`)}
    ${reach?.counts.some((/** @type {any} */ each) => each.shown_count < each.units_count) && html`<p class="caption muted">${t('roll_map.reach_first')}</p>`}
  <//>`;
}

/** How many of each kind, each leading to its level of the genealogy, which holds any number. @param {{counts: any[], genealogy: string}} props */
const Counts = ({ counts, genealogy }) => html`<ul class="chain" aria-label=${t('roll_map.reach')}>
  ${counts.map(({ kind, units_count }) => html`<li key=${kind}><a href=${`${genealogy}#${kind}`}><b>${number(units_count)}</b><span>${t(units_count === 1 ? `thing.${kind}` : `kinds.${kind}`)}</span></a></li>`)}
</ul>`;

/** @returns {import('../../components/table_cells.js').Column[]} */
const columns = () => [
  { key: 'kind', label: t('column.kind'), kind: 'code', render: ({ kind }) => t(`thing.${kind}`) },
  { key: 'code', label: t('column.code'), kind: 'code', href: ({ code }) => pageOf('unit', code) },
  { key: 'status', label: t('column.status'), kind: 'code', render: ({ status }) => html`<${StatusTag} status=${status} />` },
  { key: 'basis', label: t('column.surety'), kind: 'word', area: 'basis' },
];

/** @param {{rows: any[]}} props */
const Units = ({ rows }) => html`<${VirtualTable} caption=${t('roll_map.reach')} columns=${useMemo(columns, [])} rows=${rows} rowKey="code" hasTools=${rows.length > 8} hrefOf=${(/** @type {any} */ row) => pageOf('unit', row.code)} />`;
