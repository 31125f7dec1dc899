import { html, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../../vendor/preact.js';
import { number, t } from '../i18n.js';
import { bind, isField } from '../keyboard.js';
import { EmptyState } from './states.js';
import { Icon } from './icon.js';
import { TableTools } from './table_tools.js';
import { byColumn, Cell, cellText, heading, isNumeric } from './table_cells.js';

/** @typedef {import('./table_cells.js').Column} Column */
/** @typedef {import('./table_cells.js').Row} Row */
/** @typedef {{key: string, isDescending: boolean}} Sort */
/**
 * @typedef {Object} TableProps
 * @property {string} caption what the table holds; read aloud
 * @property {Column[]} columns
 * @property {Row[]} rows
 * @property {string} [rowKey] the field that tells rows apart; else their number
 * @property {number} [totalCount] how many there are when `rows` are only the first
 * @property {Sort} [sort] how it is sorted at first
 * @property {(row: Row) => string | null | undefined} [hrefOf] where Enter and a double click lead
 * @property {string} [exportPath] the page's path: adds links to .csv .xlsx .parquet .json with its query
 * @property {boolean} [hasTools] filter, columns, copy; without, a plain table
 * @property {string} [empty] said when there is no row
 * @property {string} [settings] a name under which the picked columns are kept
 */

/** More rows than this are drawn only where they can be seen. */
const PLAIN_ROWS = 200;
const SPARE_ROWS = 12;
/** Paper takes fewer than a file: the export gives all. */
const PRINTED_ROWS = 2_000;

/** @param {TableProps} props */
export function VirtualTable(props) {
  const { caption, columns, rows, totalCount, exportPath, hasTools = true, empty, settings } = props;
  const [sort, setSort] = useState(/** @type {Sort | undefined} */ (props.sort));
  const [filter, setFilter] = useState('');
  const [hidden, setHidden] = useHidden(columns, settings);
  const shownColumns = useMemo(() => columns.filter(({ key }) => !hidden.has(key)), [columns, hidden]);
  const shownRows = useMemo(() => arrange(rows, shownColumns, filter, sort), [rows, shownColumns, filter, sort]);
  const tools = { caption, columns, hidden, setHidden, filter, setFilter, shownColumns, shownRows, exportPath };
  return html`<div class="table-block">
    ${hasTools && html`<${TableTools} ...${tools} />`}
    ${shownRows.length === 0
      ? html`<${EmptyState} title=${filter ? t('table.no_match') : (empty ?? t('table.empty'))} />`
      : html`<${Body} ...${props} columns=${shownColumns} rows=${shownRows} sort=${sort} setSort=${setSort} />`}
    ${hasTools && html`<p class="table-count" role="status">${countText(shownRows.length, rows.length, totalCount)}</p>`}
  </div>`;
}

/** @param {number} shown @param {number} loaded @param {number} [total] */
function countText(shown, loaded, total = loaded) {
  if (total > loaded) return t('table.count_first', { loaded: number(loaded), total: number(total), shown: number(shown) });
  if (shown < loaded) return t('table.count_filtered', { shown: number(shown), total: number(loaded) });
  return t('table.count', { n: loaded });
}

/** @param {Column[]} columns @param {string} [settings] @returns {[Set<string>, (value: Set<string>) => void]} */
function useHidden(columns, settings) {
  const name = `cw.columns.${settings}`;
  const [hidden, set] = useState(() => {
    const kept = settings ? localStorage.getItem(name) : null;
    if (kept !== null) return new Set(kept.split(' '));
    return new Set(columns.filter(({ isHidden }) => isHidden).map(({ key }) => key));
  });
  const keep = useCallback(
    (/** @type {Set<string>} */ value) => {
      set(value);
      if (settings) localStorage.setItem(name, [...value].join(' '));
    },
    [settings],
  );
  return [hidden, keep];
}

/** @param {Row[]} rows @param {Column[]} columns @param {string} filter @param {Sort} [sort] */
function arrange(rows, columns, filter, sort) {
  const wanted = filter.trim().toLowerCase();
  const kept = wanted
    ? rows.filter((row) => columns.some((column) => cellText(column, row).toLowerCase().includes(wanted)))
    : rows;
  const column = columns.find(({ key }) => key === sort?.key);
  return column && sort ? kept.toSorted(byColumn(column, sort.isDescending)) : kept;
}

/** Which rows are in sight, and how to bring one there. @param {number} count @param {boolean} isVirtual */
function useWindow(count, isVirtual) {
  const scroller = useRef(/** @type {HTMLDivElement | null} */ (null));
  const [view, setView] = useState({ start: 0, end: PLAIN_ROWS, row_px: 32 });
  const [isPrinting, setPrinting] = useState(false);
  const measure = useCallback(() => {
    const box = scroller.current;
    const row = box?.querySelector('tbody tr[data-index]');
    if (!box || !row) return;
    const row_px = row.getBoundingClientRect().height || 32;
    const start = Math.max(0, Math.floor(box.scrollTop / row_px) - SPARE_ROWS);
    const end = start + Math.ceil(box.clientHeight / row_px) + 2 * SPARE_ROWS;
    setView((old) => (old.start === start && old.end === end && old.row_px === row_px ? old : { start, end, row_px }));
  }, []);
  useLayoutEffect(() => {
    if (!isVirtual) return undefined;
    measure();
    const observer = new ResizeObserver(measure);
    if (scroller.current) observer.observe(scroller.current);
    const [begin, end] = [() => setPrinting(true), () => setPrinting(false)];
    window.addEventListener('beforeprint', begin);
    window.addEventListener('afterprint', end);
    return () => {
      observer.disconnect();
      window.removeEventListener('beforeprint', begin);
      window.removeEventListener('afterprint', end);
    };
  }, [isVirtual, count]);
  if (!isVirtual) return { scroller, measure, start: 0, end: count, row_px: 0 };
  if (isPrinting) return { scroller, measure, start: 0, end: Math.min(count, PRINTED_ROWS), row_px: 0 };
  return { scroller, measure, ...view, end: Math.min(count, view.end) };
}

/** J and K, arrows, Home and End move along the rows; Enter opens. @param {number} count @param {(index: number) => void} open */
function useActiveRow(count, open) {
  const [active, setActive] = useState(-1);
  const latest = useRef({ active, count, open });
  latest.current = { active, count, open };
  /** @param {number} by */
  const move = (by) => setActive((old) => Math.max(0, Math.min(latest.current.count - 1, old + by)));
  useEffect(
    () =>
      bind([
        { keys: 'j', label: t('keys.row_down'), run: () => move(1) },
        { keys: 'k', label: t('keys.row_up'), run: () => move(-1) },
        { keys: 'Enter', label: t('keys.row_open'), run: () => latest.current.active >= 0 && latest.current.open(latest.current.active) },
      ]),
    [],
  );
  return { active, setActive, move };
}

/** @param {TableProps & {sort?: Sort, setSort: (sort: Sort | undefined) => void}} props */
function Body({ caption, columns, rows, rowKey, hrefOf, sort, setSort }) {
  const isVirtual = rows.length > PLAIN_ROWS;
  const { scroller, measure, start, end, row_px } = useWindow(rows.length, isVirtual);
  /** @param {number} index */
  const open = (index) => {
    const row = rows[index];
    const href = row && hrefOf?.(row);
    if (href) window.location.assign(href);
  };
  const { active, setActive, move } = useActiveRow(rows.length, open);
  useEffect(() => showRow(scroller.current, active, row_px), [active]);
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1, Home: -rows.length, End: rows.length, PageDown: 10, PageUp: -10 }[event.key];
    if (by === undefined || isField(event.target)) return;
    event.preventDefault();
    move(by);
  };
  return html`<div class="table-scroll ${isVirtual ? 'table-virtual' : ''}" ref=${scroller} onScroll=${isVirtual ? measure : undefined}
    tabindex="0" role="region" aria-label=${caption} onKeyDown=${onKeyDown}>
    <table class="table" aria-rowcount=${rows.length + 1}>
      <caption class="visually-hidden">${caption}</caption>
      <${Head} ...${{ columns, sort, setSort }} />
      <tbody>
        <${Spacer} height_px=${start * row_px} span=${columns.length} />
        ${rows.slice(start, end).map((row, offset) => {
          const index = start + offset;
          const key = rowKey ? row[rowKey] : index;
          return html`<${RowView} key=${key} ...${{ columns, row, index, isActive: index === active, setActive, open: hrefOf && open }} />`;
        })}
        <${Spacer} height_px=${(rows.length - end) * row_px} span=${columns.length} />
      </tbody>
    </table>
    ${row_px === 0 && end < rows.length && html`<p class="table-count">${t('table.printed', { shown: end, n: rows.length })}</p>`}
  </div>`;
}

