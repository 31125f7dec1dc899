/** The entry of every page: the frame's live parts, then the page's own module. */
import { html, render } from '../vendor/preact.js';
import { boot } from './boot.js';
import { Banners } from './components/banners.js';
import { ErrorState } from './components/states.js';
import { toggleHelp, Help } from './components/help.js';
import { Toasts } from './components/toast.js';
import { Search, Status, Tools } from './components/toolbar.js';
import { t } from './i18n.js';
import { bind, listenToKeys } from './keyboard.js';
import { startLive } from './live.js';
import { toggleKiosk, startKiosk } from './kiosk.js';
import { toggleNavigation, startNavigation } from './navigation.js';
import { listenToScans } from './scan.js';
import { nextTheme, otherLanguage } from './theme.js';

/** @param {string} path */
const go = (path) => () => window.location.assign(path);

function bindKeys() {
  bind([
    { keys: '/', label: t('keys.search'), run: focusSearch },
    { keys: '?', label: t('keys.help'), run: toggleHelp },
    { keys: 't', label: t('keys.theme'), run: nextTheme },
    { keys: 'l', label: t('keys.language'), run: otherLanguage },
  ]);
  if (!boot.user) return;
  bind([
    { keys: 'f', label: t('keys.kiosk'), run: toggleKiosk },
    { keys: 'n', label: t('keys.navigation'), run: toggleNavigation },
    { keys: 'g o', label: t('keys.go_overview'), run: go('/') },
    { keys: 'g l', label: t('keys.go_line'), run: go('/line') },
    { keys: 'g w', label: t('keys.go_orders'), run: go('/orders') },
    { keys: 'g c', label: t('keys.go_commonality'), run: go('/commonality') },
    { keys: 'g g', label: t('keys.go_grading'), run: go('/grading') },
    { keys: 'g p', label: t('keys.go_plant'), run: go('/plant') },
    { keys: 'Backspace', label: t('keys.up'), run: goUp },
  ]);
}

function focusSearch() {
  /** @type {HTMLInputElement | null} */ (document.querySelector('#toolbar-search input'))?.focus();
}

/** One level up in the breadcrumb. */
function goUp() {
  const links = document.querySelectorAll('.breadcrumb a');
  const last = links[links.length - 1];
  if (last instanceof HTMLAnchorElement) window.location.assign(last.href);
}

/** @param {import('../vendor/preact.js').ComponentChildren} node @param {string} id */
function mount(node, id) {
  const place = document.getElementById(id);
  if (place) render(node, place);
}

async function mountPage() {
  const place = document.getElementById('page');
  if (!place || !boot.page) return;
  try {
    const { default: Page } = await import(`./pages/${boot.page}.js`);
    place.replaceChildren();
    render(html`<${Page} boot=${boot} />`, place);
  } catch (error) {
    console.error(error);
    render(html`<${ErrorState} onRetry=${() => window.location.reload()} />`, place);
  }
  place.dataset.ready = '';
}

startLive();
startNavigation();
startKiosk();
listenToScans();
listenToKeys();
bindKeys();
mount(html`<${Banners} />`, 'banners');
if (boot.user) {
  mount(html`<${Status} />`, 'toolbar-status');
  mount(html`<${Search} />`, 'toolbar-search');
}
mount(html`<${Tools} />`, 'toolbar-tools');
const overlay = document.body.appendChild(document.createElement('div'));
render(html`<${Help} /><${Toasts} />`, overlay);
void mountPage();
