/** The map of a web: values by metre and lane, flaws, units wound from it, and what a stretch reaches. */
import { html, useEffect, useMemo, useRef, useState } from '../../vendor/preact.js';
import { getJson, Problem } from '../api.js';
import { boot } from '../boot.js';
import { domainOf } from '../charts/heat_scale.js';
import { HeatMap } from '../charts/heat_map.js';
import { Card, PageHead } from '../components/page_head.js';
import { ErrorState } from '../components/states.js';
import { ExportMenu } from '../components/table_tools.js';
import { limitsText } from '../components/value_bar.js';
import { VirtualTable } from '../components/virtual_table.js';
import { number, quantity, t, unitSymbol } from '../i18n.js';
import { addressOf, characteristic, digitsOf, pageOf, StatusTag, stretch, surety, term } from '../objects.js';
import { BrushForm } from './roll_map/brush_form.js';
import { Legend } from './roll_map/legend.js';

/** @typedef {Record<'lanes' | 'marks' | 'runs' | 'limits', any[]> & Record<string, any>} Data */
/** @typedef {import('../charts/heat_draw.js').Stretch} Stretch */
/** @typedef {ReturnType<typeof pictureOf>} Picture */
/** @typedef {import('../charts/heat_map.js').How} How */

const SETTLE_MS = 250;
const ZOOM = 3;
const LEAST_MM = 100;

export default function RollMapPage() {
  const { data, brush, problem, show, select } = useMap();
  const { lot } = data;
  const shown = useShown(data);
  const Reach = useReach(Boolean(brush));
  /** @param {How} how */
  const zoom = (how) => show(zoomed(data, brush, how));
  return html`<${PageHead} title=${t('page.roll_map')} code=${lot.code} steps=${[{ label: `${t('thing.lot')} ${lot.code}`, href: pageOf('lot', lot.code) }]}
      aside=${html`<span>${term(lot.material, data.material_name)}</span> <${StatusTag} area="lot_status" status=${lot.status} holds=${lot.holds_count} />`}>
      <a class="button" href=${pageOf('lot', lot.code)}>${t('roll_map.to_lot')}</a>
      <${ExportMenu} path=${addressOf('roll_map', lot.code)} />
    <//>
    <div class="stack">
      ${problem && html`<${ErrorState} text=${problem} />`}
      <${Card} title=${t('roll_map.title')} note=${stretch(data.start, data.end, 'mm')}>
        ${lot.quantity === 0 ? html`<p class="muted">${t('roll_map.empty')}</p>` : html`<${MapView} ...${{ data, shown, brush, zoom, select }} />`}
      <//>
      ${data.is_partial && html`<p class="caption muted">${t('roll_map.partial')}</p>`}
      ${brush && Reach && html`<${Reach} lot=${lot} brush=${brush} reach=${reachOf(data, brush)} />`}
      ${shown.picture.flaws.length > 0 && html`<${Listed} id="marks" rows=${shown.picture.flaws} count=${data.marks_count} of=${flawColumns} />`}
      ${data.runs.length > 0 && html`<${Listed} id="runs" rows=${data.runs} count=${data.runs_count} of=${runColumns} />`}
    </div>`;
}

/** The panel of a brushed stretch, loaded when there is one. @param {boolean} isWanted */
function useReach(isWanted) {
  const [panel, setPanel] = useState(/** @type {{view: any}} */ ({ view: null }));
  useEffect(() => {
    if (isWanted && !panel.view) import('./roll_map/reach.js').then(({ Reach }) => setPanel({ view: Reach }));
  }, [isWanted]);
  return panel.view;
}

/** What this brush reaches, null while it is asked for. @param {Data} data @param {Stretch} brush */
function reachOf({ reach }, brush) {
  return reach?.start === brush.start && reach.end === brush.end && reach.lane === brush.lane ? reach : null;
}

