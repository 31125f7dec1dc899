/** A genealogy: how many of each level first, then a tree that opens step by step, and the flow from lots to packs. */
import { html, useEffect, useState } from '../../vendor/preact.js';
import { getJson } from '../api.js';
import { Sankey } from '../charts/sankey.js';
import { withQuery } from '../components/facets.js';
import { KinTree, levelName } from '../components/kin_tree.js';
import { KnownBanner } from '../components/known_banner.js';
import { Menu } from '../components/menu.js';
import { NarrowForm } from '../components/narrow_form.js';
import { Card, PageHead } from '../components/page_head.js';
import { EmptyState, ErrorState, Skeleton } from '../components/states.js';
import { number, t } from '../i18n.js';
import { addressOf, pageOf, stretch } from '../objects.js';

/** @param {{boot: {data: any}}} props */
export default function GenealogyPage({ boot: { data } }) {
  const { subject, subject_kind, direction, levels } = data;
  const isAlone = levels.length === 1 && levels[0].nodes_count === 1;
  const query = new URLSearchParams(window.location.search);
  query.set('direction', direction);
  query.delete('as_of');
  return html`<${PageHead} title=${t(`trace.title_${direction}`)} code=${subject} steps=${[{ label: `${t(subject_kind === 'lot' ? 'thing.lot' : 'thing.unit')} ${subject}`, href: pageOf(subject_kind, subject) }]}>
      <nav class="segments" aria-label=${t('trace.direction')}>
        ${['backward', 'forward'].map((each) => html`<a key=${each} aria-current=${each === direction ? 'true' : undefined} href=${withQuery({ direction: each })}>${t(`trace.${each}`)}</a>`)}
      </nav>
      <a class="button" href=${`${pageOf('trace', subject)}?${query}`}>${t('page.trace')}</a>
      ${subject_kind === 'unit' && html`<a class="button" href=${pageOf('siblings', subject)}>${t('page.siblings')}</a>`}
      <${Files} subject=${subject} query=${query.toString()} />
    <//>
    <div class="stack">
      <${NarrowForm} ...${data} />
      <${KnownBanner} ...${data} />
      ${data.start !== null || data.end !== null || data.lane ? html`<${Section} ...${data} />` : ''}
      <ol class="chain chain-plain" aria-label=${t('trace.levels')}>
        ${levels.map((/** @type {any} */ each) => html`<li key=${each.level}><a href="#${each.level}"><b>${number(each.nodes_count)}</b><span>${levelName(each.level, each.nodes_count)}</span><small>${t(`basis.${each.basis}`)}</small></a></li>`)}
      </ol>
      ${isAlone
        ? html`<${EmptyState} title=${t(`trace.nothing_${direction}`)} text=${t('trace.nothing_text')} />`
        : html`<${Card} id="flow"><div class="flow-card"><${FlowFigure} subject=${subject} query=${query.toString()} /></div><//>
          <${Card} flush id="tree" title=${t('kin.title')} note=${html`<span class="screen-only">${t('kin.note')}</span>`}><${KinTree} subject=${subject} query=${query.toString()} levels=${levels} label=${t('kin.title')} /><//>`}
    </div>`;
}

/** Everything that was reached, as files that are sent while they are made. @param {{subject: string, query: string}} props */
function Files({ subject, query }) {
  return html`<${Menu} icon="download" label=${t('table.export')}>
    ${['units', 'lots'].map((name) =>
      ['csv', 'parquet', 'json'].map((kind) => html`<a key=${kind} class="menu-item" href="${addressOf('genealogy', subject)}/${name}.${kind}?${query}" download>${t(`kin.file_${name}`)}: ${t(`table.export_${kind}`)}</a>`),
    )}
  <//>`;
}

/** The flow, which is read once the page stands. @param {{subject: string, query: string}} props */
function FlowFigure({ subject, query }) {
  const [flow, setFlow] = useState(/** @type {any} */ (null));
  const [hasFailed, setFailed] = useState(false);
  const read = () => {
    setFailed(false);
    getJson(`${pageOf('api/v1/genealogy-flow', subject)}?${query}`).then(setFlow, () => setFailed(true));
  };
  useEffect(read, []);
  if (hasFailed) return html`<${ErrorState} onRetry=${read} />`;
  return flow ? html`<${Sankey} flow=${flow} subject=${subject} />` : html`<${Skeleton} lines=${6} />`;
}

/** What of the lot was asked for. @param {{start: number | null, end: number | null, lane: number, quantity: number, measure: string}} props */
function Section({ start, end, lane, quantity, measure }) {
  const part = stretch(start ?? 0, end ?? quantity, measure);
  return html`<p class="secondary">${lane ? t('kin.section_lane', { part, lane }) : t('kin.section', { part })}</p>`;
}
