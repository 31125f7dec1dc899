/** Causes in words, each with a link to the thing that units have in common. */
import { html } from '../../../vendor/preact.js';
import { dateTime, t } from '../../i18n.js';
import { CodeLink, operation, stretch, term } from '../../objects.js';

/** @typedef {Record<string, any>} Cause as the server tells it */

const SHOWN = 4;

/** What of what, without the code. @param {Cause} cause */
function aboutText(cause) {
  const { kind, lane, at_us, fitted_us, left_us } = cause;
  const values = { ...cause, time: at_us === null ? '' : dateTime(at_us) };
  switch (kind) {
    case 'stretch': {
      const part = stretch(cause.start, cause.end, cause.measure);
      return t(lane ? 'cause.stretch_lane' : 'cause.stretch', { of: term(cause.of), part, lane });
    }
    case 'lane':
    case 'lot':
      return t(`cause.${kind}`, { of: term(cause.of), lane });
    case 'member':
      return t(left_us === null ? 'cause.member' : 'cause.member_left', { of: t(`thing.${cause.of}`), time: left_us === null ? '' : dateTime(left_us) });
    case 'tool':
      return t('cause.tool', { ...values, of: operation(cause.of), fitted: fitted_us === null ? t('factor.fitted_first') : t('factor.fitted', { time: dateTime(fitted_us) }) });
    default:
      return t(`cause.${kind}`, { ...values, of: operation(cause.of) });
  }
}

/** @param {Cause} cause */
export const causeText = (cause) => `${aboutText(cause)} ${cause.kind === 'carrier' ? cause.carrier : cause.code}`;

/** @param {{cause: Cause}} props */
function CauseName({ cause }) {
  const kind = cause.at_us !== null ? 'station' : cause.kind === 'member' ? 'unit' : 'lot';
  const thing = cause.kind === 'carrier' ? html`<${CodeLink} kind="carrier" code=${cause.carrier} />` : html`<${CodeLink} kind=${kind} code=${cause.code} />`;
  return html`<span class="secondary">${aboutText(cause)}</span> ${thing}`;
}

/** Causes that the same units share, the first few. @param {{causes: Cause[]}} props */
export function Causes({ causes }) {
  const shown = causes.length > SHOWN + 1 ? causes.slice(0, SHOWN) : causes;
  const others = causes.slice(shown.length);
  return html`<ul class="level-list">
    ${shown.map((cause, index) => html`<li key=${index}><${CauseName} cause=${cause} /></li>`)}
    ${others.length > 0 && html`<li><details><summary>${t('commonality.more', { n: others.length, count: others.length })}</summary>
      <ul class="level-list">${others.map((cause, index) => html`<li key=${index}><${CauseName} cause=${cause} /></li>`)}</ul>
    </details></li>`}
  </ul>`;
}