/** Bring a row into sight and give it the focus once it is drawn.
 * @param {HTMLDivElement | null} box @param {number} index @param {number} row_px 0: all rows are drawn */
function showRow(box, index, row_px) {
  if (!box || index < 0) return;
  const head_px = box.querySelector('thead')?.getBoundingClientRect().height ?? 0;
  if (row_px > 0) {
    const top = index * row_px;
    const below = top + row_px + head_px - box.clientHeight;
    if (box.scrollTop > top) box.scrollTop = top;
    else if (box.scrollTop < below) box.scrollTop = below;
  }
  window.requestAnimationFrame(() => {
    const row = box.querySelector(`tr[data-index="${index}"]`);
    if (row instanceof HTMLElement) row.focus({ preventScroll: row_px > 0 });
  });
}

/** @param {{height_px: number, span: number}} props */
function Spacer({ height_px, span }) {
  if (height_px <= 0) return null;
  return html`<tr class="table-spacer" aria-hidden="true"><td colspan=${span} style=${{ height: `${height_px}px` }}></td></tr>`;
}

/** @param {{columns: Column[], sort?: Sort, setSort: (sort: Sort | undefined) => void}} props */
function Head({ columns, sort, setSort }) {
  /** @param {string} key */
  const press = (key) => {
    if (sort?.key !== key) setSort({ key, isDescending: false });
    else setSort(sort.isDescending ? undefined : { key, isDescending: true });
  };
  return html`<thead>
    <tr>
      ${columns.map((column) => {
        const isSorted = sort?.key === column.key;
        const order = isSorted ? (sort?.isDescending ? 'descending' : 'ascending') : 'none';
        return html`<th key=${column.key} scope="col" class=${isNumeric(column) ? 'num' : ''} aria-sort=${column.isFixed ? undefined : order}>
          ${column.isFixed
            ? column.label
            : html`<button type="button" class="table-sort" onClick=${() => press(column.key)}>
                <span>${heading(column)}</span>
                <${Icon} name=${order === 'descending' ? 'sort-down' : 'sort-up'} />
              </button>`}
        </th>`;
      })}
    </tr>
  </thead>`;
}

/** @param {{columns: Column[], row: Row, index: number, isActive: boolean, setActive: (index: number) => void, open?: (index: number) => void}} props */
function RowView({ columns, row, index, isActive, setActive, open }) {
  return html`<tr data-index=${index} aria-rowindex=${index + 2} data-active=${isActive} tabindex="-1"
    onClick=${() => setActive(index)} onDblClick=${open && (() => open(index))}>
    ${columns.map(
      (column) => html`<td key=${column.key} class="${isNumeric(column) ? 'num' : ''} kind-${column.kind ?? 'text'}">
        <${Cell} column=${column} row=${row} />
      </td>`,
    )}
  </tr>`;
}
