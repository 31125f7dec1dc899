/** What went wrong, in the server's words, and where to go on. */
import { html } from '../../vendor/preact.js';
import { boot } from '../boot.js';
import { PageHead } from '../components/page_head.js';
import { SearchScan } from '../components/search_scan.js';
import { EmptyState } from '../components/states.js';
import { has, t } from '../i18n.js';
import { openCode } from '../scan.js';

/** @param {{boot: {data: {title: string, status: number, detail?: string, reasons?: {text: string}[]}}}} props */
export default function ProblemPage({ boot: { data } }) {
  const { title, status, detail = '', reasons = [] } = data;
  const key = `problem.${status}`;
  return html`<${PageHead} title=${has(key) ? t(key) : title} code=${String(status)} />
    <div class="stack">
      ${boot.user && status === 404 && html`<${SearchScan} onCode=${openCode} isLarge hasFocus />`}
      <${EmptyState} title=${detail || title} text=${reasons.map(({ text }) => text).join(' ')}>
        ${status >= 500 && html`<button type="button" class="button" onClick=${() => window.location.reload()}>${t('state.retry')}</button>`}
        <a class="button" href=${boot.user ? '/' : '/sign-in'}>${t('problem.go_on')}</a>
      <//>
    </div>`;
}
