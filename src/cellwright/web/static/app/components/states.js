import { html, useEffect, useState } from '../../vendor/preact.js';
import { age, t } from '../i18n.js';
import { Icon } from './icon.js';

/** @typedef {import('../../vendor/preact.js').ComponentChildren} Children */

const SKELETON_MS = 200;

/** Says that nothing is here, why, and what to do next. @param {{title: string, text?: string, children?: Children}} props */
export function EmptyState({ title, text, children }) {
  return html`<div class="empty">
    <${Icon} name="empty" />
    <p class="empty-title">${title}</p>
    ${text && html`<p class="empty-text">${text}</p>`}
    ${children && html`<div class="empty-actions">${children}</div>`}
  </div>`;
}

/** Grey lines in the place of what comes, only when it takes longer than 200 ms. @param {{lines?: number}} props */
export function Skeleton({ lines = 3 }) {
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    const timer = window.setTimeout(() => setShown(true), SKELETON_MS);
    return () => window.clearTimeout(timer);
  }, []);
  return html`<div class="skeleton" data-shown=${isShown} role="status" aria-label=${t('state.loading')}>
    ${Array.from({ length: lines }, (_, index) => html`<span key=${index}></span>`)}
  </div>`;
}

/** What failed, and a way to try again. @param {{text?: string, onRetry?: () => void}} props */
export function ErrorState({ text, onRetry }) {
  return html`<div class="notice notice-error" role="alert">
    <${AlarmMark} />
    <p>${text ?? t('state.error')}</p>
    ${onRetry && html`<button type="button" class="button" onClick=${onRetry}>${t('state.retry')}</button>`}
  </div>`;
}

const AlarmMark = () => html`<span class="notice-mark" aria-hidden="true">!</span>`;

/** A value that is no longer fresh: hatched, muted and with its age. @param {{age_us: number, children: Children}} props */
export function Stale({ age_us, children }) {
  return html`<span class="stale">${children} <span class="stale-age">${t('state.age', { age: age(age_us) })}</span></span>`;
}

/** A remark beside the data. @param {{icon?: string, children: Children}} props */
export function Notice({ icon, children }) {
  return html`<div class="notice">${icon && html`<${Icon} name=${icon} />`}<div>${children}</div></div>`;
}
