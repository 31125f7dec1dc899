/** Where what a thing was made of was worked on: stations, recipes, tools, carriers with the channels, roles. */
import { html } from '../../../vendor/preact.js';
import { Card } from '../../components/page_head.js';
import { VirtualTable } from '../../components/virtual_table.js';
import { dateTime, has, list, number, t } from '../../i18n.js';
import { operation, pageOf } from '../../objects.js';

const NAMED = 3;

/** @typedef {Record<string, any>} Row */

/** The first of some names, and how many more there are. @param {(string | number)[]} names */
const few = (names) => [...names.slice(0, NAMED), ...(names.length > NAMED ? [t('commonality.more', { n: names.length - NAMED, count: names.length - NAMED })] : [])].join(', ');

/** @param {Row} row */
const recipeText = ({ recipe, recipe_revision }) => (recipe ? t('trace.recipe', { recipe, revision: recipe_revision }) : '');

/** Slots in a row as a range. @param {number[]} slots ascending */
function rangesText(slots) {
  /** @type {number[][]} */
  const ranges = [];
  for (const slot of slots) {
    const last = ranges.at(-1);
    if (last && last[1] === slot - 1) last[1] = slot;
    else ranges.push([slot, slot]);
  }
  return few(ranges.map(([from, to]) => (from === to ? number(from) : `${number(from)}\u2013${number(to)}`)));
}

/** @param {Row} row */
const placeText = ({ carriers, channels }) => (channels.length > 0 ? `${few(carriers)} (${rangesText(channels)})` : few(carriers));

/** @param {Row} row */
const toolsText = ({ tools }) => list(tools.map((/** @type {Row} */ { code, fitted_us }) => `${code} (${fitted_us === null ? t('factor.fitted_first') : t('factor.fitted', { time: dateTime(fitted_us) })})`));

/** @param {Row} row */
const rolesText = ({ roles }) => (roles.length > 0 ? list(roles.map((/** @type {string} */ each) => (has(`role.${each}`) ? t(`role.${each}`) : each))) : t('trace.machine'));

/** @param {{rows: Row[], left_out_count: number, levelName: (level: string, count?: number) => string}} props */
export function WorkedAt({ rows, left_out_count, levelName }) {
  const shown = rows.map((row, index) => ({
    ...row,
    place: index,
    things: `${number(row.count)} ${levelName(row.level, row.count)}`,
    done: operation(row.operation),
    recipe_text: recipeText(row),
    tools_text: toolsText(row),
    place_text: placeText(row),
    roles_text: rolesText(row),
  }));
  const columns = [
    { key: 'things', label: t('trace.worked_on') },
    { key: 'done', label: t('column.operation') },
    { key: 'station', label: t('column.station'), kind: 'code', href: (/** @type {Row} */ row) => pageOf('station', row.station) },
    { key: 'recipe_text', label: t('column.recipe') },
    { key: 'tools_text', label: t('recall.tool') },
    { key: 'place_text', label: t('trace.place') },
    { key: 'roles_text', label: t('trace.roles') },
    { key: 'to_us', label: t('column.time'), kind: 'time' },
    { key: 'basis', label: t('column.surety'), kind: 'word', area: 'basis' },
  ];
  const isEmpty = (/** @type {string} */ key) => ['recipe_text', 'tools_text', 'place_text'].includes(key) && shown.every((row) => !(/** @type {Row} */ (row)[key]));
  return html`<${Card} flush id="worked-at" title=${t('trace.work')} note=${left_out_count > 0 ? t('trace.work_left_out', { n: left_out_count }) : number(rows.length)}>
    <${VirtualTable} caption=${t('trace.work')} columns=${columns.filter(({ key }) => !isEmpty(key))} rows=${shown} rowKey="place" hasTools=${rows.length > 8} settings="worked_at" hrefOf=${(/** @type {Row} */ row) => pageOf('station', row.station)} />
  <//>`;
}
