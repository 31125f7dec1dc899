/**
 * The one WebSocket of a tab: subscribe to topics, merge changes, notice gaps and silence, come back by itself.
 * A tab that nobody sees is subscribed to nothing.
 */
import { computed, signal, useEffect, useState } from '../vendor/preact.js';
import { boot } from './boot.js';

/** @typedef {{topic: string, sequence: number, time_us: number, kind: 'snapshot' | 'change', data: any}} Frame */
/** @typedef {(data: any, frame: Frame) => void} OnData gets the topic's whole data, changes merged in */
/** @typedef {{callbacks: Set<OnData>, rate_hz: number, sequence: number | null, data: any, frame: Frame | null}} Topic */
/** @typedef {'off' | 'connecting' | 'live' | 'lost'} State */

const BACK_OFF_MS = [500, 1000, 2000, 4000, 8000];
/** Nothing at all for so long: the connection is dead, whatever the socket says. */
const SILENCE_MS = 10_000;
/** The same, once the server has shown that it sends a beat each second. */
const BEAT_SILENCE_MS = 2_500;

/** @type {Map<string, Topic>} */
const topics = new Map();
/** @type {WebSocket | null} */
let socket = null;
let attempt = 0;
let retry = 0;
let hasBeat = false;

/** @type {import('../vendor/preact.js').Signal<State>} */
export const state = signal(/** @type {State} */ ('off'));
/** When the last frame came, on this tab's own clock. */
export const last_ms = signal(performance.now());
/** Plant time of the newest data shown. */
export const time_us = signal(boot.now_us);
/** The rate a slow connection was put down to. */
export const slow_hz = signal(/** @type {number | null} */ (null));
/** The server runs another release: the page offers to load it. */
export const newRelease = signal('');
export const retry_ms = signal(0);
export const now_ms = signal(performance.now());
/** How old what is shown is, on the wall. */
export const age_us = computed(() => Math.max(0, now_ms.value - last_ms.value) * 1000);

/** RFC 7396: objects merge, null removes, everything else replaces. @param {any} base @param {any} patch @returns {any} */
export function merge(base, patch) {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch;
  const result = base && typeof base === 'object' && !Array.isArray(base) ? { ...base } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}

/** @param {unknown} message */
function tell(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

/** @param {string[]} names */
function ask(names) {
  if (names.length === 0 || document.hidden) return;
  tell({ subscribe: names.map((topic) => ({ topic, rate_hz: topics.get(topic)?.rate_hz ?? 1 })) });
}

/** @param {Frame} frame */
function take(frame) {
  const topic = topics.get(frame.topic);
  if (!topic) return;
  if (frame.kind === 'change' && topic.sequence !== null && frame.sequence !== topic.sequence + 1) {
    topic.sequence = null;
    ask([frame.topic]);
    return;
  }
  if (frame.kind === 'change' && topic.sequence === null) return;
  topic.sequence = frame.sequence;
  topic.data = frame.kind === 'snapshot' ? frame.data : merge(topic.data, frame.data);
  topic.frame = frame;
  if (frame.time_us > time_us.value) time_us.value = frame.time_us;
  for (const callback of topic.callbacks) callback(topic.data, frame);
}

/** @param {MessageEvent} event */
function onMessage(event) {
  const frame = JSON.parse(event.data);
  last_ms.value = performance.now();
  state.value = 'live';
  if (frame.topic) take(frame);
  else if (frame.hello !== undefined) greet(frame.hello);
  else if (frame.notice === 'slow') slow_hz.value = frame.rate_hz;
  else if (frame.beat !== undefined) hasBeat = true;
}

/** @param {string} release */
function greet(release) {
  attempt = 0;
  slow_hz.value = null;
  if (boot.release && release !== boot.release) newRelease.value = release;
}

function connect() {
  window.clearTimeout(retry);
  const address = new URL('/api/v1/live', window.location.href);
  address.protocol = address.protocol.replace('http', 'ws');
  if (state.value === 'off') state.value = 'connecting';
  const opened = new WebSocket(address);
  socket = opened;
  opened.onopen = () => {
    last_ms.value = performance.now();
    for (const topic of topics.values()) topic.sequence = null;
    ask([...topics.keys()]);
  };
  opened.onmessage = onMessage;
  opened.onclose = () => {
    if (socket === opened) lose();
  };
}

function lose() {
  const old = socket;
  socket = null;
  old?.close();
  hasBeat = false;
  if (topics.size === 0) {
    state.value = 'off';
    return;
  }
  state.value = 'lost';
  // Many tabs lose one server at once: spread their return.
  const wait_ms = (BACK_OFF_MS[attempt] ?? 8000) * (0.75 + Math.random() / 2);
  attempt = Math.min(attempt + 1, BACK_OFF_MS.length - 1);
  retry_ms.value = performance.now() + wait_ms;
  retry = window.setTimeout(connect, wait_ms);
}

/** Try at once, on a person's word. */
export function reconnect() {
  if (state.value === 'lost') connect();
}

function watch() {
  now_ms.value = performance.now();
  const limit_ms = hasBeat ? BEAT_SILENCE_MS : SILENCE_MS;
  if (socket && !document.hidden && now_ms.value - last_ms.value > limit_ms) lose();
}

/**
 * Receive a topic's whole data now and at each change, at most `rate_hz` times a second.
 * @param {string} name @param {OnData} callback @param {number} [rate_hz]
 */
export function subscribe(name, callback, rate_hz = 2) {
  const known = topics.get(name);
  const topic = known ?? { callbacks: new Set(), rate_hz, sequence: null, data: null, frame: null };
  topic.callbacks.add(callback);
  topics.set(name, topic);
  if (known && rate_hz > topic.rate_hz) topic.rate_hz = rate_hz;
  if (!known) ask([name]);
  else if (topic.frame) callback(topic.data, topic.frame);
  if (!socket && state.value !== 'lost') connect();
  return () => {
    topic.callbacks.delete(callback);
    if (topic.callbacks.size > 0 || topics.get(name) !== topic) return;
    topics.delete(name);
    tell({ unsubscribe: [name] });
  };
}

/** A topic's data inside a component; `initial` until the first frame. @param {string} name @param {any} initial
 * @param {number} [rate_hz] */
export function useTopic(name, initial, rate_hz = 2) {
  const [data, setData] = useState(initial);
  useEffect(() => subscribe(name, setData, rate_hz), [name, rate_hz]);
  return data;
}

function onVisibility() {
  if (document.hidden) {
    tell({ unsubscribe: [...topics.keys()] });
    return;
  }
  last_ms.value = performance.now();
  for (const topic of topics.values()) topic.sequence = null;
  ask([...topics.keys()]);
}

/** Watch the connection; called once by main.js. */
export function startLive() {
  window.setInterval(watch, 500);
  document.addEventListener('visibilitychange', onVisibility);
  window.addEventListener('offline', () => socket && lose());
  window.addEventListener('online', reconnect);
}
