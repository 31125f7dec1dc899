/** What was and what is: the fields of a record that an entry tells of. */
import { html } from '../../../vendor/preact.js';
import { dateTime, has, list, t, word } from '../../i18n.js';

/** @typedef {import('../audit.js').Entry} Entry */
/** @typedef {{name: string, old: string | null, fresh: string | null}} Change */

const SHOWN = 5;
const LENGTH_MAX = 80;

/** @param {string} name @param {unknown} value @returns {string | null} */
function valueText(name, value) {
  if (value === undefined || value === null) return null;
  if (name.endsWith('_us') && typeof value === 'number') return dateTime(value);
  if (name === 'roles' && Array.isArray(value)) return list(value.map((role) => word('role', role)));
  if (name === 'scopes' && Array.isArray(value)) return list(value.map((scope) => word('permission', scope)));
  if (['purpose', 'by_link'].includes(name)) return word('link_purpose', String(value));
  if (Array.isArray(value) && value.every((each) => typeof each !== 'object')) return list(value.map(String));
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** @param {string} name */
const fieldName = (name) => (has(`audit_field.${name}`) ? t(`audit_field.${name}`) : name.replace(/_us$/, '').replaceAll('_', ' '));

/** @param {unknown} record */
const fields = (record) => (record && typeof record === 'object' ? /** @type {Record<string, unknown>} */ (record) : {});

/** Every field that one of the two has; what stands in the column of the object is not said again. @param {Entry} entry @returns {Change[]} */
function changesOf(entry) {
  const [before, after] = [fields(entry.old), fields(entry.new)];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .filter((name) => String(after[name] ?? before[name]) !== entry.object && !['reason', 'type'].includes(name))
    .map((name) => ({ name, old: valueText(name, before[name]), fresh: valueText(name, after[name]) }));
}

/** As one text, for search and copy. @param {Entry} entry */
export const changesText = (entry) =>
  changesOf(entry)
    .map(({ name, old, fresh }) => `${fieldName(name)}: ${[old, fresh].filter((each) => each !== null).join(' → ')}`)
    .join('; ');

/** @param {{entry: Entry}} props */
export function Changes({ entry }) {
  const all = changesOf(entry);
  const view = (/** @type {Change} */ each) => html`<${ChangeView} key=${each.name} ...${each} hasOld=${entry.old !== null && entry.new !== null} />`;
  const rest = all.slice(SHOWN);
  return html`<ul class="changes">${all.slice(0, SHOWN).map(view)}</ul>
    ${rest.length > 0 && html`<details class="changes-more"><summary>${t('audit.more', { n: rest.length })}</summary><ul class="changes">${rest.map(view)}</ul></details>`}`;
}

/** @param {string} text */
const cut = (text) => (text.length > LENGTH_MAX ? `${text.slice(0, LENGTH_MAX)}…` : text);

/** @param {Change & {hasOld: boolean}} props */
function ChangeView({ name, old, fresh, hasOld }) {
  const gone = old !== null && (hasOld || fresh === null);
  return html`<li>
    <span class="muted">${fieldName(name)}</span>${' '}
    ${gone && html`<del title=${old}>${cut(old)}</del>`}${gone && fresh !== null && ' → '}${fresh !== null && html`<ins title=${fresh}>${cut(fresh)}</ins>`}
  </li>`;
}
