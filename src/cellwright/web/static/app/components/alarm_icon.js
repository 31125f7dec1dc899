import { html } from '../../vendor/preact.js';
import { t } from '../i18n.js';

/** @typedef {1 | 2 | 3 | 4} Priority */

const TRIANGLES = { 2: 'M8 1.2 15.2 14.5H.8z', 3: 'M.8 1.5h14.4L8 14.8z' };
const BASELINES = { 1: 11.7, 2: 13, 3: 9.8, 4: 11.7 };

/**
 * A priority by colour, shape and digit: square, triangle up, triangle down, circle.
 * @param {{priority: Priority, isAcknowledged?: boolean, size?: number}} props
 */
export function AlarmIcon({ priority, isAcknowledged = true, size = 16 }) {
  const label = t(isAcknowledged ? 'alarm.priority' : 'alarm.priority_new', { priority });
  return html`<svg class="alarm" data-priority=${priority} viewBox="0 0 16 16" width=${size} height=${size} role="img" aria-label=${label}>
    ${priority === 1 && html`<rect x="1" y="1" width="14" height="14" rx="1.5" />`}
    ${priority === 4 && html`<circle cx="8" cy="8" r="7" />`}
    ${(priority === 2 || priority === 3) && html`<path d=${TRIANGLES[priority]} stroke-linejoin="round" />`}
    <text x="8" y=${BASELINES[priority]} text-anchor="middle">${priority}</text>
  </svg>`;
}
