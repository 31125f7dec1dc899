/** The flow from lots to packs: nodes in columns, bands between them as thick as what they stand for. */
import { html, useMemo, useRef, useState } from '../../vendor/preact.js';
import { levelName } from '../components/kin_tree.js';
import { number, t } from '../i18n.js';
import { amountOf, pageOf } from '../objects.js';
import { Figure } from './figure.js';
import { useWidth } from './use_width.js';

/** @typedef {{level: string, code: string, nodes_count: number, amount: number, column: number}} FlowNode */
/** @typedef {{source: number, target: number, amount: number}} FlowBand */
/** @typedef {{counted: string, total: number, nodes: FlowNode[], bands: FlowBand[]}} Flow */
/** @typedef {FlowNode & {x: number, y: number, height: number, slot: number, room_px: number}} Placed */

const NODE = 12;
const SLOT = 34;
const GAP = 10;
const TALLEST = 300;
const COLUMN_MIN = 124;
const HEADING = 24;
const LETTER_PX = 6.6;
const CODE_LETTER_PX = 7.8;
const WIDE_LETTER_PX = 12.5;

const UNITS = ['cell', 'module', 'pack'];

/** Whether a node stands for what is left of its level beside others. @param {FlowNode} node @param {FlowNode[]} nodes */
const isRest = ({ level, code }, nodes) => !code && nodes.some((each) => each.level === level && each.code);

/** What a node is called: the code of one, else of how many it stands. @param {FlowNode} node @param {FlowNode[]} nodes */
function nameOf(node, nodes) {
  const { level, code, nodes_count, amount } = node;
  if (code) return code;
  if (isRest(node, nodes)) return t('flow.others', { n: nodes_count });
  return nodes_count === amount ? levelName(level, nodes_count) : t('flow.several', { n: nodes_count, level: levelName(level, nodes_count) });
}

/** @param {Flow} flow */
const isOfUnits = ({ counted }) => [...UNITS, 'unit'].includes(counted);

/** @param {Flow} flow @param {number} amount */
const amountText = (flow, amount) => (isOfUnits(flow) ? t(`flow.${flow.counted}`, { n: amount, count: number(amount) }) : amountOf(amount, flow.counted, flow.total));

/** What there is room for: of a code the end, which says the most, of words the beginning. @param {string} text @param {number} room_px @param {boolean} isCode */
function shorten(text, room_px, isCode) {
  const letters = isCode ? [...text].toReversed() : [...text];
  let used = 0;
  const kept = letters.findIndex((each) => (used += each > '\u2e80' ? WIDE_LETTER_PX : isCode ? CODE_LETTER_PX : LETTER_PX) > room_px);
  if (kept < 0) return text;
  const shown = letters.slice(0, Math.max(4, kept - 1));
  return isCode ? `…${shown.toReversed().join('')}` : `${shown.join('')}…`;
}

/** Where everything stands. @param {Flow} flow @param {number} width_px */
function place({ nodes, bands }, width_px) {
  const columns = Math.max(0, ...nodes.map(({ column }) => column)) + 1;
  const step = (width_px - COLUMN_MIN) / Math.max(1, columns - 1);
  const most = Math.max(1, ...Array.from({ length: columns }, (_, at) => sum(nodes.filter(({ column }) => column === at).map(({ amount }) => amount))));
  const scale = TALLEST / most;
  const heights = nodes.map(({ amount }) => Math.max(3, amount * scale));
  const tops = Array.from({ length: columns }, () => 0);
  /** @type {Placed[]} */
  const placed = nodes.map((node, index) => {
    const height = heights[index] ?? 3;
    const slot = Math.max(height, SLOT);
    const y = tops[node.column] ?? 0;
    tops[node.column] = y + slot + GAP;
    return { ...node, x: node.column * step, y, height, slot, room_px: (node.column === columns - 1 ? COLUMN_MIN : step) - NODE - 14 };
  });
  const height = Math.max(SLOT, ...tops) - GAP;
  // Columns stand in the middle, so that bands bend little.
  for (const each of placed) each.y += (height - ((tops[each.column] ?? 0) - GAP)) / 2;
  return { placed, height, ribbons: ribbonsOf(placed, bands), headings: headingsOf(placed) };
}

