import { html } from '../../vendor/preact.js';
import { t } from '../i18n.js';
import { Icon } from './icon.js';
import { Menu } from './menu.js';
import { copy, tsv } from './table_cells.js';
import { toast } from './toast.js';

/** @typedef {import('./table_cells.js').Column} Column */
/** @typedef {import('./table_cells.js').Row} Row */

/** As many rows as the server gives at once. */
const EXPORT_ROWS = '5000';

/** The same data as files: links that keep what the page was asked for, but not where it was cut.
 * @param {{path: string, table?: string}} props `table` stands first, where the page has several */
export function ExportMenu({ path, table }) {
  const query = new URLSearchParams(window.location.search);
  for (const name of ['before', 'offset']) query.delete(name);
  query.set('limit', EXPORT_ROWS);
  if (table) query.set('table', table);
  return html`<${Menu} icon="download" label=${t('table.export')}>
    ${['csv', 'xlsx', 'parquet', 'json'].map(
      (kind) => html`<a key=${kind} class="menu-item" href="${path}.${kind}?${query}" download>${t(`table.export_${kind}`)}</a>`,
    )}
  <//>`;
}

/**
 * Filter, columns, copy and export of a table.
 * @param {{caption: string, columns: Column[], hidden: Set<string>, setHidden: (value: Set<string>) => void, filter: string,
 *   setFilter: (value: string) => void, shownColumns: Column[], shownRows: Row[], exportPath?: string}} props
 */
export function TableTools({ caption, columns, hidden, setHidden, filter, setFilter, shownColumns, shownRows, exportPath }) {
  const copyRows = () => copy(tsv(shownColumns, shownRows)).then(() => toast(t('table.copied', { n: shownRows.length })));
  return html`<div class="table-tools" role="toolbar" aria-label=${t('table.tools', { caption })}>
    <label class="search search-small">
      <${Icon} name="filter" />
      <input class="input" type="text" aria-label=${t('table.filter')} placeholder=${t('table.filter')} value=${filter} spellcheck=${false}
        onInput=${(/** @type {InputEvent} */ event) => setFilter(/** @type {HTMLInputElement} */ (event.currentTarget).value)} />
    </label>
    <span class="table-tools-end">
      <${Menu} icon="columns" label=${t('table.columns')}><${ColumnPicker} ...${{ columns, hidden, setHidden }} /><//>
      <button type="button" class="button button-quiet" onClick=${copyRows}><${Icon} name="copy" /><span>${t('table.copy')}</span></button>
      ${exportPath && html`<${ExportMenu} path=${exportPath} />`}
    </span>
  </div>`;
}

/** @param {{columns: Column[], hidden: Set<string>, setHidden: (value: Set<string>) => void}} props */
function ColumnPicker({ columns, hidden, setHidden }) {
  /** @param {string} key */
  const toggle = (key) => {
    const next = new Set(hidden);
    if (!next.delete(key)) next.add(key);
    if (next.size < columns.length) setHidden(next);
  };
  return columns
    .filter(({ isFixed }) => !isFixed)
    .map(
      ({ key, label }) => html`<label class="menu-item check" key=${key}>
        <input type="checkbox" checked=${!hidden.has(key)} onChange=${() => toggle(key)} /><span>${label}</span>
      </label>`,
    );
}
