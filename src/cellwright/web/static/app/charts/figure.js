import { html, useState } from '../../vendor/preact.js';
import { t } from '../i18n.js';
import { EmptyState } from '../components/states.js';
import { Icon } from '../components/icon.js';

/** @typedef {import('../../vendor/preact.js').ComponentChildren} Children */
/** @typedef {{headings: string[], rows: (string | number)[][]}} ChartTable */

/**
 * The frame of every chart: title with unit, a read-out in its corner, the picture, and the same as a table.
 * @param {{title: string, unit?: string, sentence: string, table: () => ChartTable, read?: Children, note?: Children,
 *   isEmpty?: boolean, hasLinks?: boolean, children?: Children}} props
 * `hasLinks`: what is drawn can be followed, so it is a group and no picture.
 */
export function Figure({ title, unit, sentence, table, read, note, isEmpty, hasLinks, children }) {
  const [isTable, setTable] = useState(false);
  const picture = html`<div class="chart-body" role=${hasLinks ? 'group' : 'img'} aria-label=${sentence}>${children}</div>`;
  return html`<figure class="chart">
    <div class="chart-head">
      <figcaption class="chart-title">${title}${unit && html` <span class="chart-unit">${unit}</span>`}</figcaption>
      <span class="chart-read" aria-hidden="true">${read}</span>
      ${!isEmpty &&
      html`<button type="button" class="icon-button" aria-pressed=${isTable} aria-label=${t(isTable ? 'chart.chart' : 'chart.table')}
        title=${t(isTable ? 'chart.chart' : 'chart.table')} onClick=${() => setTable(!isTable)}>
        <${Icon} name=${isTable ? 'chart' : 'table'} />
      </button>`}
    </div>
    ${isEmpty ? html`<${EmptyState} title=${t('chart.empty')} />` : isTable ? html`<${TableView} ...${table()} caption=${title} />` : picture}
    ${note && !isEmpty && html`<p class="chart-note">${note}</p>`}
  </figure>`;
}

const TABLE_ROWS = 500;

/** @param {ChartTable & {caption: string}} props */
function TableView({ headings, rows, caption }) {
  return html`<div class="table-scroll chart-table" tabindex="0" role="region" aria-label=${caption}>
    <table class="table">
      <thead><tr>${headings.map((text, index) => html`<th key=${text} scope="col" class=${index > 0 ? 'num' : ''}>${text}</th>`)}</tr></thead>
      <tbody>
        ${rows.slice(-TABLE_ROWS).map(
          (cells, index) => html`<tr key=${index}>${cells.map((text, at) => html`<td key=${at} class=${at > 0 ? 'num' : ''}>${text}</td>`)}</tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
