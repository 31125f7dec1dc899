import { html } from '../../vendor/preact.js';
import { date, t, time } from '../i18n.js';
import { operation, pageOf } from '../objects.js';
import { Icon } from './icon.js';

/**
 * @typedef {Object} RouteStep
 * @property {string} operation
 * @property {string} name
 * @property {'done' | 'running' | 'waiting' | 'again' | 'ahead' | 'stopped'} state
 * @property {number} attempts_count
 * @property {boolean | null} is_good
 * @property {string} station
 * @property {number | null} completed_us
 */

/** @param {RouteStep} step */
function mark({ state, is_good }) {
  if (state === 'done') return 'check';
  if (state === 'running') return 'chevron-right';
  if (state === 'waiting') return 'wait';
  if (state === 'stopped') return is_good === false ? 'cross' : 'hold';
  if (state === 'again') return 'refresh';
  return '';
}

/** The operations of a route in order, and how far a unit is with each. @param {{steps: RouteStep[]}} props */
export function RouteSteps({ steps }) {
  return html`<ol class="steps">
    ${steps.map(
      (step) => html`<li key=${step.operation} class="step" data-state=${step.state} aria-current=${['running', 'waiting', 'stopped'].includes(step.state) ? 'step' : undefined}>
        <span class="step-mark" aria-hidden="true">${mark(step) && html`<${Icon} name=${mark(step)} />`}</span>
        <span class="step-name" title=${step.name}>${operation(step.operation, step.name)}</span>
        <span class="step-state">${t(`step.${step.state}`)}${step.attempts_count > 1 && html` · ${t('fact.attempts', { n: step.attempts_count })}`}</span>
        <span class="step-note">${step.station && html`<a class="code" href=${pageOf('station', step.station)}>${step.station}</a> `}
          ${step.completed_us && step.state !== 'running' && html`<span class="nowrap">${date(step.completed_us)}</span> <span class="nowrap">${time(step.completed_us)}</span>`}</span>
      </li>`,
    )}
  </ol>`;
}
