/** A list: what it may be narrowed by, its rows, and honestly how many there are. */
import { html, useState } from '../../vendor/preact.js';
import { number, t } from '../i18n.js';
import { Facet, withQuery } from './facets.js';
import { Icon } from './icon.js';
import { PageHead } from './page_head.js';
import { EmptyState } from './states.js';
import { ExportMenu } from './table_tools.js';
import { VirtualTable } from './virtual_table.js';

/** @typedef {import('../../vendor/preact.js').ComponentChildren} Children */
/** @typedef {import('./table_cells.js').Column} Column */
/** @typedef {{code: string, name: string}} Choice */
/**
 * @typedef {Object} Listing the data of a list, as the server tells it
 * @property {any[]} rows
 * @property {number | null} total_count
 * @property {number} limit
 * @property {number} offset
 * @property {number | null} searched_count
 * @property {number | null} all_count
 * @property {Record<string, string>} filters
 * @property {Record<string, Choice[]>} choices
 * @property {number | null} next_before
 */
/**
 * @param {{title: string, path: string, data: Listing, columns: Column[], rowKey?: string, hasText?: boolean,
 *   hrefOf?: (row: any) => string | null, nameOf: (filter: string, choice: Choice) => string, empty: string, emptyText: string,
 *   actions?: Children, children?: Children}} props `children` stand below the rows
 */
export function ListPage({ title, path, data, columns, rowKey, hasText, hrefOf, nameOf, empty, emptyText, actions, children }) {
  const names = Object.keys(data.choices);
  const isFiltered = Object.keys(data.filters).some((name) => data.filters[name] && name !== 'state');
  return html`<${PageHead} title=${title} aside=${html`<span>${countText(data)}</span>`}>${actions}<${ExportMenu} path=${path} /><//>
    <div class="stack">
      <div class="list-filters">
        ${hasText && html`<${TextFilter} value=${data.filters.q ?? ''} />`}
        ${names.map((name) => html`<${Choose} key=${name} name=${name} choices=${data.choices[name] ?? []} chosen=${data.filters[name] ?? ''} nameOf=${nameOf} />`)}
        ${isFiltered && html`<a class="button button-quiet" href=${path}>${t('list.clear')}</a>`}
      </div>
      ${data.rows.length === 0
        ? html`<${EmptyState} title=${isFiltered ? t('list.none') : empty} text=${isFiltered ? t('list.none_text') : emptyText} />`
        : html`<${VirtualTable} caption=${title} columns=${columns} rows=${data.rows} rowKey=${rowKey} hrefOf=${hrefOf} settings=${path.slice(1)} />`}
      <${Pager} ...${data} />
      ${children}
    </div>`;
}

/** @param {Listing} data */
function countText({ rows, total_count, offset, searched_count, all_count }) {
  if (total_count === null) return t('list.shown', { count: rows.length });
  const range = rows.length === 0 ? '0' : `${number(offset + 1)}\u2013${number(offset + rows.length)}`;
  const text = rows.length === total_count ? t('list.all', { n: total_count }) : t('list.range', { range, total: total_count });
  const isPartial = searched_count !== null && all_count !== null && searched_count < all_count;
  return isPartial ? `${text} ${t('list.searched', { searched: searched_count, all: all_count })}` : text;
}

/** Few choices are chips, many a menu. @param {{name: string, choices: Choice[], chosen: string, nameOf: (filter: string, choice: Choice) => string}} props */
function Choose({ name, choices, chosen, nameOf }) {
  const values = choices.map((each) => ({ value: each.code, label: nameOf(name, each) }));
  if (choices.length <= 4) return html`<${Facet} name=${name} label=${t(`filter.${name}`)} values=${values} chosen=${chosen} />`;
  /** @param {Event} event */
  const go = (event) => {
    const { value } = /** @type {HTMLSelectElement} */ (event.currentTarget);
    window.location.assign(withQuery({ [name]: value || null, offset: null, before: null }));
  };
  return html`<label class="list-select"><span class="facet-name">${t(`filter.${name}`)}</span>
    <select class="input" onChange=${go}>
      <option value="" selected=${chosen === ''}>${t('facet.all')}</option>
      ${values.map(({ value, label }) => html`<option key=${value} value=${value} selected=${chosen === value}>${label}</option>`)}
    </select>
  </label>`;
}

/** @param {{value: string}} props */
function TextFilter({ value }) {
  const [text, setText] = useState(value);
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    window.location.assign(withQuery({ q: text.trim() || null, offset: null, before: null }));
  };
  return html`<form class="search search-small" onSubmit=${submit}>
    <${Icon} name="search" />
    <input class="input code" type="text" name="q" autocomplete="off" spellcheck=${false} aria-label=${t('list.begins')} placeholder=${t('list.begins')} value=${text}
      onInput=${(/** @type {InputEvent} */ event) => setText(/** @type {HTMLInputElement} */ (event.currentTarget).value)} />
  </form>`;
}

/** @param {Listing} data */
function Pager({ rows, total_count, limit, offset, next_before }) {
  const hasNext = total_count !== null && next_before === null && offset + rows.length < total_count && rows.length > 0;
  if (!hasNext && offset === 0 && next_before === null) return null;
  return html`<nav class="row" aria-label=${t('list.pages')}>
    ${offset > 0 && html`<a class="button" rel="prev" href=${withQuery({ offset: offset > limit ? String(offset - limit) : null })}><${Icon} name="arrow-left" />${t('list.newer')}</a>`}
    ${hasNext && html`<a class="button" rel="next" href=${withQuery({ offset: String(offset + limit) })}>${t('list.older')}<${Icon} name="arrow-right" /></a>`}
    ${next_before !== null && html`<a class="button" rel="next" href=${withQuery({ before: String(next_before) })}>${t('list.older')}<${Icon} name="arrow-right" /></a>`}
  </nav>`;
}
