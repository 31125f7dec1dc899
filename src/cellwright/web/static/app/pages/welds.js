/** The welds of a module: their map, their curves over each other, what each took, and the samples that speak for them. */
import { html } from '../../vendor/preact.js';
import { WeldCurves } from '../charts/weld_curves.js';
import { Card, PageHead } from '../components/page_head.js';
import { EmptyState } from '../components/states.js';
import { Taken } from '../components/samples_taken.js';
import { ExportMenu } from '../components/table_tools.js';
import { VirtualTable } from '../components/virtual_table.js';
import { number, t } from '../i18n.js';
import { addressOf, pageOf } from '../objects.js';

/** @typedef {Record<string, any>} Data */

const [SIDE, IN_ROW] = [24, 20];

/** @param {{boot: import('../boot.js').Boot}} props */
export default function WeldsPage({ boot }) {
  const { code, kind, welds, samples } = boot.data;
  const steps = [{ label: t('page.units'), href: '/units' }, { label: `${t(`thing.${kind}`)} ${code}`, href: pageOf('unit', code) }];
  const outliers = welds.filter((/** @type {Data} */ each) => each.is_outlier).length;
  return html`<${PageHead} title=${t('page.welds')} code=${code} steps=${steps}><${ExportMenu} path=${addressOf('welds', code)} /><//>
    <div class="stack">
      ${welds.length === 0 && html`<${Card} title=${t('page.welds')}><${EmptyState} title=${t('weld.none')} text=${t('weld.none_text')} /><//>`}
      ${welds.length > 0 && html`<${Card} id="map" title=${t('weld.map')} note=${t('weld.outliers', { n: outliers, total: welds.length })}><${WeldMap} welds=${welds} /><//>
        <${Card} id="curves" title=${t('weld.curves')}><${WeldCurves} welds=${welds} grid=${boot.data.grid} shapes=${boot.data.shapes} /><//>
        <${Card} id="welds" title=${t('page.welds')} flush><${WeldTable} welds=${welds} /><//>`}
      <${Card} id="samples" title=${t('sample.title')} note=${t('weld.samples_note')}>
        ${samples.length === 0 ? html`<${EmptyState} title=${t('sample.none')} />` : html`<${Taken} rows=${samples} />`}
      <//>
    </div>`;
}

/** @param {{welds: Data[]}} props */
function WeldMap({ welds }) {
  const rows = Math.ceil(welds.length / IN_ROW);
  return html`<svg viewBox="0 0 ${IN_ROW * SIDE} ${rows * SIDE}" role="img" aria-label=${t('weld.map')} width="100%">
    ${welds.map((weld, index) => {
      const [x, y] = [(index % IN_ROW) * SIDE, Math.floor(index / IN_ROW) * SIDE];
      return html`<g key=${index} class=${weld.is_outlier ? 'late' : 'muted'} data-weld=${weld.weld} data-outlier=${weld.is_outlier}>
        <title>${`${t('weld.weld')} ${weld.weld}: ${said(weld.energy_j)} J, ${said(weld.duration_ms)} ms`}</title>
        <rect x=${x + 1} y=${y + 1} width=${SIDE - 2} height=${SIDE - 2} fill="currentColor" fill-opacity=${weld.is_outlier ? 0.35 : 0.1} stroke="currentColor" stroke-width=${weld.is_outlier ? 2 : 0.5} />
        <text x=${x + SIDE / 2} y=${y + SIDE / 2 + 3} font-size="9" text-anchor="middle" fill="currentColor">${weld.weld}</text>
      </g>`;
    })}
  </svg>`;
}

/** @param {{welds: Data[]}} props */
function WeldTable({ welds }) {
  const columns = [
    { key: 'weld', label: t('weld.weld'), kind: 'number' },
    { key: 'energy_j', label: t('weld.energy'), unit: 'J', kind: 'number', digits: 1 },
    { key: 'peak_a', label: t('weld.peak'), unit: 'A', kind: 'number', digits: 0 },
    { key: 'duration_ms', label: t('weld.duration'), unit: 'ms', kind: 'number', digits: 0 },
    { key: 'resistance_uohm', label: t('weld.resistance'), unit: 'µΩ', kind: 'number', digits: 0 },
    { key: 'shape_off_sigma', label: t('weld.shape'), unit: 'σ', kind: 'number', digits: 1 },
    { key: 'outlier', label: t('weld.outlier') },
  ];
  const table = [...welds].sort((a, b) => Number(b.is_outlier) - Number(a.is_outlier) || a.weld - b.weld).map((weld) => ({ ...weld, outlier: weld.is_outlier ? t('weld.unlike') : '' }));
  return html`<${VirtualTable} caption=${t('page.welds')} columns=${columns} rows=${table} />`;
}

/** @param {number | null} value */
const said = (value) => number(value, { digits: 1 });
