/** What printed codes say, character by character (GB/T 34014). */
import { html } from '../../vendor/preact.js';
import { t, word } from '../i18n.js';

/** @typedef {{code: string, name: string, text: string, value: string, years: number[]}} PrintedField */

/** @type {Record<string, (field: PrintedField) => string>} */
const LABELS = {
  kind: ({ value }) => t(`thing.${value}`),
  battery_type: ({ value }) => word('battery_type', value),
  manufacturer: () => t('design.manufacturer'),
  specification: () => t('design.specification'),
  traceability: () => t('design.traceability'),
  year: ({ years }) => t('printed.year', { years: years.join(' / ') }),
  month: ({ value }) => t('printed.month', { value }),
  day: ({ value }) => t('printed.day', { value }),
  serial: ({ value }) => t('printed.serial', { value }),
  reuse: () => t('printed.reuse'),
  reuse_kind: ({ value }) => t(`thing.${value}`),
};

/** @param {{fields: PrintedField[]}} props fields of one code or more, in their order */
export function PrintedCodes({ fields }) {
  const codes = [...new Set(fields.map((each) => each.code))];
  return html`${codes.map((code) => html`<${PrintedCode} key=${code} code=${code} fields=${fields.filter((each) => each.code === code)} />`)}`;
}

/** @param {{code: string, fields: PrintedField[]}} props */
function PrintedCode({ code, fields }) {
  const isDoubtful = fields.some((each) => each.years.length > 1);
  return html`<p class="design" role="group" aria-label=${t('printed.label', { code })}>${fields.map((each) => html`<span key=${each.name}><b class="code">${each.text}</b><small>${LABELS[each.name](each)}</small></span>`)}</p>
    ${isDoubtful && html`<p class="muted">${t('printed.years_differ')}</p>`}`;
}