/** The map and what is brushed on it; both stand in the address. */
function useMap() {
  const [data, setData] = useState(/** @type {Data} */ (boot.data));
  const [brush, setBrush] = useState(/** @type {Stretch | null} */ (boot.data.reach));
  const [problem, setProblem] = useState('');
  const turns = useRef({ map: 0, reach: 0 });
  /** Only the newest question of a kind counts. @param {'map' | 'reach'} kind @param {Record<string, number>} query @param {(found: Data) => void} take */
  const ask = async (kind, query, take) => {
    const mine = (turns.current[kind] += 1);
    try {
      const found = await getJson(`${addressOf('roll_map', data.lot.code)}.json?${queryOf(query)}`);
      if (mine === turns.current[kind]) take(found);
      setProblem('');
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error.message);
    }
  };
  /** @param {{start: number, end: number}} section */
  const show = (section) =>
    ask('map', section, (found) => {
      setData(({ reach }) => ({ ...found, reach }));
      keepAddress(found, brush);
    });
  /** @param {Stretch | null} wanted */
  const select = (wanted) => {
    setBrush(wanted);
    keepAddress(data, wanted);
  };
  useEffect(() => {
    if (!brush || reachOf(data, brush)) return undefined;
    // Keys that are held down ask once, when they are let go.
    const timer = window.setTimeout(
      () => ask('reach', { start: brush.start, end: brush.end, bins: 1, ...brushQuery(brush) }, ({ reach }) => setData((before) => ({ ...before, reach }))),
      SETTLE_MS,
    );
    return () => window.clearTimeout(timer);
  }, [brush]);
  return { data, brush, problem, show, select };
}

/** @param {Stretch | null} brush @returns {Record<string, number>} */
const brushQuery = (brush) => (brush ? { brush_start: brush.start, brush_end: brush.end, lane: brush.lane } : {});

/** @param {Record<string, number>} query */
const queryOf = (query) => new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)])).toString();

/** @param {Data} data @param {Stretch | null} brush */
function keepAddress({ lot, start, end }, brush) {
  const isWhole = start === 0 && end === lot.quantity;
  const text = queryOf({ ...(isWhole ? {} : { start, end }), ...brushQuery(brush) });
  window.history.replaceState(null, '', window.location.pathname + (text && `?${text}`));
}

/** The section that a zoom leads to. @param {Data} data @param {Stretch | null} brush @param {How} how */
function zoomed({ lot, start, end }, brush, how) {
  if (how === 'whole') return { start: 0, end: lot.quantity };
  const middle = brush ? (brush.start + brush.end) / 2 : (start + end) / 2;
  const wide = how === 'out' ? (end - start) * ZOOM : brush ? (brush.end - brush.start) * 1.2 : (end - start) / ZOOM;
  const length = Math.min(lot.quantity, Math.max(LEAST_MM, Math.round(wide)));
  const low = Math.max(0, Math.min(lot.quantity - length, Math.round(middle - length / 2)));
  return { start: low, end: low + length };
}

/** What is chosen of the map, as it is drawn. @param {Data} data */
function useShown(data) {
  const kinds = useMemo(() => [...new Map(data.lanes.map((each) => [kindOf(each), each])).values()], [data.lanes]);
  const [chosen, choose] = useState('');
  const kind = kinds.find((each) => kindOf(each) === chosen) ?? kinds[0];
  const picture = useMemo(() => pictureOf(data, kind), [data.lanes, kind]);
  return { kinds, kind, choose, picture };
}

/** @param {any} lane */
const kindOf = ({ characteristic: code, operation, source }) => `${code} ${operation} ${source}`;

