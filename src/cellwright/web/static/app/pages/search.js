/** What a text names or begins: hits with their kinds, or what was tried and what to do. */
import { html } from '../../vendor/preact.js';
import { PageHead } from '../components/page_head.js';
import { SearchScan } from '../components/search_scan.js';
import { EmptyState } from '../components/states.js';
import { VirtualTable } from '../components/virtual_table.js';
import { has, t } from '../i18n.js';
import { term } from '../objects.js';
import { openCode } from '../scan.js';

/** @param {{boot: {data: any}}} props */
export default function SearchPage({ boot: { data } }) {
  return html`<${PageHead} title=${t('page.search')} code=${data.query} />
    <div class="stack">
      <${SearchScan} onCode=${openCode} isLarge hasFocus=${data.hits.length === 0} />
      ${data.hits.length > 0 ? html`<p class="secondary">${t(data.is_exact ? 'search.several' : 'search.begun', { n: data.hits.length })}</p><${Hits} hits=${data.hits} />` : html`<${Nothing} ...${data} />`}
    </div>`;
}

/** @param {{hits: any[]}} props */
function Hits({ hits }) {
  /** @param {any} row */
  const statusText = ({ kind, status }) => {
    const key = kind === 'lot' ? `lot_status.${status}` : kind === 'order' ? `order_status.${status}` : `unit_status.${status}`;
    return status && has(key) ? t(key) : status;
  };
  const columns = [
    { key: 'kind', label: t('column.kind'), kind: 'word', area: 'thing' },
    { key: 'code', label: t('column.code'), kind: 'code', href: (/** @type {any} */ row) => row.path },
    { key: 'about', label: t('column.about'), render: (/** @type {any} */ row) => row.about && term(row.kind === 'operation' || row.kind === 'material' || row.kind === 'product' ? row.code : row.about, row.about) },
    { key: 'status', label: t('column.status'), kind: 'code', render: statusText },
  ];
  return html`<${VirtualTable} caption=${t('page.search')} columns=${columns} rows=${hits} hasTools=${false} hrefOf=${(/** @type {any} */ row) => row.path} />`;
}

/** @param {{query: string, tried: string[]}} props */
function Nothing({ query, tried }) {
  if (!query) return html`<${EmptyState} title=${t('search.ask')} text=${t('search.ask_text')} />`;
  return html`<${EmptyState} title=${t('search.nothing', { query })} text=${t('search.nothing_text')}>
    <a class="button" href="/units">${t('page.units')}</a><a class="button" href="/lots">${t('page.lots')}</a>
  <//>
  ${tried.length > 0 && html`<p class="caption">${t('search.tried')} <span class="code-list">${tried.map((each) => html`<span class="tag code" key=${each}>${each}</span>`)}</span></p>`}`;
}
