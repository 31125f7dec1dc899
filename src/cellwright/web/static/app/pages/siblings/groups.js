/** Groups of causes from the narrowest to the widest: how many siblings, with all above, in what, and where these are. */
import { html } from '../../../vendor/preact.js';
import { VirtualTable } from '../../components/virtual_table.js';
import { list, number, t } from '../../i18n.js';
import { term } from '../../objects.js';
import { Causes, causeText } from './causes.js';

const PLACES_SHOWN = 3;
const SURETY = ['exact', 'interval', 'lot'];

/** @param {any} group */
const weakest = ({ causes }) => SURETY[Math.max(...causes.map((/** @type {any} */ each) => SURETY.indexOf(each.basis)))] ?? 'lot';

/** @param {any} group */
function heldIn({ levels, vehicles_count }) {
  if (levels === null) return t('siblings.not_followed');
  const named = [...['cell', 'module', 'pack'].map((kind) => [kind, levels[kind]]), ['vehicle', vehicles_count || undefined]];
  return list(named.filter(([, count]) => count !== undefined).map(([kind, count]) => t(`siblings.n_${kind}`, { n: count })));
}

/** Where the outermost are, the most first. @param {any} group @returns {string[]} */
function placesOf({ places }) {
  if (places === null) return [];
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { product, status, station, units_count } of places) {
    const where = [term(product), t(`unit_status.${status}`), station].filter(Boolean).join(' ');
    counts.set(where, (counts.get(where) ?? 0) + units_count);
  }
  return [...counts].sort(([, a], [, b]) => b - a).map(([where, count]) => t('siblings.n_of', { n: number(count), where }));
}

/** How many siblings, as a link to the question that lists them. @param {any} group */
function Count({ siblings_count, path, rank }) {
  const shown = siblings_count === null ? t('siblings.too_many') : number(siblings_count);
  return html`<a class="sibling-count" href=${path} aria-label=${t('siblings.show_nth', { count: shown, n: rank })}>${shown}</a>`;
}

/** @param {{places: string[]}} props */
function Places({ places }) {
  const more = places.length - PLACES_SHOWN;
  return html`<ul class="level-list">
    ${places.slice(0, PLACES_SHOWN).map((each) => html`<li key=${each}>${each}</li>`)}
    ${more > 0 && html`<li class="muted">${t('siblings.more_places', { n: more })}</li>`}
  </ul>`;
}

/** @param {{groups: any[]}} props */
export function Groups({ groups }) {
  const rows = groups.map((group, index) => ({ ...group, rank: index + 1, name: group.causes.map(causeText).join(' = '), held_in: heldIn(group), where: placesOf(group), basis: weakest(group), path: group.causes[0].path }));
  const columns = [
    { key: 'rank', label: t('commonality.rank'), kind: 'number' },
    { key: 'name', label: t('siblings.shared'), render: (/** @type {any} */ row) => html`<div class="sibling-causes"><${Causes} causes=${row.causes} /></div>` },
    { key: 'siblings_count', label: t('siblings.count'), kind: 'number', render: (/** @type {any} */ row) => html`<${Count} ...${row} />` },
    { key: 'together_count', label: t('siblings.together'), kind: 'number', render: (/** @type {any} */ row) => (row.together_count === null ? html`<span class="muted">${t('siblings.too_many')}</span>` : number(row.together_count)) },
    { key: 'held_in', label: t('siblings.held_in') },
    { key: 'where', label: t('recall.places'), render: (/** @type {any} */ row) => html`<${Places} places=${row.where} />` },
    { key: 'held_count', label: t('recall.held_already'), kind: 'number', isHidden: true },
    { key: 'basis', label: t('column.surety'), kind: 'word', area: 'basis' },
  ];
  return html`<${VirtualTable} caption=${t('siblings.groups')} columns=${columns} rows=${rows} rowKey="rank" hasTools=${false} hrefOf=${(/** @type {any} */ row) => row.path} settings="sibling_groups" />`;
}
