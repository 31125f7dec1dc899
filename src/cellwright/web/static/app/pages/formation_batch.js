/** A batch of tests: the curves of its cells over each other, those that stand out, and the health of their channels. */
import { html, useEffect, useMemo, useState } from '../../vendor/preact.js';
import { boot } from '../boot.js';
import { CurveChart } from '../charts/curves.js';
import { Figure } from '../charts/figure.js';
import { KpiStrip } from '../components/kpi_strip.js';
import { Card, PageHead } from '../components/page_head.js';
import { EmptyState, ErrorState } from '../components/states.js';
import { ExportMenu } from '../components/table_tools.js';
import { age, dateTime, duration, number, quantity, t } from '../i18n.js';
import { addressOf, CodeLink, operation, pageOf } from '../objects.js';
import { isFault, keyOf, shortCode } from './formation/cells.js';

/** @typedef {Record<string, any>} Data as the server tells it */
/** @typedef {'time' | 'charge'} Axis */

/** @type {Record<Axis, {unit: string, scale: number, column: string}>} */
const AXES = { time: { unit: 'h', scale: 3600, column: 'times_s' }, charge: { unit: 'Ah', scale: 1000, column: 'charges_mah' } };

export default function FormationBatchPage() {
  const data = boot.data;
  const [chosen, choose] = useState(/** @type {string | null} */ (null));
  const name = operation(data.operation, data.operation_name);
  return html`<${PageHead} title=${t('formation.batch_of', { operation: name })} code=${data.batch} steps=${[{ label: t('page.formation'), href: '/formation' }]}
      aside=${html`<span title=${dateTime(data.end_us)}>${t('formation.ended_ago', { age: age(data.age_us) })}</span>`}>
      <${ExportMenu} path=${addressOf('formation', data.batch)} />
    <//>
    <div class="stack">
      <${KpiStrip} items=${figures(data)} />
      <${Card} id="curves" title=${t('formation.curves')} note=${t('formation.curves_note', { n: data.points_count, cells: data.cells.length })}>
        ${data.curves_problem && html`<${ErrorState} text=${t('formation.no_curves', { reason: data.curves_problem })} />`}
        ${!data.curves_problem && html`<${Overlay} data=${data} chosen=${chosen} choose=${choose} />`}
      <//>
      <${Card} flush id="outliers" title=${t('formation.outliers_title')} note=${t('formation.outliers_note', { sigma: number(data.limit_sigma, { digits: 1 }) })}>
        <${Part} from="found" name="Outliers" data=${data} chosen=${chosen} choose=${choose} />
      <//>
      <${Card} flush id="contacts" title=${t('formation.contacts_title')} note=${t('formation.contacts_note')}>
        <${Part} from="found" name="Contacts" data=${data} chosen=${chosen} choose=${choose} />
      <//>
      <${Card} flush id="channels" title=${t('formation.channels_title')} note=${t('formation.channels_note', { n: data.channel_batches_count })}>
        <${Part} from="channels" name="ChannelTable" rows=${data.channels} batches=${data.channel_batches_count} />
      <//>
      <p class="caption muted">${t('formation.method', { method: data.method })}</p>
    </div>`;
}

const PARTS = { found: () => import('./formation/found.js'), channels: () => import('./formation/channels.js') };

/** Tables come behind the page. @param {Data & {from: keyof typeof PARTS, name: string}} props */
function Part({ from, name, ...props }) {
  const [found, setFound] = useState(/** @type {Data | null} */ (null));
  useEffect(() => void PARTS[from]().then(setFound), []);
  return found && html`<${found[name]} ...${props} />`;
}

/** @param {Data} data */
function figures({ cells, station, carrier, start_us, end_us, faults_count, outliers_count, unknown_count }) {
  return [
    { key: 'cells', label: t('formation.cells'), value: cells.length, note: t('formation.lasted', { span: duration(end_us - start_us) }) },
    { key: 'outliers', label: t('formation.outliers'), value: outliers_count, href: '#outliers' },
    { key: 'faults', label: t('formation.faults'), value: faults_count, href: '#contacts' },
    { key: 'unknown', label: t('formation.unjudged'), value: unknown_count, note: t('formation.unjudged_note') },
    { key: 'station', label: t('column.station'), value: station || null, href: station ? pageOf('station', station) : undefined },
    { key: 'carrier', label: t('column.carrier'), value: carrier || null, href: carrier ? pageOf('carrier', carrier) : undefined },
  ];
}