/** The level of each column that holds only one; where several stand, each node says its own. @param {Placed[]} nodes */
function headingsOf(nodes) {
  const columns = [...new Set(nodes.map(({ column }) => column))];
  return columns.flatMap((column) => {
    const own = nodes.filter((each) => each.column === column);
    const [first] = own;
    return first && own.every(({ level }) => level === first.level) && (own.length > 1 || first.code) ? [{ column, x: first.x, text: levelName(first.level, own.length) }] : [];
  });
}

/** @param {number[]} values */
const sum = (values) => values.reduce((total, each) => total + each, 0);

/**
 * The two ends of each band: as thick as the node allows, one below the other in the order of the other ends.
 * @param {Placed[]} nodes @param {FlowBand[]} bands
 */
function ribbonsOf(nodes, bands) {
  /** @param {'source' | 'target'} end @param {'source' | 'target'} other */
  const endsOf = (end, other) => {
    /** @type {Map<FlowBand, [number, number]>} */
    const ends = new Map();
    nodes.forEach((node, index) => {
      const own = bands.filter((band) => band[end] === index).toSorted((a, b) => (nodes[a[other]]?.y ?? 0) - (nodes[b[other]]?.y ?? 0));
      const thick = node.height / Math.max(node.amount, sum(own.map(({ amount }) => amount)), 1);
      let at = node.y;
      for (const band of own) {
        ends.set(band, [at, at + Math.max(1, band.amount * thick)]);
        at += band.amount * thick;
      }
    });
    return ends;
  };
  const left = endsOf('source', 'target');
  const right = endsOf('target', 'source');
  return bands.map((band) => {
    const [top, bottom] = left.get(band) ?? [0, 0];
    const [far, below] = right.get(band) ?? [0, 0];
    const from = (nodes[band.source]?.x ?? 0) + NODE;
    const to = nodes[band.target]?.x ?? 0;
    const middle = (from + to) / 2;
    return `M${from} ${top}C${middle} ${top} ${middle} ${far} ${to} ${far}L${to} ${below}C${middle} ${below} ${middle} ${bottom} ${from} ${bottom}Z`;
  });
}

