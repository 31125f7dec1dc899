/** What colours, bars, hatching and letters of the map say. */
import { html } from '../../../vendor/preact.js';
import { quantity, t } from '../../i18n.js';
import { term } from '../../objects.js';

/** @param {{picture: import('../../charts/heat_draw.js').Picture, unit: string, digits: number, hasValues: boolean}} props */
export function Legend({ picture, unit, digits, hasValues }) {
  const letters = [...new Map(picture.flaws.map((each) => [each.letter, each.defect]))];
  return html`<div class="legend">
    ${hasValues && html`<${Scale} domain=${picture.domain} unit=${unit} digits=${digits} />
      <span><i class="map-key" data-key="high"></i>${t('roll_map.too_high')}</span>
      <span><i class="map-key" data-key="low"></i>${t('roll_map.too_low')}</span>`}
    <span><i class="map-key" data-key="none"></i>${t('roll_map.not_measured')}</span>
    ${picture.runs.length > 0 && html`<span><i class="map-key" data-key="units"></i>${t('roll_map.units_key')}</span>`}
    ${letters.map(([letter, defect]) => html`<span key=${letter}><i class="map-key" data-key="flaw">${letter}</i>${term(defect)}</span>`)}
  </div>`;
}

/** @param {{domain: import('../../charts/heat_scale.js').Domain, unit: string, digits: number}} props */
function Scale({ domain, unit, digits }) {
  const [low, middle, high] = [domain.low, domain.middle, domain.high].map((each) => quantity(each, unit, { digits }));
  return html`<span class="map-scale" role="img" aria-label=${t('roll_map.scale', { low, middle, high })}><span aria-hidden="true">${low}</span><i></i><span aria-hidden="true">${high}</span></span>`;
}
