/** A tree that is read as it is opened: levels, their nodes, and from each node one step further. */
import { html, useEffect, useRef, useState } from '../../vendor/preact.js';
import { getJson } from '../api.js';
import { has, number, t } from '../i18n.js';
import { operation, pageOf, StatusTag, stretch, surety, term } from '../objects.js';
import { correctionTitle, correctionWords } from './correction_notices.js';
import { Icon } from './icon.js';

/** @typedef {Record<string, any>} Node */
/** @typedef {{nodes: Node[], total: number, isLoading?: boolean, hasFailed?: boolean}} Branch */
/** @typedef {{path: string, parent: string, depth: number, place: number, count: number, kind: 'level' | 'node' | 'more' | 'failed' | 'none', label: string, text: string, node?: Node, level?: Node}} Item */

const PORTION = 50;
const LOOK_MAX = 10;
const TYPING_MS = 700;

/** What a level is called. @param {string} level @param {number} [count] */
export const levelName = (level, count = 2) => (has(`kinds.${level}`) ? t(count === 1 ? `thing.${level}` : `kinds.${level}`) : term(level));

/** What a step is called by its place. @param {string} place */
function placeName(place) {
  const [, word, count] = place.match(/^(slot|part) (\d+)$/) ?? [];
  if (word === 'slot') return t('fact.slot', { slot: Number(count) });
  return word === 'part' ? t('kin.part', { part: Number(count) }) : operation(place);
}

/** @param {Node} node */
const kindName = (node) => (node.is_unit ? t(`thing.${node.kind}`) : term(node.kind));

/** Names of nodes beside each other: the code, counted where it comes again. @param {Node[]} nodes */
function keysOf(nodes) {
  /** @type {Record<string, number>} */
  const seen = {};
  return nodes.map(({ code }) => {
    seen[code] = (seen[code] ?? 0) + 1;
    return encodeURIComponent(code) + (seen[code] > 1 ? `~${seen[code]}` : '');
  });
}

/** Everything that is to be seen now, in order. @param {Node[]} levels @param {Record<string, Branch>} branches @param {Set<string>} open */
function itemsOf(levels, branches, open) {
  /** @type {Item[]} */
  const items = [];
  /** @param {string} parent @param {number} depth */
  const addBranch = (parent, depth) => {
    const branch = branches[parent];
    if (!branch) return;
    const keys = keysOf(branch.nodes);
    branch.nodes.forEach((node, index) => {
      const path = `${parent}/${keys[index]}`;
      const label = [kindName(node), node.code, node.place && placeName(node.place), node.corrected && correctionTitle(node.corrected)].filter(Boolean).join(' ');
      items.push({ path, parent, depth, place: index + 1, count: branch.total, kind: 'node', label, text: node.code, node });
      if (open.has(path)) addBranch(path, depth + 1);
    });
    const rest = { parent, depth, place: branch.nodes.length + 1, count: branch.total, text: '' };
    if (branch.hasFailed) items.push({ ...rest, path: `${parent}/!failed`, kind: 'failed', label: t('kin.failed') });
    else if (branch.isLoading) items.push({ ...rest, path: `${parent}/!none`, kind: 'none', label: t('state.loading') });
    else if (branch.nodes.length < branch.total) items.push({ ...rest, path: `${parent}/!more`, kind: 'more', label: t('kin.more', { n: Math.min(PORTION, branch.total - branch.nodes.length), shown: branch.nodes.length, total: branch.total }) });
    else if (branch.total === 0) items.push({ ...rest, path: `${parent}/!none`, count: 1, kind: 'none', label: t('kin.nothing') });
  };
  levels.forEach((level, index) => {
    const label = `${levelName(level.level, level.nodes_count)} ${number(level.nodes_count)}`;
    items.push({ path: level.level, parent: '', depth: 1, place: index + 1, count: levels.length, kind: 'level', label, text: label, level });
    if (open.has(level.level)) addBranch(level.level, 2);
  });
  return items;
}

/** What is there before anything is read. @param {Node[]} levels @returns {Record<string, Branch>} */
const firstBranches = (levels) => Object.fromEntries(levels.filter(({ nodes }) => nodes.length > 0).map(({ level, nodes, nodes_count }) => [level, { nodes, total: nodes_count }]));

/**
 * Branches and what is open, and how to open more.
 * @param {string} subject @param {string} query of the question @param {Record<string, Branch>} first
 */
