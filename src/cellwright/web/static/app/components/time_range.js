import { html } from '../../vendor/preact.js';
import { t } from '../i18n.js';
import { withQuery } from './facets.js';

/** @type {Record<string, string>} */
const RANGES = { last_1h: '-1h', last_8h: '-8h', last_24h: '-24h', last_7d: '-7d' };

/**
 * Half-open ranges that end now, as `?from=-8h`; none is all there is.
 * @param {{from: string | null, onChoose?: (from: string | null) => void}} props
 */
export function TimeRange({ from, onChoose }) {
  const choices = [...Object.entries(RANGES), ['all', '']];
  return html`<div class="segments" role="group" aria-label=${t('range.label')}>
    ${choices.map(([name, value]) => {
      const isChosen = (from ?? '') === value;
      return onChoose
        ? html`<button type="button" key=${name} aria-pressed=${isChosen} onClick=${() => onChoose(value || null)}>${t(`range.${name}`)}</button>`
        : html`<a key=${name} aria-current=${isChosen ? 'true' : undefined} href=${withQuery({ from: value || null })}>${t(`range.${name}`)}</a>`;
    })}
  </div>`;
}