/** @param {{flow: Flow, subject: string}} props */
export function Sankey({ flow, subject }) {
  const { ref, width_px } = useWidth(900);
  const { nodes, bands } = flow;
  const columns = Math.max(0, ...nodes.map(({ column }) => column)) + 1;
  const wide_px = Math.max(width_px, columns * COLUMN_MIN);
  const drawn = useMemo(() => place(flow, wide_px), [flow, wide_px]);
  const [shown, setShown] = useState(/** @type {string | null} */ (null));
  const [current, setCurrent] = useState('band 0');
  const chart = useRef(/** @type {SVGSVGElement | null} */ (null));
  const names = nodes.map((node) => nameOf(node, nodes));
  /** @param {FlowBand} band */
  const bandText = ({ source, target, amount }) => t('flow.band', { from: labelOf(source), to: labelOf(target), amount: amountText(flow, amount) });
  /** @param {number} index */
  const labelOf = (index) => {
    const [node, name] = [nodes[index], names[index] ?? ''];
    if (!node || (!node.code && !isRest(node, nodes))) return name;
    return node.code ? `${levelName(node.level, 1)} ${name}` : `${levelName(node.level)}: ${name}`;
  };
  /** @param {number} index */
  const nodeText = (index) => `${labelOf(index)}: ${amountText(flow, nodes[index]?.amount ?? 0)}`;
  const texts = Object.fromEntries([...bands.map((band, at) => [`band ${at}`, bandText(band)]), ...nodes.map((_, at) => [`node ${at}`, nodeText(at)])]);
  const order = nodes.flatMap((_, at) => [`node ${at}`, ...bands.flatMap(({ source }, index) => (source === at ? [`band ${index}`] : []))]);

  /** @param {KeyboardEvent} event */
  const onKey = (event) => {
    const at = order.indexOf(current);
    /** @type {Record<string, number>} */
    const moves = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: order.length - 1 };
    const next = order[moves[event.key] ?? -1];
    if (!next) return;
    event.preventDefault();
    setCurrent(next);
    window.requestAnimationFrame(() => /** @type {SVGElement | null} */ (chart.current?.querySelector(`[data-flow="${next}"]`))?.focus());
  };
  /** @param {string} key */
  const pointing = (key) => ({
    'data-flow': key,
    tabindex: current === key ? 0 : -1,
    onMouseEnter: () => setShown(key),
    onMouseLeave: () => setShown(null),
    onFocus: () => { setShown(key); setCurrent(key); },
    onBlur: () => setShown(null),
  });
  /** @param {number} index */
  const isLit = (index) => shown === `band ${index}` || shown === `node ${bands[index]?.source}` || shown === `node ${bands[index]?.target}`;
  const of = isOfUnits(flow) ? 'units' : 'measure';
  const table = () => ({
    headings: [t('flow.from'), t('flow.to'), t(`flow.amount_${of}`)],
    rows: bands.map(({ source, target, amount }) => [labelOf(source), labelOf(target), amountText(flow, amount)]),
  });
  return html`<${Figure} title=${t(`flow.title_${of}`)} unit=${t('flow.total', { total: amountText(flow, flow.total) })} sentence=${t('flow.sentence', { code: subject, nodes: nodes.length, bands: bands.length, total: amountText(flow, flow.total) })}
      table=${table} read=${shown ? texts[shown] : bands.length > 0 && t('flow.hint')} note=${t(`flow.note_${of}`)} isEmpty=${bands.length === 0} hasLinks>
    <div ref=${ref} class="flow" tabindex=${wide_px > width_px ? 0 : undefined}>
      <svg ref=${chart} width=${wide_px} height=${drawn.height + HEADING + 8} viewBox="0 ${-HEADING} ${wide_px} ${drawn.height + HEADING + 8}" style=${{ width: `${wide_px}px` }} onKeyDown=${onKey}>
        ${drawn.headings.map(({ text, x }) => html`<text key=${x} x=${x} y="-10" aria-hidden="true">${text}</text>`)}
        ${drawn.ribbons.map((path, at) => html`<path key=${`band ${at}`} class="flow-band" data-lit=${isLit(at)} d=${path} role="img" aria-label=${texts[`band ${at}`]} ...${pointing(`band ${at}`)} />`)}
        ${drawn.placed.map((node, at) => html`<${NodeView} key=${`node ${at}`} node=${node} name=${names[at]} title=${drawn.headings.some(({ column }) => column === node.column) || !(node.code || isRest(node, nodes)) ? '' : levelName(node.level, node.nodes_count)} amount=${isOfUnits(flow) ? number(node.amount) : amountText(flow, node.amount)} isSubject=${node.code === subject} text=${texts[`node ${at}`]} pointing=${pointing(`node ${at}`)} />`)}
      </svg>
    </div>
  <//>`;
}

/** @param {{node: Placed, name: string, title: string, amount: string, isSubject: boolean, text: string, pointing: Record<string, unknown>}} props */
function NodeView({ node, name, title, amount, isSubject, text, pointing }) {
  const { x, y, height, room_px, code, level } = node;
  const at = y + Math.max(11, height / 2 - 5);
  const body = html`<title>${text}</title>
    <rect class="flow-node" data-subject=${isSubject} x=${x} y=${y} width=${NODE} height=${height} />
    <text class="flow-name" x=${x + NODE + 6} y=${at}>${shorten(name, room_px, code !== '')}</text>
    <text class="flow-amount" x=${x + NODE + 6} y=${at + 14}>${title ? `${title}, ` : ''}${amount}</text>`;
  if (!code) return html`<g role="img" aria-label=${text} ...${pointing}>${body}</g>`;
  return html`<a href=${pageOf(UNITS.includes(level) ? 'unit' : 'lot', code)} aria-label=${text} ...${pointing}>${body}</a>`;
}