function useBranches(subject, query, first) {
  const [branches, setBranches] = useState(first);
  const [open, setOpen] = useState(() => new Set(Object.keys(first)));
  const now = useRef(branches);
  /** @param {string} path @param {Branch} branch */
  const put = (path, branch) => {
    now.current = { ...now.current, [path]: branch };
    setBranches(now.current);
  };
  /** Read the next nodes of a branch. @param {string} path @param {Node} [node] of which they are, none = of a level */
  const read = async (path, node) => {
    const branch = now.current[path] ?? { nodes: [], total: 0 };
    if (branch.isLoading) return;
    put(path, { ...branch, isLoading: true, hasFailed: false });
    const asked = new URLSearchParams(query);
    for (const [name, value] of Object.entries({ ...(node ? { of: node.code } : { level: path }), offset: branch.nodes.length, limit: PORTION })) asked.set(name, String(value));
    try {
      const { nodes, total_count: total } = await getJson(`${pageOf(`api/v1/genealogy-${node ? 'steps' : 'level'}`, subject)}?${asked}`);
      put(path, { nodes: [...branch.nodes, ...nodes], total });
    } catch {
      put(path, { ...branch, hasFailed: true });
    }
  };
  /** @param {string} path @param {Node} [node] */
  const expand = async (path, node) => {
    setOpen((before) => new Set(before).add(path));
    if (!now.current[path]) await read(path, node);
  };
  /** @param {string} path */
  const collapse = (path) => setOpen((before) => new Set([...before].filter((each) => each !== path)));
  return { branches, open, now, read, expand, collapse };
}

/** Open the way that an address names, as far as it is found. @param {string} way @param {ReturnType<typeof useBranches>} state @param {Node[]} levels */
async function openWay(way, { now, read, expand }, levels) {
  const [level, ...codes] = way.split('/');
  if (!level || !levels.some((each) => each.level === level)) return '';
  await expand(level);
  let path = level;
  /** @type {Node | undefined} */
  let node;
  for (const key of codes) {
    /** @type {Node | undefined} */
    let next;
    for (let round = 0; round < LOOK_MAX; round += 1) {
      const { nodes, total } = now.current[path] ?? { nodes: [], total: 0 };
      next = nodes[keysOf(nodes).indexOf(key)];
      if (next || nodes.length >= total) break;
      await read(path, node);
    }
    if (!next) return path;
    path = `${path}/${key}`;
    node = next;
    if (key !== codes[codes.length - 1]) await expand(path, node);
  }
  return path;
}

/** @param {{subject: string, query: string, levels: Node[], label: string, branches?: Record<string, Branch>}} props `branches`: more that is open at first */
export function KinTree({ subject, query, levels, label, branches: first }) {
  const state = useBranches(subject, query, { ...firstBranches(levels), ...first });
  const { branches, open, read, expand, collapse } = state;
  const [current, setCurrent] = useState(levels[0]?.level ?? '');
  const tree = useRef(/** @type {HTMLUListElement | null} */ (null));
  const typed = useRef({ text: '', at_ms: 0 });
  const items = itemsOf(levels, branches, open);
  const at = Math.max(0, items.findIndex(({ path }) => path === current));

  /** @param {string} path */
  const focus = (path) => {
    setCurrent(path);
    window.history.replaceState(null, '', `#${path.replace(/\/![a-z]+$/, '')}`);
    window.requestAnimationFrame(() => /** @type {HTMLElement | null} */ (tree.current?.querySelector(`[data-path="${CSS.escape(path)}"]`))?.focus());
  };
  useEffect(() => {
    const follow = async () => {
      const path = await openWay(window.location.hash.slice(1), state, levels);
      if (path) focus(path);
    };
    void follow();
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  }, []);

  // What stood for nodes that were being read is gone: go on from the first of them.
  useEffect(() => {
    if (!current.includes('/!') || items.some(({ path }) => path === current)) return;
    const parent = current.slice(0, current.indexOf('/!'));
    focus((items.find((each) => each.parent === parent) ?? { path: parent }).path);
  });

  /** @param {Item} item */
  const canOpen = ({ kind, node }) => kind === 'level' || (kind === 'node' && node?.has_steps);
  /** @param {Item} item */
  const toggle = (item) => {
    if (item.kind === 'more' || item.kind === 'failed') return goOn(item);
    if (!canOpen(item)) return undefined;
    return open.has(item.path) ? collapse(item.path) : void expand(item.path, item.node);
  };
  /** Read on, and stand on the first that came. @param {Item} item */
  const goOn = async (item) => {
    const before = state.now.current[item.parent]?.nodes.length ?? 0;
    await read(item.parent, items.find(({ path }) => path === item.parent)?.node);
    const nodes = state.now.current[item.parent]?.nodes ?? [];
    focus(nodes.length > before ? `${item.parent}/${keysOf(nodes)[before]}` : item.path);
  };
  /** @param {Item} item */
  const follow = (item) => (item.kind === 'node' ? window.location.assign(pageOf(item.node?.is_unit ? 'unit' : 'lot', item.node?.code)) : toggle(item));
  /** @param {string} letter @param {number} now_ms */
  const find = (letter, now_ms) => {
    const text = (now_ms - typed.current.at_ms < TYPING_MS ? typed.current.text : '') + letter.toLowerCase();
    typed.current = { text, at_ms: now_ms };
    const from = text.length === 1 ? at + 1 : at;
    const found = [...items.slice(from), ...items.slice(0, from)].find((each) => each.text.toLowerCase().startsWith(text));
    if (found) focus(found.path);
  };
  /** @type {Record<string, (item: Item) => unknown>} */
  const keys = {
    ArrowDown: () => items[at + 1] && focus(items[at + 1].path),
    ArrowUp: () => items[at - 1] && focus(items[at - 1].path),
    Home: () => items[0] && focus(items[0].path),
    End: () => focus(items[items.length - 1].path),
    ArrowRight: (item) => (canOpen(item) && !open.has(item.path) ? toggle(item) : items[at + 1]?.parent === item.path && focus(items[at + 1].path)),
    ArrowLeft: (item) => (canOpen(item) && open.has(item.path) ? toggle(item) : item.parent && focus(item.parent)),
    Enter: follow,
    ' ': toggle,
  };
  /** @param {KeyboardEvent} event */
  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !items[at]) return;
    const act = keys[event.key];
    if (act) act(items[at]);
    // What is neither letter nor digit only goes on with a code: else it is a key of the page.
    else if (/^[\p{L}\p{N}]$/u.test(event.key) || (event.key.length === 1 && event.timeStamp - typed.current.at_ms < TYPING_MS)) find(event.key, event.timeStamp);
    else return;
    event.preventDefault();
  };
  /** @param {string} parent @returns {any} */
  const group = (parent) =>
    items
      .filter((each) => each.parent === parent)
      .map((item) => html`<${TreeItem} key=${item.path} item=${item} isCurrent=${items[at]?.path === item.path} isOpen=${canOpen(item) ? open.has(item.path) : undefined}
        onPoint=${() => { focus(item.path); void toggle(item); }}>${open.has(item.path) && group(item.path)}<//>`);
  return html`<ul class="kin" role="tree" aria-label=${label} ref=${tree} onKeyDown=${onKey}>${group('')}</ul>`;
}

