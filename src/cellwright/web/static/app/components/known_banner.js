/** That an answer is what the record said at a time, and whether it is another one today. */
import { html } from '../../vendor/preact.js';
import { dateTime, t } from '../i18n.js';
import { CorrectionNotices } from './correction_notices.js';
import { withQuery } from './facets.js';
import { Notice } from './states.js';

/** @param {{known_us: number | null, known_differs: boolean, later: import('./correction_notices.js').Corrected[]}} props */
export function KnownBanner({ known_us, known_differs, later }) {
  if (known_us === null) return null;
  return html`<${Notice} icon="clock">
      <b>${t('known.title', { time: dateTime(known_us) })}</b> ${t(known_differs ? 'known.differs' : 'known.same')}${' '}
      <a href=${withQuery({ known: null })}>${t('known.now')}</a>
    <//>
    ${later.length > 0 && html`<p class="secondary">${t('known.later')}</p><${CorrectionNotices} corrections=${later} />`}`;
}
