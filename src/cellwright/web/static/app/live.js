/**
 * The one WebSocket of a tab: subscribe to topics, merge changes, notice gaps and silence, come back by itself.
 * A tab that nobody sees is subscribed to nothing.
 */
import { computed, signal, useEffect, useState } from '../vendor/preact.js';
import { boot } from './boot.js';

/** @typedef {{topic: string, sequence: number, time_us: number, kind: 'snapshot' | 'change', data: any}} Frame */
/** @typedef {(data: any, frame: Frame) => void} OnData gets the topic's whole data, changes merged in */
/** @typedef {{callbacks: Set<OnData>, rate_hz: number, sequence: number | null, data: any, frame: Frame | null}} Topic */
/** @typedef {'off' | 'connecting' | 'live' | 'lost' | 'ended'} State `ended`: the session is over, sign in again */
/** @typedef {Record<string, any>} Row */
/** @typedef {{key: string[], rows?: Row[], gone?: unknown[][]}} ListChange */
/** @typedef {{fields?: Row, lists?: Record<string, ListChange>}} Change */

const BACK_OFF_MS = [500, 1000, 2000, 4000, 8000];
/** The server beats each second. Silence for so long: the connection is dead, whatever the socket says. */
const SILENCE_MS = 2_500;
const WATCH_MS = 250;
/** A watch that comes so late shows that this tab was asleep, not the server. */
const ASLEEP_MS = 1_000;
const SESSION_ENDED = 4401;

/** @type {Map<string, Topic>} */
const topics = new Map();
/** @type {WebSocket | null} */
let socket = null;
let attempt = 0;
let retry = 0;
let wasGreeted = false;

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
/** How old what is shown is, on the wall, in whole seconds. */
export const age_us = computed(() => Math.floor(Math.max(0, now_ms.value - last_ms.value) / 1000) * 1e6);

/** What data are after a change. @param {Row} data @param {Change} change @returns {Row} */
export function applyChange(data, { fields = {}, lists = {} }) {
  const next = { ...data, ...fields };
  for (const [name, { key, rows = [], gone = [] }] of Object.entries(lists)) {
    /** @param {Row} row */
    const nameOf = (row) => JSON.stringify(key.map((field) => row[field]));
    const known = new Map(next[name].map((/** @type {Row} */ row) => [nameOf(row), row]));
    for (const each of gone) known.delete(JSON.stringify(each));
    for (const row of rows) known.set(nameOf(row), row);
    next[name] = [...known.values()];
  }
  return next;
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
  topic.data = frame.kind === 'snapshot' ? frame.data : applyChange(topic.data, frame.data);
  topic.frame = frame;
  if (frame.time_us > time_us.value) time_us.value = frame.time_us;
  for (const callback of topic.callbacks) callback(topic.data, frame);
}

/** @param {MessageEvent} event */
function onMessage(event) {
  const frame = JSON.parse(event.data);
  last_ms.value = performance.now();
  state.value = 'live';
  if (frame.kind !== undefined) take(frame);
  else if (frame.hello !== undefined) greet(frame.hello);
  else if (frame.notice === 'slow') slow_hz.value = frame.rate_hz;
  else if (frame.notice === 'recovered') slow_hz.value = null;
}

/** @param {string} release */
function greet(release) {
  attempt = 0;
  wasGreeted = true;
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
  wasGreeted = false;
  opened.onopen = () => {
    last_ms.value = performance.now();
    for (const topic of topics.values()) topic.sequence = null;
    ask([...topics.keys()]);
  };
  opened.onmessage = onMessage;
  opened.onclose = ({ code }) => {
    if (socket !== opened) return;
    if (code === SESSION_ENDED) end();
    else lose();
  };
}

function end() {
  socket = null;
  state.value = 'ended';
}

/** A refused handshake does not say why: ask whether the session still stands. */
async function askSession() {
  const answer = await fetch('/api/v1/me').catch(() => null);
  if (answer?.status !== 401) return;
  window.clearTimeout(retry);
  end();
}

function lose() {
  const old = socket;
  socket = null;
  old?.close();
  if (!wasGreeted && attempt > 0) void askSession();
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
  const now = performance.now();
  const wasAsleep = now - now_ms.value > ASLEEP_MS;
  now_ms.value = now;
  if (socket && wasAsleep) last_ms.value = now;
  else if (socket && !document.hidden && now - last_ms.value > SILENCE_MS) lose();
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
  if (!socket && state.value === 'off') connect();
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
  window.setInterval(watch, WATCH_MS);
  document.addEventListener('visibilitychange', onVisibility);
  window.addEventListener('offline', () => socket && lose());
  window.addEventListener('online', reconnect);
}
