/** Instead of a page: what happened, what to do, and a way on. */
import { html } from '../../vendor/preact.js';
import { boot, may } from '../boot.js';
import { Door } from '../components/door.js';
import { has, list, t, word } from '../i18n.js';

/**
 * @typedef {{title: string, status: number, detail?: string, permission?: string, roles?: string[],
 *   reasons?: import('../api.js').Reason[]}} Shown
 */

const KNOWN = [403, 404, 409, 500, 503];
/** May be better a moment later. */
const RETRIED = [500, 503];

export default function ProblemPage() {
  /** @type {Shown} */
  const problem = boot.data;
  const { status, permission } = problem;
  const kind = permission ? 'denied' : KNOWN.includes(status) ? String(status) : 'other';
  return html`<${Door} title=${t(`problem.${kind}_title`)}>
    ${permission ? html`<${Denied} ...${problem} />` : html`<${Happened} ...${problem} kind=${kind} />`}
    <div class="row">
      ${RETRIED.includes(status) && html`<button type="button" class="button button-main" onClick=${() => window.location.reload()}>${t('state.retry')}</button>`}
      ${window.history.length > 1 && html`<button type="button" class="button" onClick=${() => window.history.back()}>${t('problem.back')}</button>`}
      <${Home} />
    </div>
    <p class="door-help">${t('problem.status', { status: String(status) })} <span class="code">${boot.path}</span></p>
  <//>`;
}

/** Where this person can go. */
function Home() {
  if (!boot.user) return html`<a class="button" href="/sign-in">${t('set_up.to_sign_in')}</a>`;
  if (may('plant_read')) return html`<a class="button" href="/">${t('problem.overview')}</a>`;
  return html`<a class="button" href="/account">${t('page.account')}</a>`;
}

/** A permission is missing: which, and who has it. @param {Shown} props */
function Denied({ permission = '', roles = [] }) {
  const own = boot.user?.roles ?? [];
  const names = (/** @type {string[]} */ each) => list(each.map((role) => word('role', role)));
  return html`<dl class="key-value" data-permission=${permission}>
      <div><dt>${t('problem.needs')}</dt><dd><b>${word('permission', permission)}</b></dd></div>
      <div><dt>${t('problem.who_has')}</dt><dd>${names(roles)}</dd></div>
      <div><dt>${t('problem.you_have')}</dt><dd>${names(own)}</dd></div>
    </dl>
    <p class="secondary">${t('problem.denied_do')}</p>`;
}

/** @param {Shown & {kind: string}} props */
function Happened({ kind, detail, reasons = [] }) {
  // Addresses stand below; of its own errors the program says no more than it must.
  const isTold = detail && reasons.length === 0 && !detail.includes(boot.path) && !['500', '503'].includes(kind);
  const sentence = has(`problem.${kind}`) ? t(`problem.${kind}`) : '';
  return html`${sentence && html`<p class="secondary">${sentence}</p>`}
    ${reasons.length > 0 &&
    html`<ul class="reasons">${reasons.map(({ code, text }) => html`<li key=${code}>${text} <span class="code muted">${code}</span></li>`)}</ul>`}
    ${isTold && html`<p class="door-detail">${detail}</p>`}`;
}
