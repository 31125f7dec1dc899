import { html } from '../../vendor/preact.js';
import { limitsText, isOutside, ValueBar } from './value_bar.js';
import { quantity, t } from '../i18n.js';
import { Icon } from './icon.js';

/** @typedef {'pass' | 'fail' | 'hold' | 'open'} VerdictName */
/** @typedef {import('./value_bar.js').Limits} Limits */
/** @typedef {import('../../vendor/preact.js').ComponentChildren} Children */

const ICONS = { pass: 'check', fail: 'cross', hold: 'hold', open: 'wait' };

/** The verdict in a table or heading: word and mark, coloured. @param {{verdict: VerdictName, text?: string}} props */
export function VerdictChip({ verdict, text }) {
  return html`<span class="verdict-chip" data-verdict=${verdict}>
    <${Icon} name=${ICONS[verdict]} />${text ?? t(`verdict.${verdict}`)}
  </span>`;
}

/** The verdict of a station, to be read from two metres. @param {{verdict: VerdictName, reason?: string, heading?: string}} props */
export function Verdict({ verdict, reason, heading = t(`verdict.${verdict}_word`) }) {
  return html`<div class="verdict" data-verdict=${verdict} role="status">
    <${Icon} name=${ICONS[verdict]} />
    <div>
      <p class="verdict-word">${heading}</p>
      ${reason && html`<p class="verdict-reason">${reason}</p>`}
    </div>
  </div>`;
}

/**
 * The one thing to do now; scan, button, pedal and Enter all do it. When it cannot be done, `missing` says what is missing.
 * @param {{text: string, detail?: string, missing?: string[], onNext?: () => void, label?: string}} props
 */
export function NextAction({ text, detail, missing = [], onNext, label = t('action.next') }) {
  return html`<div class="next">
    <div class="next-text">
      <p class="next-title">${text}</p>
      ${detail && html`<p class="next-detail">${detail}</p>`}
      ${missing.length > 0 && html`<ul class="reasons">${missing.map((each) => html`<li key=${each}>${each}</li>`)}</ul>`}
    </div>
    ${onNext &&
    html`<button type="button" class="button button-main button-large" disabled=${missing.length > 0} onClick=${onNext}>${label}</button>`}
  </div>`;
}

/**
 * @typedef {{key: string, name: string, value: number | null, unit?: string | null, digits?: number, href?: string, note?: Children}
 *   & Limits} Check
 */

/** Measured values against their limits, each with its bar and verdict. @param {{checks: Check[], caption: string}} props */
export function CheckTable({ checks, caption }) {
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label=${caption}>
    <table class="table checks">
      <caption class="visually-hidden">${caption}</caption>
      <thead>
        <tr>
          <th scope="col">${t('check.name')}</th>
          <th scope="col" class="num">${t('check.value')}</th>
          <th scope="col" class="checks-bar">${t('check.against')}</th>
          <th scope="col">${t('check.limits')}</th>
          <th scope="col">${t('check.verdict')}</th>
        </tr>
      </thead>
      <tbody>
        ${checks.map((check) => html`<${CheckRow} key=${check.key} ...${check} />`)}
      </tbody>
    </table>
  </div>`;
}

/** @param {Check} check */
function CheckRow({ name, href, value, unit, digits, lower, target, upper, note }) {
  const limits = { lower, target, upper };
  const isOut = isOutside(value, limits);
  const verdict = value === null || value === undefined ? 'open' : isOut ? 'fail' : 'pass';
  return html`<tr data-verdict=${verdict}>
    <th scope="row">${href ? html`<a href=${href}>${name}</a>` : name}${note && html` <span class="muted">${note}</span>`}</th>
    <td class="num ${verdict === 'open' ? 'muted' : 'checks-value'}">${quantity(value, unit, { digits })}</td>
    <td class="checks-bar"><${ValueBar} ...${{ value, unit, digits, lower, target, upper }} label=${name} /></td>
    <td class="secondary nowrap">${limitsText(limits, unit, digits)}</td>
    <td><${VerdictChip} verdict=${verdict} text=${verdict === 'open' ? t('verdict.not_measured') : undefined} /></td>
  </tr>`;
}
