/** Requests to the server: JSON in, JSON out, refusals as `Problem`. */
import { boot } from './boot.js';

/** @typedef {{code: string, text: string, evidence?: Record<string, unknown>}} Reason */
/** @typedef {{path: string, text: string}} FieldProblem */

/** What the server answered instead: problem+json with the fields or reasons it names. */
export class Problem extends Error {
  /** @param {number} status @param {any} body @param {number} [wait_s] */
  constructor(status, body, wait_s = 0) {
    super(body?.detail || body?.title || `HTTP ${status}`);
    this.status = status;
    /** @type {string} */
    this.title = body?.title ?? '';
    /** @type {FieldProblem[]} */
    this.problems = body?.fields ?? [];
    /** @type {Reason[]} */
    this.reasons = body?.reasons ?? [];
    /** When to try again; 0 = nothing to wait for. */
    this.wait_s = wait_s;
  }
}

/** @param {string} url @param {RequestInit} [options] @returns {Promise<any>} */
async function request(url, options = {}) {
  /** @type {Response} */
  let response;
  try {
    response = await fetch(url, { credentials: 'same-origin', ...options });
  } catch {
    throw new Problem(0, { title: 'no answer' });
  }
  const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
  const body = isJson ? await response.json() : null;
  if (!response.ok) throw new Problem(response.status, body, Number(response.headers.get('retry-after') ?? 0));
  return body;
}

/** The data of a page or list: pass its path with `.json`. What a page reads by itself keeps no session alive.
 * @param {string} url @param {{isBackground?: boolean}} [options] */
export const getJson = (url, { isBackground } = {}) =>
  request(url, { headers: { Accept: 'application/json', ...(isBackground ? { 'X-Background': '1' } : {}) } });

/** A change. @param {string} url @param {unknown} body @param {string} [method] */
export function send(url, body, method = 'POST') {
  /** @type {Record<string, string>} */
  const headers = { 'Content-Type': 'application/json', Accept: 'application/json' };
  if (boot.user) headers['X-CSRF-Token'] = boot.user.csrf;
  return request(url, { method, headers, body: JSON.stringify(body) });
}
