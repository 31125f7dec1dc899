/** The loaded plant as a map: how material becomes lots and units, where, under which limits, by which recipes. */
import { html } from '../../vendor/preact.js';
import { Card, KeyValue, PageHead } from '../components/page_head.js';
import { LotFlow, RouteFlow } from '../components/plant_flow.js';
import { ExportMenu } from '../components/table_tools.js';
import { limitsText, ValueBar } from '../components/value_bar.js';
import { VirtualTable } from '../components/virtual_table.js';
import { duration, number, t, word } from '../i18n.js';
import { nameWord } from '../names.js';
import { characteristic, digitsOf, operation, pageOf, term } from '../objects.js';

/** @typedef {Record<string, any>} Data */

/** @param {{boot: {data: Data}}} props */
export default function PlantPage({ boot: { data } }) {
  const routes = [...new Set(data.operations.map((/** @type {any} */ each) => each.route).filter(Boolean))];
  const made = data.operations.filter((/** @type {any} */ each) => !each.route);
  return html`<${PageHead} title=${t('page.plant')} code=${data.code} aside=${html`<span>${nameWord(data.name)}</span><span class="tag">${t('plant.line', { line: String(data.line) })}</span>`}>
      <${ExportMenu} path="/plant" />
    <//>
    <nav class="page-anchors" aria-label=${t('plant.parts')}>
      ${['flow', 'stations', 'limits', 'recipes', 'materials', 'products'].map((each) => html`<a key=${each} class="chip" href="#${each}">${t(`plant.${each}`)}</a>`)}
    </nav>
    <div class="stack" id="flow">
      ${made.length > 0 && html`<${Card} title=${t('plant.lots')} note=${t('plant.lots_note')}><${LotFlow} operations=${made} /><//>`}
      ${routes.map((route) => html`<${RouteCard} key=${route} route=${route} data=${data} />`)}
      <${Card} flush id="stations" title=${t('plant.stations')}><${Stations} rows=${data.stations} /><//>
      <${Card} flush id="limits" title=${t('plant.limits')}><${Limits} rows=${data.limits} operations=${data.operations} /><//>
      <${Card} flush id="recipes" title=${t('plant.recipes')}><${Recipes} rows=${data.recipes} operations=${data.operations} /><//>
      <${Card} flush id="materials" title=${t('plant.materials')}><${Materials} rows=${data.materials} /><//>
      <div class="grid" id="products">${data.products.map((/** @type {any} */ each) => html`<div class="span-4" key=${each.product}><${Product} ...${each} /></div>`)}</div>
      <${Card} flush id="carriers" title=${t('plant.carriers')}><${Carriers} rows=${data.carriers} /><//>
    </div>`;
}

/** @param {{route: string, data: Data}} props */
function RouteCard({ route, data }) {
  const product = data.products.find((/** @type {any} */ each) => each.route === route);
  const note = product && (product.revision === null ? t('plant.unreleased') : t('object.revision', { revision: product.revision }));
  return html`<${Card} title=${t('plant.route', { product: product ? term(product.product, product.name) : route })} note=${note}>
    <${RouteFlow} operations=${data.operations.filter((/** @type {any} */ each) => each.route === route)} />
  <//>`;
}

/** @param {{rows: any[]}} props */
function Stations({ rows }) {
  const columns = [
    { key: 'code', label: t('column.station'), kind: 'code', href: (/** @type {any} */ row) => pageOf('station', row.code) },
    { key: 'name', label: t('column.name'), kind: 'text', render: (/** @type {any} */ row) => nameWord(row.name) },
    { key: 'area', label: t('column.area'), kind: 'code', render: (/** @type {any} */ row) => term(row.area) },
    { key: 'work_center', label: t('column.work_center'), kind: 'code', render: (/** @type {any} */ row) => term(row.work_center) },
    { key: 'operations', label: t('column.operations'), kind: 'text', render: (/** @type {any} */ row) => row.operations.map((/** @type {string} */ each) => operation(each)).join(', ') },
    { key: 'capacity_count', label: t('column.capacity'), kind: 'number' },
    { key: 'carrier', label: t('column.carrier'), kind: 'code', render: (/** @type {any} */ row) => row.carrier && term(row.carrier) },
    { key: 'tools', label: t('column.tools'), kind: 'text', render: (/** @type {any} */ row) => row.tools.map((/** @type {any} */ each) => t('plant.tool', { tool: term(each.code), life: each.life_count })).join(', ') },
  ];
  return html`<${VirtualTable} caption=${t('plant.stations')} columns=${columns} rows=${rows} rowKey="code" hrefOf=${(/** @type {any} */ row) => pageOf('station', row.code)} />`;
}

/** @param {any[]} operations */
const namesOf = (operations) => Object.fromEntries(operations.map((each) => [each.code, each.name]));

