import { html, useRef, useState } from '../../vendor/preact.js';
import { number, quantity, t } from '../i18n.js';
import { characteristic, operation, pageOf } from '../objects.js';
import { Figure } from './figure.js';
import { rampOf } from './heat_scale.js';

/**
 * @typedef {{cell: string, module: string, module_slot: number | null, slot: number, series: number, parallel: number}} Place
 * @typedef {{module: string, slot: number | null, cells_count: number, series_count: number, parallel_count: number}} Module
 * @typedef {{characteristic: string, unit: string, operation: string, values: (number | null)[], known_count: number, median: number,
 *   sigma: number | null, reach: number | null, is_fixed: boolean, far: number[], modules: {module: string, median: number | null, known_count: number}[]}} Values
 * @typedef {{modules: Module[], cells: Place[]}} Layout
 * @typedef {{text: (value: number | null) => string, off: (value: number) => string}} Words
 */

/** Units in which deviations are told, a thousandth of that of the value. @type {Record<string, string>} */
const SMALLER = { V: 'mV', ohm: 'mohm', Ah: 'mAh' };
const KEY_STEPS = [-1, -0.5, 0, 0.5, 1];
const PAINT = { low: 'var(--diverging-low)', mid: 'var(--diverging-mid)', high: 'var(--diverging-high)' };
/** Where arrows lead within a module: [along the row, along the column]. @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * The cells of a pack where they are, each by how far it lies from the median; a click or Enter opens it.
 * @param {{layout: Layout, values: Values}} props
 */
export function PackMap({ layout, values }) {
  const [shown, setShown] = useState(/** @type {number | null} */ (null));
  const words = wordsOf(values);
  const { median, known_count, sigma, reach } = values;
  const missing = layout.cells.length - known_count;
  const name = characteristic(values.characteristic);
  const sentence = t('pack_map.sentence', { name, n: known_count, all: layout.cells.length, median: words.text(median), far: values.far.length });
  const table = () => ({
    headings: [t('thing.cell'), t('thing.module'), t('column.slot'), t('pack_map.place'), name, t('pack_map.off')],
    rows: layout.cells.map((place, index) => [place.cell, place.module, number(place.slot), placeText(place), words.text(values.values[index] ?? null), offText(values.values[index] ?? null, words, median)]),
  });
  const legend = [
    t('pack_map.median', { median: words.text(median), n: known_count }),
    sigma === null ? t('pack_map.no_sigma') : t('pack_map.sigma', { sigma: words.off(sigma).replace('+', '') }),
    t('pack_map.missing', { n: missing }),
    sigma === null ? '' : t('pack_map.far', { n: values.far.length }),
    t('pack_map.from', { operation: operation(values.operation) }),
  ].filter(Boolean);
  return html`<${Figure} title=${name} unit=${t('pack_map.unit')} sentence=${sentence} table=${table} read=${shown === null ? t('pack_map.hint') : readOut(layout.cells[shown], values.values[shown] ?? null, words)}
      note=${html`<span class="pack-legend"><${Key} reach=${reach} isFixed=${values.is_fixed} words=${words} />${legend.map((each) => html`<span key=${each}>${each}</span>`)}</span>`} hasLinks>
    <${Modules} layout=${layout} values=${values} words=${words} onShow=${setShown} />
  <//>`;
}

/** Values and deviations in the unit of the characteristic, with the digits that tell cells apart. @param {Values} values @returns {Words} */
function wordsOf({ unit, sigma, median, reach }) {
  const size = sigma ?? reach ?? (Math.abs(median) || 1);
  const digits = Math.max(0, Math.min(6, Math.ceil(-Math.log10(size)) + 1));
  const small = SMALLER[unit];
  const offDigits = small ? Math.max(0, digits - 3) : digits;
  return {
    text: (value) => quantity(value, unit, { digits }),
    off: (value) => quantity(small ? value * 1000 : value, small ?? unit, { digits: offDigits, is_signed: true }),
  };
}

/** @param {Place} place */
const placeText = ({ series, parallel }) => t('pack_map.group', { series, parallel });

/** @param {number | null} value @param {Words} words @param {number} median */
const offText = (value, words, median) => (value === null ? t('common.unknown') : words.off(value - median));

/** @param {Place | undefined} place @param {number | null} value @param {Words} words */
const readOut = (place, value, words) => (place ? `${place.cell} · ${placeText(place)} · ${words.text(value)}` : '');

