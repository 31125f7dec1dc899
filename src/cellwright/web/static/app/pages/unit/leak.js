/** What a cell loses at rest: K as reported and at one temperature, the leak, how it was measured, or why it is unknown. */
import { html } from '../../../vendor/preact.js';
import { dateTime, quantity, t } from '../../i18n.js';
import { CodeLink, operation } from '../../objects.js';
import { KeyValue } from '../../components/page_head.js';

/** @typedef {Record<string, any>} Told as the server tells it */

const DIGITS = { k: 4, leak: 3, voltage: 5, temperature: 1, time: 1 };

/** A value with its error. @param {number | null} value @param {number | null} error @param {string} unit @param {number} digits */
function sure(value, error, unit, digits) {
  const text = quantity(value, unit, { digits });
  if (value === null) return html`<span class="muted">${text}</span>`;
  return html`<b>${text}</b> <span class="secondary nowrap">${error === null ? t('grade_why.error_unknown') : `± ${quantity(error, unit, { digits })}`}</span>`;
}

/** @param {number | null} voltage @param {number | null} warm */
const reading = (voltage, warm) => t('leak.reading', { voltage: quantity(voltage, 'v', { digits: DIGITS.voltage }), temperature: quantity(warm, 'C', { digits: DIGITS.temperature }) });

/** @param {number | null} hours @param {number} nominal */
const time = (hours, nominal) => t('leak.time', { hours: quantity(hours, 'h', { digits: DIGITS.time }), nominal: quantity(nominal, 'h', { digits: DIGITS.time }) });

/** @param {{told: Told}} props */
export function Leak({ told }) {
  const { rule, doubt } = told;
  const reference = quantity(rule.reference_c, 'C', { digits: DIGITS.temperature });
  const entropy = rule.entropy_mv_per_c === null ? t('leak.entropy_unknown') : t('leak.entropy', { value: quantity(rule.entropy_mv_per_c, 'mV/°C', { digits: 2 }), source: rule.entropy_source });
  const items = [
    [t('leak.fair', { temperature: reference }), sure(told.k_fair_mv_per_h, told.error_mv_per_h, 'k_mv_per_h', DIGITS.k)],
    [t('leak.current'), sure(told.leak_ma, told.leak_error_ma, 'ma', DIGITS.leak)],
    [t('leak.reported'), quantity(told.k_mv_per_h, 'k_mv_per_h', { digits: DIGITS.k })],
    [t('leak.first'), reading(told.ocv1_v, told.ocv1_c)],
    [t('leak.second'), reading(told.ocv2_v, told.ocv2_c)],
    [t('leak.rest'), time(told.rest_h, rule.nominal_rest_h)],
    [t('leak.between'), time(told.between_h, rule.nominal_between_h)],
  ].map(([label, value]) => ({ label, value }));
  return html`<div class="stack">
    <div><p class="now">${doubt ? t(`leak_doubt.${doubt}`) : t('leak.known')}</p>
    <p class="secondary">${operation(told.operation)}, ${dateTime(told.time_us)} <${CodeLink} kind="station" code=${told.station} /></p></div>
    <${KeyValue} items=${items} />
    <p class="secondary">${t('leak.curve', { source: rule.curve_source })} ${entropy}</p>
  </div>`;
}