/** @param {{rows: any[], operations: any[]}} props */
function Limits({ rows, operations }) {
  const names = namesOf(operations);
  const columns = [
    { key: 'operation', label: t('column.operation'), render: (/** @type {any} */ row) => operation(row.operation, names[row.operation]) },
    { key: 'characteristic', label: t('column.characteristic'), render: (/** @type {any} */ row) => html`<span title=${row.characteristic}>${characteristic(row.characteristic)}</span>` },
    { key: 'lower', label: t('column.limits'), kind: 'code', render: (/** @type {any} */ row) => html`<span class="nowrap">${limitsText(row, row.unit, digitsOf(row.target, row))}</span>` },
    { key: 'target', label: t('column.target'), kind: 'number', render: (/** @type {any} */ row) => (row.target === null ? '' : number(row.target, { digits: digitsOf(row.target, row) })) },
    { key: 'upper', label: t('plant.band'), isFixed: true, render: (/** @type {any} */ row) => html`<span class="measured-bar"><${ValueBar} value=${null} ...${row} label=${row.characteristic} /></span>` },
    { key: 'is_required', label: t('plant.required'), render: (/** @type {any} */ row) => t(row.is_required ? 'plant.yes' : 'plant.no') },
  ];
  return html`<${VirtualTable} caption=${t('plant.limits')} columns=${columns} rows=${rows} />`;
}

/** @param {{rows: any[], operations: any[]}} props */
function Recipes({ rows, operations }) {
  const names = namesOf(operations);
  const columns = [
    { key: 'operation', label: t('column.operation'), render: (/** @type {any} */ row) => operation(row.operation, names[row.operation]) },
    { key: 'recipe', label: t('column.recipe'), kind: 'code' },
    { key: 'revision', label: t('column.revision'), kind: 'number' },
    { key: 'is_released', label: t('column.status'), render: (/** @type {any} */ row) => html`<span class="status-tag">${t(row.is_released ? 'plant.released' : 'plant.draft')}</span>` },
    { key: 'parameters', label: t('plant.parameters'), kind: 'text', render: (/** @type {any} */ row) => html`<span class="code-list">${Object.entries(row.parameters).map(([name, value]) => html`<span key=${name}><span class="code secondary">${name}</span> ${number(/** @type {number} */ (value))}</span>`)}</span>` },
    { key: 'digest', label: t('plant.digest'), kind: 'code', render: (/** @type {any} */ row) => html`<span class="code" title=${row.digest}>${row.digest.slice(0, 16)}…</span>` },
  ];
  return html`<${VirtualTable} caption=${t('plant.recipes')} columns=${columns} rows=${rows} />`;
}

/** @param {{rows: any[]}} props */
function Materials({ rows }) {
  const list = (/** @type {string[]} */ codes) => codes.map((each) => term(each)).join(', ');
  const columns = [
    { key: 'material', label: t('column.material'), kind: 'code', render: (/** @type {any} */ row) => html`<a href="/lots?material=${encodeURIComponent(row.material)}" id="material-${row.material}">${term(row.material, row.name)}</a>` },
    { key: 'measure', label: t('plant.measure'), kind: 'word', area: 'measure' },
    { key: 'made_by', label: t('plant.made_by'), kind: 'text', render: (/** @type {any} */ row) => (row.is_purchased ? t('plant.purchased') : list(row.made_by)) },
    { key: 'used_by', label: t('plant.used_by'), kind: 'text', render: (/** @type {any} */ row) => list(row.used_by) },
    { key: 'shelf_life_s', label: t('plant.shelf_life'), render: (/** @type {any} */ row) => (row.shelf_life_s === null ? '' : duration(row.shelf_life_s * 1e6)) },
  ];
  return html`<${VirtualTable} caption=${t('plant.materials')} columns=${columns} rows=${rows} rowKey="material" />`;
}

/** A product with the design part of its codes, character by character. @param {any} props */
function Product({ product, name, kind, route, revision, design_part, design }) {
  const parts = [
    { text: design.manufacturer, label: t('design.manufacturer') },
    { text: design_part.slice(3, 4), label: design.kind ? t(`thing.${design.kind}`) : t('common.unknown') },
    { text: design.battery_type, label: word('battery_type', design.battery_type) },
    { text: design.specification, label: t('design.specification') },
    { text: design.traceability, label: t('design.traceability') },
  ];
  return html`<${Card} title=${term(product, name)} note=${t(`thing.${kind}`)} id="product-${product}">
    <p class="design" aria-label=${t('design.label', { code: design_part })}>${parts.map((each, index) => html`<span key=${index}><b class="code">${each.text}</b><small>${each.label}</small></span>`)}</p>
    <${KeyValue} items=${[
      { label: t('plant.design_part'), value: html`<span class="code">${design_part}</span>` },
      { label: t('plant.route_of'), value: `${route} ${revision === null ? '' : t('object.revision', { revision })}` },
      { label: t('plant.units_of'), value: html`<a href="/units?kind=${kind}">${t(`kinds.${kind}`)}</a>` },
    ]} />
  <//>`;
}

/** @param {{rows: any[]}} props */
function Carriers({ rows }) {
  const columns = [
    { key: 'code', label: t('column.carrier'), render: (/** @type {any} */ row) => term(row.code) },
    { key: 'prefix', label: t('plant.prefix'), kind: 'code' },
    { key: 'slot_count', label: t('plant.slot_count'), kind: 'number' },
  ];
  return html`<${VirtualTable} caption=${t('plant.carriers')} columns=${columns} rows=${rows} hasTools=${false} />`;
}