/** @param {{layout: Layout, values: Values, words: Words, onShow: (index: number | null) => void}} props */
function Modules({ layout, values, words, onShow }) {
  const [at, setAt] = useState(0);
  const frame = useRef(/** @type {HTMLElement | null} */ (null));
  const { median, reach } = values;
  const paint = rampOf({ low: median - (reach ?? 1), middle: median, high: median + (reach ?? 1) }, PAINT.low, PAINT.mid, PAINT.high);
  const far = new Set(values.far);
  /** @param {KeyboardEvent} event */
  const move = (event) => {
    const arrow = ARROWS[event.key];
    if (!arrow) return;
    const to = neighbour(layout, at, arrow);
    event.preventDefault();
    setAt(to);
    /** @type {HTMLElement | null | undefined} */ (frame.current?.querySelector(`[data-index="${to}"]`))?.focus();
  };
  return html`<div class="pack-modules" ref=${frame} onKeyDown=${move}>
    ${layout.modules.map((module, number_) => {
      const own = values.modules[number_];
      const head = `${t('thing.module')} ${module.slot === null ? '' : t('fact.slot', { slot: module.slot })}`;
      return html`<section class="pack-module" key=${module.module} aria-label=${`${head} ${module.module}`}>
        <p class="pack-module-head"><span>${head}</span> <a class="code" href=${pageOf('unit', module.module)}>${module.module}</a>
          <span class="muted">${own && own.known_count > 0 ? t('pack_map.median', { median: words.text(own.median), n: own.known_count }) : t('pack_map.nothing_known')}</span></p>
        <div class="pack-scroll"><div class="pack-grid" style=${{ gridTemplateColumns: `28px repeat(${module.parallel_count}, minmax(26px, 1fr))` }}>
          ${Array.from({ length: module.parallel_count }, (_, column) => html`<span class="pack-column" key=${`p${column}`} style=${{ gridRow: 1, gridColumn: column + 2 }}>${t('pack_map.parallel', { parallel: column + 1 })}</span>`)}
          ${Array.from({ length: module.series_count }, (_, row) => html`<span class="pack-group" key=${`s${row}`} style=${{ gridRow: row + 2, gridColumn: 1 }}>${t('pack_map.series', { series: row + 1 })}</span>`)}
          ${layout.cells.map((place, index) => place.module === module.module && html`<${Cell} key=${place.cell} ...${{ place, index, words, paint, median, onShow }} value=${values.values[index] ?? null} isFar=${far.has(index)} isStop=${index === at} />`)}
        </div></div>
      </section>`;
    })}
  </div>`;
}

/** The cell beside another in its module, itself where there is none. @param {Layout} layout @param {number} at @param {[number, number]} arrow */
function neighbour({ cells }, at, [along, down]) {
  const here = cells[at];
  if (!here) return at;
  const row = cells.findIndex((each) => each.module === here.module && each.series === here.series + down && each.parallel === here.parallel + along);
  if (row >= 0) return row;
  return along !== 0 ? Math.max(0, Math.min(cells.length - 1, at + along)) : nextModule(cells, at, down);
}

/** The cell of the same column in the module above or below. @param {Place[]} cells @param {number} at @param {number} down */
function nextModule(cells, at, down) {
  const here = cells[at];
  const column = cells.map((each, index) => ({ ...each, index })).filter((each) => each.parallel === here?.parallel);
  const place = column.findIndex(({ index }) => index === at);
  return column[place + down]?.index ?? at;
}

/** @param {{place: Place, index: number, value: number | null, words: Words, paint: (value: number) => string, median: number, isFar: boolean, isStop: boolean, onShow: (index: number | null) => void}} props */
function Cell({ place, index, value, words, paint, median, isFar, isStop, onShow }) {
  const label = `${place.cell}, ${placeText(place)}: ${words.text(value)}${value === null ? '' : `, ${words.off(value - median)}`}`;
  return html`<a class="pack-cell" href=${pageOf('unit', place.cell)} aria-label=${label} title=${label} tabindex=${isStop ? 0 : -1} data-index=${index} data-missing=${value === null} data-far=${isFar}
    style=${{ gridRow: place.series + 1, gridColumn: place.parallel + 1, background: value === null ? undefined : paint(value) }}
    onMouseEnter=${() => onShow(index)} onMouseLeave=${() => onShow(null)} onFocus=${() => onShow(index)} onBlur=${() => onShow(null)}>${isFar && value !== null && html`<span class="pack-far" aria-hidden="true">${value > median ? '▲' : '▼'}</span>`}</a>`;
}

/** The scale: colours with what they stand for. @param {{reach: number | null, isFixed: boolean, words: Words}} props */
function Key({ reach, isFixed, words }) {
  if (reach === null) return html`<span>${t('pack_map.all_alike')}</span>`;
  const paint = rampOf({ low: -1, middle: 0, high: 1 }, PAINT.low, PAINT.mid, PAINT.high);
  return html`<span class="pack-key">
    <span>${words.off(-reach)}</span>
    ${KEY_STEPS.map((each) => html`<span key=${each} class="pack-key-step" aria-hidden="true" style=${{ background: paint(each) }}></span>`)}
    <span>${words.off(reach)}</span>
    <span class="muted">${t(isFixed ? 'pack_map.fixed' : 'pack_map.six')}</span>
    <span class="pack-key-step" data-missing="true" aria-hidden="true"></span><span>${t('common.unknown')}</span>
  </span>`;
}
