/** A screen that nobody touches: no frame around the page, and a new release is taken by itself. */
import { effect } from '../vendor/preact.js';
import { getJson } from './api.js';
import { boot } from './boot.js';
import { newRelease, state } from './live.js';

const root = document.documentElement;
const QUIET_MS = 30_000;
/** A kiosk has no hands: it says by itself, well before the session would end of idleness, that it is in use. */
const IN_USE_MS = 300_000;

export const isKiosk = () => 'kiosk' in root.dataset;

export function toggleKiosk() {
  const address = new URL(window.location.href);
  if (isKiosk()) {
    delete root.dataset.kiosk;
    address.searchParams.delete('kiosk');
    if (document.fullscreenElement) void document.exitFullscreen();
  } else {
    root.dataset.kiosk = '1';
    address.searchParams.set('kiosk', '1');
    document.documentElement.requestFullscreen?.().catch(() => undefined);
  }
  window.history.replaceState(null, '', address);
}

export function startKiosk() {
  if (new URL(window.location.href).searchParams.get('kiosk') === '1') root.dataset.kiosk = '1';
  window.setInterval(() => {
    if (isKiosk() && boot.user) getJson('/api/v1/me').catch(() => undefined);
  }, IN_USE_MS);
  effect(() => {
    if (!isKiosk() || !newRelease.value || state.value !== 'live') return undefined;
    const timer = window.setTimeout(() => window.location.reload(), QUIET_MS);
    return () => window.clearTimeout(timer);
  });
}