/** @param {{data: Data, chosen: string | null, choose: (key: string | null) => void}} props */
function Overlay({ data, chosen, choose }) {
  const [axis, setAxis] = useState(/** @type {Axis} */ ('time'));
  const [read, setRead] = useState('');
  const lines = useMemo(() => linesOf(data, axis), [data, axis]);
  const order = useMemo(() => lines.toSorted((a, b) => Number(a.look === 'plain') - Number(b.look === 'plain')).map(({ key }) => key), [lines]);
  const cell = data.cells.find((/** @type {Data} */ each) => keyOf(each) === chosen);
  const missing = data.cells.length - lines.length;
  if (lines.length === 0) return html`<${EmptyState} title=${t('formation.nothing_stored')} text=${t('formation.nothing_stored_text')} />`;
  return html`<div class="map-tools">
      <div class="segments" role="group" aria-label=${t('formation.axis')}>
        ${/** @type {Axis[]} */ (['time', 'charge']).map((each) => html`<button key=${each} type="button" aria-pressed=${axis === each} onClick=${() => setAxis(each)}>${t(`formation.axis_${each}`)}</button>`)}
      </div>
      <${Key} />
      ${cell && html`<span class="curves-chosen">${t('formation.chosen')} <${CodeLink} kind="unit" code=${cell.code} /> <span class="secondary">${cell.channel}</span></span>`}
    </div>
    <${Figure} title=${t('formation.voltage')} unit="V" sentence=${sentence(data)} table=${() => tableOf(data)} read=${read} hasLinks
      note=${missing > 0 ? t('formation.without_curve', { n: missing }) : ''}>
      <${CurveChart} lines=${lines} order=${order} chosen=${chosen} onChoose=${choose} onOpen=${(/** @type {string} */ key) => window.location.assign(pageOf('unit', codeOf(data, key)))}
        x_title=${t(`formation.x_${axis}`)} x_unit=${AXES[axis].unit} label=${sentence(data)} onRead=${setRead} />
    <//>
    <p class="caption muted curves-keys">${t('formation.keys')}</p>`;
}

/** What the looks of lines mean. */
const Key = () => html`<ul class="curves-key">
  ${['plain', 'outlier', 'fault', 'chosen'].map((each) => html`<li key=${each}><span class="curves-mark" data-look=${each} aria-hidden="true"></span>${t(`formation.key_${each}`)}</li>`)}
</ul>`;

/** @param {Data} data @param {string} key */
const codeOf = (data, key) => data.cells.find((/** @type {Data} */ each) => keyOf(each) === key)?.code ?? '';

/** @param {Data} cell @returns {import('../charts/curve_draw.js').Line['look']} */
const lookOf = (cell) => (isFault(cell) ? 'fault' : cell.outliers.length ? 'outlier' : 'plain');

/** @param {Data} data @param {Axis} axis @returns {import('../charts/curve_draw.js').Line[]} */
function linesOf({ cells }, axis) {
  const { column, scale } = AXES[axis];
  return cells.flatMap((/** @type {Data} */ cell) =>
    cell.line
      ? [{ key: keyOf(cell), label: shortCode(cell.code), look: lookOf(cell), x: cell.line[column].map((/** @type {number} */ each) => each / scale), y: cell.line.voltages_mv.map((/** @type {number} */ each) => each / 1000) }]
      : [],
  );
}

/** @param {Data} data */
const sentence = ({ cells, outliers_count, faults_count }) => t('formation.sentence', { n: cells.length, outliers: outliers_count, faults: faults_count });

/** The picture as numbers: each cell with what its curve comes to. @param {Data} data */
function tableOf({ cells }) {
  /** @param {number | null} value @param {string} unit @param {number} digits */
  const say = (value, unit, digits) => quantity(value, unit, { digits });
  return {
    headings: [t('thing.cell'), t('formation.channel'), t('term.charge_ah'), t('term.discharge_ah'), t('term.mid_charge_v'), t('term.mid_discharge_v'), t('formation.samples')],
    rows: cells.map((/** @type {Data} */ { code, channel, features, samples_count }) => [
      code,
      channel || t('common.unknown'),
      say(features.charge_ah, 'Ah', 3),
      say(features.discharge_ah, 'Ah', 3),
      say(features.mid_charge_v, 'V', 4),
      say(features.mid_discharge_v, 'V', 4),
      number(samples_count),
    ]),
  };
}
