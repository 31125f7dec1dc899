/** A tray or magazine: its slots as a grid, and what stands in them. */
import { html } from '../../vendor/preact.js';
import { Card, PageHead } from '../components/page_head.js';
import { EmptyState } from '../components/states.js';
import { ExportMenu } from '../components/table_tools.js';
import { VirtualTable } from '../components/virtual_table.js';
import { t } from '../i18n.js';
import { addressOf, pageOf, StatusTag, term } from '../objects.js';

/** @param {{boot: {data: any}}} props */
export default function CarrierPage({ boot: { data } }) {
  const taken = data.slots.filter((/** @type {any} */ each) => each.code);
  return html`<${PageHead} title=${t('thing.carrier')} code=${data.code} steps=${[{ label: t('page.units'), href: '/units' }]}
      aside=${html`<span>${t('carrier.taken', { taken: data.units_count, all: data.slots_count })}</span>${data.type && html`<span class="tag">${term(data.type)}</span>`}`}>
      <${ExportMenu} path=${addressOf('carrier', data.code)} />
    <//>
    <div class="stack">
      <${Card} title=${t('carrier.slots')} note=${t('carrier.from_zero')}>
        <ol class="slots">${data.slots.map((/** @type {any} */ each) => html`<${Slot} key=${each.slot} ...${each} />`)}</ol>
      <//>
      ${taken.length === 0 ? html`<${EmptyState} title=${t('carrier.empty')} text=${t('carrier.empty_text')} />` : html`<${Card} flush title=${t('carrier.units')}><${Units} rows=${taken} /><//>`}
    </div>`;
}

/** @param {any} props */
function Slot({ slot, code, status, holds_count, grade }) {
  const body = html`<span class="slot-number">${slot}</span><span class="slot-code code">${code ? code.slice(-7) : ''}</span>${grade && html`<span class="slot-grade">${grade}</span>`}`;
  return html`<li>${code
    ? html`<a class="slot" data-held=${holds_count > 0} data-stop=${status === 'scrapped'} href=${pageOf('unit', code)} title=${code}>${body}</a>`
    : html`<span class="slot slot-free" aria-label=${t('carrier.free', { slot })}>${body}</span>`}</li>`;
}

/** @param {{rows: any[]}} props */
function Units({ rows }) {
  const columns = [
    { key: 'slot', label: t('column.slot'), kind: 'number' },
    { key: 'code', label: t('column.code'), kind: 'code', href: (/** @type {any} */ row) => pageOf('unit', row.code) },
    { key: 'status', label: t('column.status'), kind: 'code', render: (/** @type {any} */ row) => html`<${StatusTag} status=${row.status} holds=${row.holds_count} />` },
    { key: 'operation', label: t('column.at_operation'), render: (/** @type {any} */ row) => row.operation && term(row.operation) },
    { key: 'grade', label: t('column.grade') },
  ];
  return html`<${VirtualTable} caption=${t('carrier.units')} columns=${columns} rows=${rows} rowKey="code" hrefOf=${(/** @type {any} */ row) => pageOf('unit', row.code)} />`;
}
