/** Every component in its states, in both themes: what pages are made of, and what the screenshot tests look at. */
import { html, useState } from '../../vendor/preact.js';
import { PageHead } from '../components/page_head.js';
import { t } from '../i18n.js';
import { Controls, Foundations, Forms, Messages, Printing } from './styleguide/basics.js';
import { Charts } from './styleguide/charts.js';
import { Kin } from './styleguide/kin.js';
import { Choosing, Objects, Stations, Tables, Values, Verdicts } from './styleguide/plant.js';

const SECTIONS = [
  ['colour', Foundations],
  ['controls', Controls],
  ['stations', Stations],
  ['values', Values],
  ['verdicts', Verdicts],
  ['tables', Tables],
  ['choosing', Choosing],
  ['charts', Charts],
  ['genealogy', Objects],
  ['kin', Kin],
  ['messages', Messages],
  ['forms', Forms],
  ['printing', Printing],
];

const THEMES = { light: ['light'], dark: ['dark'], both: ['light', 'dark'] };

/** `?show=light|dark|both` chooses the columns. */
export default function Styleguide() {
  const asked = new URL(window.location.href).searchParams.get('show');
  const [show, setShow] = useState(/** @type {keyof typeof THEMES} */ (asked && asked in THEMES ? asked : 'both'));
  return html`<${PageHead} title=${t('styleguide.title')} aside=${t('styleguide.intro')}>
      <div class="segments">
        ${Object.keys(THEMES).map(
          (name) => html`<button type="button" key=${name} aria-pressed=${show === name}
            onClick=${() => setShow(/** @type {keyof typeof THEMES} */ (name))}>${t(`styleguide.${name}`)}</button>`,
        )}
      </div>
    <//>
    <div class="styleguide wide" data-columns=${THEMES[show].length}>
      ${SECTIONS.map(([name, Section]) =>
        THEMES[show].map(
          (theme) => html`<section class="styleguide-panel" key=${`${name}-${theme}`} data-theme=${theme} aria-label="${t(`styleguide.${name}`)}, ${t(`styleguide.${theme}`)}">
            <h2 class="styleguide-title">${t(`styleguide.${name}`)}</h2>
            <${Section} theme=${theme} />
          </section>`,
        ),
      )}
    </div>`;
}
