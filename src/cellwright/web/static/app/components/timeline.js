import { html } from '../../vendor/preact.js';
import { date, t, time, timeZone } from '../i18n.js';

/** @typedef {import('../../vendor/preact.js').ComponentChildren} Children */
/**
 * @typedef {Object} HistoryEvent
 * @property {string | number} key
 * @property {number | null} time_us
 * @property {'done' | 'failed' | 'refused' | 'held' | 'moved'} kind
 * @property {Children} text what happened
 * @property {Children} [note]
 * @property {Children} [aside] who or where
 */

/** What happened to an object, day by day. @param {{events: HistoryEvent[]}} props */
export function Timeline({ events }) {
  /** @type {Map<string, HistoryEvent[]>} */
  const days = new Map();
  for (const event of events) {
    const day = date(event.time_us);
    days.set(day, [...(days.get(day) ?? []), event]);
  }
  return [...days].map(
    ([day, list]) => html`<section key=${day}>
      <h3 class="day">${day === t('common.unknown') ? day : `${day} ${timeZone()}`}</h3>
      <ol class="timeline">${list.map((event) => html`<${EventRow} ...${event} />`)}</ol>
    </section>`,
  );
}

/** @param {HistoryEvent} event */
function EventRow({ time_us, kind, text, note, aside }) {
  return html`<li class="event" data-kind=${kind}>
    <span class="event-time">${time(time_us)}</span><span class="event-mark" aria-hidden="true"></span>
    <span class="event-body">${text}</span>
    ${note && html`<span class="event-note">${note}</span>`} ${aside && html`<span class="event-aside">${aside}</span>`}
  </li>`;
}
