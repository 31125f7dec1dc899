/** The side navigation: open or icons only; a person's choice is kept, and a narrow window has its own. */
const SETTING = 'cw.nav';
const WIDE = '(min-width: 1100px)';
const root = document.documentElement;

function show() {
  const isOpen = window.matchMedia(WIDE).matches ? root.dataset.nav !== 'rail' : root.dataset.nav === 'open';
  document.getElementById('nav-toggle')?.setAttribute('aria-expanded', String(isOpen));
}

export function toggleNavigation() {
  if (window.matchMedia(WIDE).matches) {
    root.dataset.nav = root.dataset.nav === 'rail' ? 'full' : 'rail';
    localStorage.setItem(SETTING, root.dataset.nav);
  } else {
    root.dataset.nav = root.dataset.nav === 'open' ? '' : 'open';
  }
  show();
}

/** @param {Event} event */
function closeOutside(event) {
  if (root.dataset.nav !== 'open' || !(event.target instanceof Element)) return;
  if (!event.target.closest('.sidenav, #nav-toggle')) toggleNavigation();
}

export function startNavigation() {
  root.dataset.nav = localStorage.getItem(SETTING) ?? '';
  document.getElementById('nav-toggle')?.addEventListener('click', toggleNavigation);
  document.addEventListener('pointerdown', closeOutside);
  window.matchMedia(WIDE).addEventListener('change', show);
  show();
}
