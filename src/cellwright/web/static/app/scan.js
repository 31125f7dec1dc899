/**
 * Wedge scanners: a prefix character, then keys at most 35 ms apart, then Enter. A scan counts whatever has the focus
 * and leaves no trace in it; what fingers type never counts and is given back to the field.
 */
import { boot } from './boot.js';

export const GAP_MS = 35;
/** A prefix that nothing follows was typed; longer than a busy page may take to see the next key of a scan. */
const FLUSH_MS = 300;
const SETTING = 'cw.scan.prefix';

/** @typedef {(code: string) => void} OnScan */

/** @type {OnScan[]} */
const handlers = [];
let prefix = localStorage.getItem(SETTING) ?? '~';
let text = '';
let isScanning = false;
let last_ms = 0;
let timer = 0;

export const scanPrefix = () => prefix;

/** @param {string} value one character, set in the scanner too */
export function setScanPrefix(value) {
  prefix = value.slice(0, 1);
  localStorage.setItem(SETTING, prefix);
}

/** Receive scans until the returned function is called; the newest receiver gets them alone. @param {OnScan} handler */
export function onScan(handler) {
  handlers.push(handler);
  return () => {
    const index = handlers.indexOf(handler);
    if (index >= 0) handlers.splice(index, 1);
  };
}

/** It was typed after all: put it where it was meant to go. */
function giveBack() {
  const typed = prefix + text;
  stop();
  const target = document.activeElement;
  if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement) {
    document.execCommand('insertText', false, typed);
  }
}

function stop() {
  isScanning = false;
  text = '';
  window.clearTimeout(timer);
}

/** @param {KeyboardEvent} event */
function swallow(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
}

/** @param {KeyboardEvent} event */
function begin(event) {
  swallow(event);
  isScanning = true;
  last_ms = event.timeStamp;
  window.clearTimeout(timer);
  timer = window.setTimeout(giveBack, FLUSH_MS);
}

function finish() {
  // Scanners leak control characters; none is part of a code.
  const code = text.replace(/\p{Cc}/gu, '').trim();
  stop();
  if (code) handlers.at(-1)?.(code);
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (!isScanning) {
    if (prefix && event.key === prefix && !event.ctrlKey && !event.metaKey) begin(event);
    return;
  }
  if (['Shift', 'Control', 'Alt', 'AltGraph', 'CapsLock'].includes(event.key)) return;
  if (event.timeStamp - last_ms > GAP_MS) {
    giveBack();
    onKey(event);
    return;
  }
  swallow(event);
  last_ms = event.timeStamp;
  window.clearTimeout(timer);
  if (event.key === 'Enter') {
    finish();
    return;
  }
  if (event.key.length === 1) text += event.key;
  timer = window.setTimeout(giveBack, FLUSH_MS);
}

/** The page that any code resolves to. @param {string} code */
export function openCode(code) {
  window.location.assign(`/s/${encodeURIComponent(code)}`);
}

export function listenToScans() {
  window.addEventListener('keydown', onKey, { capture: true });
  if (boot.user) onScan(openCode);
}