/** @param {Data} data @param {any} kind */
function pictureOf({ lanes, marks, runs, limits, start, end }, kind) {
  const mine = kind ? lanes.filter((each) => kindOf(each) === kindOf(kind)) : [];
  const numbers = new Set([...mine.map(({ lane }) => lane), ...[...runs, ...marks].map(({ lane }) => lane).filter(Boolean)]);
  const rows = [...(numbers.size ? numbers : [0])].sort((a, b) => a - b).map((lane) => ({ lane, bins: mine.find((each) => each.lane === lane)?.bins ?? null }));
  const defects = [...new Set(marks.map((each) => each.defect))];
  const flaws = marks.map((each) => ({ ...each, letter: letterOf(defects.indexOf(each.defect)) }));
  const limit = kind && limits.find((each) => each.operation === kind.operation && each.characteristic === kind.characteristic);
  const domain = domainOf(limit ?? {}, mine.flatMap(({ bins }) => [...bins.values, ...bins.lower, ...bins.upper]));
  return { rows, runs, flaws, start, end, limits: limit ?? {}, domain };
}

/** A, B … Z, A2, B2 … @param {number} index */
const letterOf = (index) => String.fromCharCode(65 + (index % 26)) + (index >= 26 ? String(Math.floor(index / 26) + 1) : '');

/** @param {{data: Data, shown: ReturnType<typeof useShown>, brush: Stretch | null, zoom: (how: How) => void, select: (brush: Stretch | null) => void}} props */
function MapView({ data, shown, brush, zoom, select }) {
  const [read, setRead] = useState('');
  const { kind, kinds, choose, picture } = shown;
  const { limits } = picture;
  const digits = digitsOf(picture.domain.middle, limits);
  const name = kind ? characteristic(kind.characteristic) : t('roll_map.nothing');
  const sentence = sentenceOf(data, picture, name, digits);
  return html`<div class="map-tools">
      ${kinds.length > 1 &&
      html`<label class="field"><span class="field-label">${t('column.characteristic')}</span>
        <select class="input" value=${kind && kindOf(kind)} onChange=${(/** @type {any} */ event) => choose(event.target.value)}>
          ${kinds.map((each) => html`<option key=${kindOf(each)} value=${kindOf(each)}>${t('roll_map.measured_at', { name: characteristic(each.characteristic), code: each.source })}</option>`)}
        </select></label>`}
      <div class="segments" role="group" aria-label=${t('roll_map.zoom')}>
        ${/** @type {const} */ (['in', 'out', 'whole']).map((how) => html`<button key=${how} type="button" onClick=${() => zoom(how)} disabled=${how !== 'in' && data.start === 0 && data.end === data.lot.quantity}>${t(`roll_map.zoom_${how}`)}</button>`)}
      </div>
      <${BrushForm} lot=${data.lot} lanes=${picture.rows.map(({ lane }) => lane)} brush=${brush} onBrush=${select} />
    </div>
    <figure class="chart">
      <div class="chart-head"><figcaption class="chart-title">${name} <span class="chart-unit">${unitSymbol(limits.unit)}</span></figcaption><span class="chart-read" aria-hidden="true">${read}</span></div>
      <${HeatMap} picture=${picture} brush=${brush} unit=${limits.unit ?? ''} digits=${digits} label=${`${t('page.roll_map')}: ${sentence}`} onBrush=${select} onZoom=${zoom} onRead=${setRead} />
      <${Legend} picture=${picture} unit=${limits.unit ?? ''} digits=${digits} hasValues=${Boolean(kind)} />
      ${kind && html`<p class="chart-note">${noteOf(kind, limits, digits)}</p>`}
    </figure>
    <p class="caption muted map-keys" id="heat-keys">${t('roll_map.keys')}</p>
    ${kind && html`<${Values} picture=${picture} digits=${digits} />`}`;
}

/** @param {any} kind @param {any} limits @param {number} digits */
function noteOf(kind, limits, digits) {
  const where = kind.tolerance ? t('roll_map.carried', { code: kind.source, tolerance: surety(kind.tolerance, '', 'mm') }) : t('roll_map.own', { code: kind.source });
  return `${where} · ${limitsText(limits, limits.unit, digits)}`;
}

