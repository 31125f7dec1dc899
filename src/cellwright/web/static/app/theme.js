/** Light, dark or the system's theme; remembered in a cookie so that the server's first paint is right. */
import { signal } from '../vendor/preact.js';

/** @typedef {'light' | 'dark' | 'system'} Theme */

/** @type {Theme[]} */
export const THEMES = ['light', 'dark', 'system'];
const YEAR_S = 31_536_000;

/** @param {string} name @param {string} value */
export function remember(name, value) {
  document.cookie = `${name}=${value}; Path=/; SameSite=Lax; Max-Age=${YEAR_S}`;
}

/** @returns {Theme} */
const current = () => /** @type {Theme} */ (document.documentElement.dataset.theme ?? 'system');

export const theme = signal(current());

/** @param {Theme} value */
export function setTheme(value) {
  theme.value = value;
  document.documentElement.dataset.theme = value;
  remember('cw_theme', value);
}

export const nextTheme = () => setTheme(THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? 'system');

/** The other language takes a new page: words, font and dates are the server's first paint. @param {string} value */
export function setLanguage(value) {
  remember('cw_language', value);
  const address = new URL(window.location.href);
  address.searchParams.delete('lang');
  window.location.assign(address);
}

export const otherLanguage = () => setLanguage(document.documentElement.lang.startsWith('zh') ? 'en' : 'zh');

/** The colour of a token where an element stands, for canvases. @param {Element} element @param {string} token */
export const colour = (element, token) => getComputedStyle(element).getPropertyValue(`--${token}`).trim();
