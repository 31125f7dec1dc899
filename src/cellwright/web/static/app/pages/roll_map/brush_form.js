/** The brushed stretch as fields: from and to in metres, and the lane. */
import { html, useEffect, useState } from '../../../vendor/preact.js';
import { t } from '../../i18n.js';

/** @typedef {import('../../charts/heat_draw.js').Stretch} Stretch */

/** @param {number} mm */
const metres = (mm) => String(mm / 1000);

/** @param {{lot: any, lanes: number[], brush: Stretch | null, onBrush: (brush: Stretch | null) => void}} props */
export function BrushForm({ lot, lanes, brush, onBrush }) {
  const [fields, setFields] = useState({ start: '', end: '', lane: '0' });
  const [problem, setProblem] = useState('');
  useEffect(() => {
    setFields((before) => (brush ? { start: metres(brush.start), end: metres(brush.end), lane: String(brush.lane) } : { ...before, start: '', end: '' }));
    setProblem('');
  }, [brush]);
  /** @param {any} event */
  const change = ({ target }) => setFields((before) => ({ ...before, [target.name]: target.value }));
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    const [start = NaN, end = NaN] = [fields.start, fields.end].map((each) => (each.trim() ? Math.round(Number(each.trim().replace(',', '.')) * 1000) : NaN));
    if (start >= 0 && start < end && end <= lot.quantity) onBrush({ start, end, lane: Number(fields.lane) });
    else setProblem(t('roll_map.no_stretch', { most: metres(lot.quantity) }));
  };
  const known = [...new Set([0, ...lanes, Number(fields.lane)])].sort((a, b) => a - b);
  return html`<form class="map-brush" onSubmit=${submit} novalidate aria-label=${t('roll_map.brush')}>
    ${['start', 'end'].map(
      (name) => html`<label class="field" key=${name}><span class="field-label">${t(`roll_map.${name}`)}</span>
        <input class="input" name=${name} inputmode="decimal" autocomplete="off" value=${fields[/** @type {'start' | 'end'} */ (name)]} onInput=${change}
          aria-invalid=${problem ? 'true' : undefined} aria-describedby=${problem ? 'brush-problem' : undefined} /></label>`,
    )}
    <label class="field"><span class="field-label">${t('column.lane')}</span>
      <select class="input" name="lane" value=${fields.lane} onChange=${change}>
        ${known.map((lane) => html`<option key=${lane} value=${String(lane)}>${lane || t('lot.full_width')}</option>`)}
      </select></label>
    <button type="submit" class="button">${t('roll_map.show_units')}</button>
    ${brush && html`<button type="button" class="button button-quiet" onClick=${() => onBrush(null)}>${t('roll_map.clear')}</button>`}
    ${problem && html`<span class="field-error" id="brush-problem" role="alert">${problem}</span>`}
  </form>`;
}