/** The picture in words. @param {Data} data @param {Picture} picture @param {string} name @param {number} digits */
function sentenceOf({ start, end, marks_count }, { runs, rows, limits, domain }, name, digits) {
  const units = runs.reduce((sum, run) => sum + run.units_count, 0);
  const [low, high] = [domain.least, domain.most].map((each) => quantity(each, limits.unit, { digits }));
  const range = rows.some(({ bins }) => bins) ? t('roll_map.sentence_values', { name, low, high }) : t('roll_map.nothing');
  return t('roll_map.sentence', { range, where: stretch(start, end, 'mm'), lanes: rows.length, flaws: marks_count, units });
}

/** The same as a table, made when somebody opens it. @param {{picture: Picture, digits: number}} props */
function Values({ picture: { rows }, digits }) {
  const [isOpen, setOpen] = useState(false);
  const columns = useMemo(() => [...places().slice(0, 2), ...['value', 'lower', 'upper'].map((key) => ({ key, label: t(`roll_map.${key}`), kind: 'number', digits }))], [digits]);
  const values = rows.flatMap(({ lane, bins }) =>
    (isOpen && bins ? bins.values : []).map((/** @type {any} */ value, /** @type {number} */ k) => ({ lane, start: bins.starts[k], end: bins.ends[k], value, lower: bins.lower[k] ?? value, upper: bins.upper[k] ?? value })),
  );
  return html`<details class="map-values" onToggle=${(/** @type {any} */ event) => setOpen(event.target.open)}><summary>${t('roll_map.values')}</summary>
    ${isOpen && html`<${VirtualTable} caption=${t('roll_map.values')} columns=${columns} rows=${values} hasTools=${values.length > 8} />`}
  </details>`;
}

/** @typedef {import('../components/table_cells.js').Column} Column */

/** @returns {Column[]} */
const places = () => [
  { key: 'lane', label: t('column.lane'), kind: 'code', render: ({ lane }) => (lane ? number(lane) : t('lot.full_width')) },
  { key: 'start', label: t('column.stretch'), kind: 'code', render: ({ start, end }) => html`<span class="nowrap">${stretch(start, end, 'mm')}</span>` },
  { key: 'tolerance', label: t('column.surety'), kind: 'code', render: ({ tolerance }) => surety(tolerance, '', 'mm') },
];

/** @param {string} key @param {string} label @param {string} kind @returns {Column} */
const link = (key, label, kind) => ({ key, label: t(label), kind: 'code', href: (row) => pageOf(kind, row[key]) });

/** @returns {Column[]} */
const flawColumns = () => [
  { key: 'letter', label: t('roll_map.letter'), kind: 'code' },
  { key: 'defect', label: t('roll_map.defect'), render: ({ defect }) => term(defect) },
  ...places(),
  link('source', 'roll_map.seen_on', 'lot'),
];

/** @returns {Column[]} */
const runColumns = () => [
  ...places(),
  { key: 'units_count', label: t('lot.units_count'), kind: 'number' },
  link('unit_from', 'lot.first_unit', 'unit'),
  link('unit_to', 'lot.last_unit', 'unit'),
  link('lot', 'column.lot', 'lot'),
  { key: 'position', label: t('column.position'), kind: 'code', render: ({ position }) => term(position) },
  link('station', 'column.station', 'station'),
];

/** @param {{id: string, rows: any[], count: number, of: () => Column[]}} props */
function Listed({ id, rows, count, of }) {
  const columns = useMemo(of, []);
  const note = rows.length < count ? t('lot.first_of', { shown: number(rows.length), total: number(count) }) : t('table.count', { n: count });
  return html`<${Card} flush id=${id} title=${t(`roll_map.${id}`)} note=${note}>
    <${VirtualTable} caption=${t(`roll_map.${id}`)} columns=${columns} rows=${rows} hasTools=${rows.length > 8} />
  <//>`;
}
