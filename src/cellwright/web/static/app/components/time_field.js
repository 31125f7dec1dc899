/**
 * A moment as it is written everywhere here, in the plant's zone, or chosen from a calendar: the browser's own field for
 * times speaks the browser's language and clock, so only its calendar is used.
 */
import { html, useId, useRef } from '../../vendor/preact.js';
import { dateTime, fromZone, t, timeZone } from '../i18n.js';
import { Icon } from './icon.js';

const FORM = /^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d)?)?$/;

/** The time (UTC us) that a text names, NaN when it names none; a day is its first moment. @param {string} text */
export function timeIn(text) {
  const written = text.trim().replace(' ', 'T');
  if (!FORM.test(text.trim())) return NaN;
  const whole = written.length === 10 ? `${written}T00:00` : written;
  return Number.isNaN(Date.parse(`${whole}Z`)) ? NaN : fromZone(whole);
}

/** A time as the field writes it: without seconds where there are none. @param {number} time_us */
export const written = (time_us) => dateTime(time_us).replace(/:00$/, '');

/** @param {{name: string, label: string, value: string, problem?: string, max_us?: number, set: (value: string) => void}} props */
export function TimeField({ name, label, value, problem, max_us, set }) {
  const id = useId();
  const calendar = useRef(/** @type {HTMLInputElement | null} */ (null));
  /** @param {number} time_us */
  const local = (time_us) => dateTime(time_us).replace(' ', 'T');
  const time_us = timeIn(value);
  return html`<div class="field time-field">
    <label class="field-label" for=${id}>${label} (${timeZone()})</label>
    <span class="time-entry">
      <input class="input" type="text" ...${{ id, name, value }} placeholder=${t('audit.time_form')} autocomplete="off" spellcheck=${false}
        aria-invalid=${problem ? 'true' : undefined} aria-describedby="${id}-help" onInput=${(/** @type {any} */ { currentTarget }) => set(currentTarget.value)} />
      <input class="time-calendar" type="datetime-local" step="1" tabindex="-1" aria-hidden="true" ref=${calendar} value=${Number.isNaN(time_us) ? '' : local(time_us)}
        max=${max_us === undefined ? undefined : local(max_us)} onChange=${(/** @type {any} */ { currentTarget }) => currentTarget.value && set(currentTarget.value.replace('T', ' '))} />
      <button type="button" class="icon-button" aria-label=${t('time.choose', { label })} title=${t('time.choose', { label })} onClick=${() => calendar.current?.showPicker()}><${Icon} name="clock" /></button>
    </span>
    <span class=${problem ? 'field-error' : 'field-help'} id="${id}-help" role=${problem ? 'alert' : undefined}>${problem}</span>
  </div>`;
}
