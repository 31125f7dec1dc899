import { html } from '../../vendor/preact.js';
import { age, dateTime, t, word } from '../i18n.js';
import { pageOf } from '../objects.js';
import { Icon } from './icon.js';

/** @typedef {{call: string, station: string, kind: string, text: string, raised_us: number, raised_by: string}} Call */

/** Who is called, for what, since when, and what to do: the one thing on a page that is not grey.
 * @param {{calls: Call[], now_us: number, hasStations?: boolean}} props */
export function Calls({ calls, now_us, hasStations = true }) {
  if (calls.length === 0) return html`<p class="calls-none"><${Icon} name="check" /> ${t('call.none')}</p>`;
  return html`<ul class="calls" aria-label=${t('call.open')} role="list">
    ${calls.map(
      ({ call, station, kind, text, raised_us, raised_by }) => html`<li class="call" key=${call} data-call=${call}>
        <${Icon} name="hand" />
        <div class="call-text">
          <p class="call-head"><b>${word('call_kind', kind)}</b> ${hasStations && html`<a class="code" href=${pageOf('station', station)}>${station}</a>`}</p>
          <p>${text}</p>
        </div>
        <p class="call-age" title=${dateTime(raised_us)}><b>${age(now_us - raised_us)}</b><span class="muted">${raised_by}</span></p>
      </li>`,
    )}
  </ul>`;
}
