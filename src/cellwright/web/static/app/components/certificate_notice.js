/** The way to a unit's birth certificate, and whether it is final or what it misses. */
import { html, useEffect, useState } from '../../vendor/preact.js';
import { getJson } from '../api.js';
import { number, t } from '../i18n.js';
import { characteristic, operation } from '../objects.js';
import { Notice } from './states.js';
import { VerdictChip } from './verdict.js';

/** @typedef {{kind: string, operation: string, name: string, units_count: number}} Missing */
/** @typedef {{is_complete: boolean, verdict: string, missing: Missing[]}} State */

const NAMED_MAX = 6;

/** @param {{code: string, stamp?: unknown}} props `stamp` changes when it has to be read again. */
export function CertificateNotice({ code, stamp }) {
  const [state, setState] = useState(/** @type {State | 'unread' | null} */ (null));
  const address = `/units/${encodeURIComponent(code)}/certificate`;
  useEffect(() => {
    getJson(`${address}-state.json`, { isBackground: true }).then(setState, () => setState('unread'));
  }, [address, stamp]);
  return html`<section id="certificate" aria-label=${t('certificate.title')}>
    <${Notice} icon="print">
      <p><b>${t('certificate.title')}</b> <${Said} state=${state} /></p>
      ${state && state !== 'unread' && !state.is_complete && html`<${MissingList} missing=${state.missing} />`}
      <p class="notice-links"><a href=${address}>${t('certificate.open')}</a> <a href=${`${address}.pdf`}>PDF</a></p>
    <//>
  </section>`;
}

/** @param {{state: State | 'unread' | null}} props */
function Said({ state }) {
  if (state === null) return html`<span class="muted">${t('state.loading')}</span>`;
  if (state === 'unread') return html`<span class="muted">${t('certificate.unread')}</span>`;
  const verdict = state.is_complete ? 'pass' : state.verdict === 'not_good' ? 'fail' : 'open';
  return html`<${VerdictChip} verdict=${verdict} text=${t(state.is_complete ? 'certificate.final' : 'certificate.draft')} />`;
}

/** What is missing, one line for each kind. @param {{missing: Missing[]}} props */
function MissingList({ missing }) {
  const kinds = [...new Set(missing.map((each) => each.kind))];
  return html`<ul class="certificate-missing" aria-label=${t('certificate.missing')}>
    ${kinds.map((kind) => html`<li key=${kind}><b>${t(`lack.${kind}`)}</b> <span class="secondary">${namesOf(missing.filter((each) => each.kind === kind))}</span></li>`)}
  </ul>`;
}

/** @param {Missing[]} alike */
function namesOf(alike) {
  const names = [...new Set(alike.map(nameOf))].filter(Boolean);
  const more = names.length - NAMED_MAX;
  return [...names.slice(0, NAMED_MAX), ...(more > 0 ? [t('certificate.more', { n: number(more) })] : [])].join(' · ');
}

/** @param {Missing} missing */
function nameOf({ operation: code, name, units_count: count }) {
  const told = [code && operation(code), name && characteristic(name)].filter(Boolean).join(' ');
  return count > 1 ? `${told} × ${number(count)}`.trim() : told;
}