/** @param {{item: Item, isCurrent: boolean, isOpen: boolean | undefined, onPoint: () => void, children?: any}} props */
function TreeItem({ item, isCurrent, isOpen, onPoint, children }) {
  const { path, depth, place, count, label, kind } = item;
  /** @param {MouseEvent} event */
  const onClick = (event) => {
    event.stopPropagation();
    if (!(event.target instanceof Element && event.target.closest('a'))) onPoint();
  };
  return html`<li role="treeitem" class="kin-item" data-path=${path} data-kind=${kind} aria-level=${depth} aria-posinset=${place} aria-setsize=${Math.max(count, place)} aria-label=${label}
      aria-expanded=${isOpen} tabindex=${isCurrent ? 0 : -1} onClick=${onClick}>
    <div class="kin-row" style=${{ '--depth': depth - 1 }}>
      <span class="kin-mark">${isOpen !== undefined && html`<${Icon} name="chevron-right" />`}</span>
      ${kind === 'level' ? html`<${LevelRow} ...${item.level} />` : kind === 'node' ? html`<${NodeRow} ...${item.node} isInLevel=${depth === 2} />` : html`<span class="kin-text">${label}</span>`}
    </div>
    ${children && html`<ul role="group">${children}</ul>`}
  </li>`;
}

/** @param {Node} level */
const LevelRow = ({ level, nodes_count, basis }) => html`<b class="kin-name">${levelName(level, nodes_count)}</b><span class="kin-count">${number(nodes_count)}</span><span class="kin-basis">${t(`basis.${basis}`)}</span>`;

/** @param {Node} node */
function NodeRow(node) {
  return html`<span class="kin-name">${!node.isInLevel && html`<span class="kin-kind">${kindName(node)}</span>`}<a class="code" tabindex="-1" href=${pageOf(node.is_unit ? 'unit' : 'lot', node.code)}>${node.code}</a></span>
    <span class="kin-status">${node.status && html`<${StatusTag} area=${node.is_unit ? 'unit_status' : 'lot_status'} status=${node.status} holds=${node.held ? 1 : 0} />`}</span>
    ${node.place && html`<span class="kin-place">${placeName(node.place)}</span>`}
    <span class="kin-stretch">${stretchOf(node)}${node.corrected && html`<span class="kin-corrected"><b>${correctionTitle(node.corrected)}</b> ${correctionWords(node.corrected)}</span>`}</span>`;
}

/** @param {Node} node */
function stretchOf({ stretches, stretches_count, stretch_measure: measure, basis }) {
  const [first] = stretches;
  if (!first) return '';
  const lane = first.lane ? ` ${t('kin.lane', { lane: first.lane })}` : '';
  const more = stretches_count > 1 ? ` ${t('kin.stretches', { n: stretches_count - 1 })}` : '';
  const sure = surety(first.tolerance, first.basis ?? basis, measure);
  return html`<span class="nowrap">${stretch(first.start, first.end, measure)}</span>${lane}${more} <span class="muted">${sure}</span>`;
}
