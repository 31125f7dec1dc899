/** Single-key shortcuts: none while a field has the focus or a scan runs, and all of them can be switched off. */
import { signal } from '../vendor/preact.js';

/** @typedef {{keys: string, label: string, run: () => void}} Shortcut keys: one key, or two with a space ("g l") */

const SETTING = 'cw.shortcuts';
const SEQUENCE_MS = 1000;

/** @type {import('../vendor/preact.js').Signal<Shortcut[]>} */
export const shortcuts = signal([]);
export const isOn = signal(localStorage.getItem(SETTING) !== 'off');

/** @param {boolean} value */
export function switchShortcuts(value) {
  isOn.value = value;
  localStorage.setItem(SETTING, value ? 'on' : 'off');
}

/** Add shortcuts until the returned function is called. `label` is a translated text for the help.
 * @param {Shortcut[]} added */
export function bind(added) {
  shortcuts.value = [...shortcuts.value, ...added];
  return () => {
    shortcuts.value = shortcuts.value.filter((each) => !added.includes(each));
  };
}

/** Whether what is typed now goes into a field. @param {EventTarget | null} target */
export function isField(target) {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement) return true;
  if (target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !['checkbox', 'radio', 'button', 'submit'].includes(target.type);
}

/** Whether Enter is the element's own: it follows a link or presses a button, whatever else the key may do. @param {KeyboardEvent} event */
const isPress = ({ key, target }) => key === 'Enter' && target instanceof Element && target.closest('a, button, summary') !== null;

let first = '';
let first_ms = 0;

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!isOn.value || isField(event.target) || isPress(event) || document.querySelector('dialog[open]')) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const sequence = event.timeStamp - first_ms < SEQUENCE_MS ? `${first} ${key}` : key;
  // The one bound last wins: a page may take a key from the shell.
  const found = shortcuts.value.findLast(({ keys }) => keys === sequence || keys === key);
  first = shortcuts.value.some(({ keys }) => keys.startsWith(`${key} `)) ? key : '';
  first_ms = event.timeStamp;
  if (!found) return;
  event.preventDefault();
  found.run();
}

export const listenToKeys = () => window.addEventListener('keydown', onKey);
