import { html } from '../../vendor/preact.js';
import { number, t } from '../i18n.js';

/** @typedef {{value: string, label: string, count?: number}} FacetValue */

/**
 * Choices that narrow a list; the choice lives in the address, so it can be shared and exported.
 * @param {{name: string, label: string, values: FacetValue[], chosen: string | null, onChoose?: (value: string | null) => void}} props
 * Without `onChoose` the chips are links that set `?name=value`.
 */
export function Facet({ name, label, values, chosen, onChoose }) {
  const all = [{ value: '', label: t('facet.all'), count: undefined }, ...values];
  return html`<div class="facet" role="group" aria-label=${label}>
    <span class="facet-name">${label}</span>
    ${all.map((each) => {
      const isChosen = (chosen ?? '') === each.value;
      const text = html`${each.label}${each.count !== undefined && html`<span class="chip-count">${number(each.count)}</span>`}`;
      return onChoose
        ? html`<button type="button" class="chip" key=${each.value} aria-pressed=${isChosen} onClick=${() => onChoose(each.value || null)}>${text}</button>`
        : html`<a class="chip" key=${each.value} aria-current=${isChosen ? 'true' : undefined} href=${withQuery({ [name]: each.value || null })}>${text}</a>`;
    })}
  </div>`;
}

/** This address, or another, with some of this query changed; null removes. @param {Record<string, string | null>} changes */
export function withQuery(changes, path = window.location.pathname) {
  const query = new URLSearchParams(window.location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  return path + (text && `?${text}`);
}
