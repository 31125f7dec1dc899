/** The audit trail: who changed what, newest first, and whether the trail is whole. */
import { html } from '../../vendor/preact.js';
import { boot } from '../boot.js';
import { AlarmIcon } from '../components/alarm_icon.js';
import { withQuery } from '../components/facets.js';
import { Icon } from '../components/icon.js';
import { PageHead } from '../components/page_head.js';
import { VirtualTable } from '../components/virtual_table.js';
import { dateTime, number, t, timeZone, word } from '../i18n.js';
import { pageOf } from '../objects.js';
import { Changes, changesText } from './audit/changes.js';
import { Filters } from './audit/filters.js';

/**
 * @typedef {{key: string, is_fact: boolean, is_command: boolean, number: number, recorded_us: number, actor: string, terminal: string, action: string,
 *   object: string, old: any, new: any, reason: string, request_id: string}} Entry
 */
/**
 * @typedef {{whole: boolean, seq: number, rows: number, hash: string, checkpoints: number, faults: string[], verified_us: number}} Chain
 */
/** @typedef {{actor: string, action: string, object: string, from_us: number, to_us: number}} Wanted */

export default function Audit() {
  /** @type {{entries: Entry[], next: string, wanted: Wanted, chain: Chain}} */
  const { entries, next, wanted, chain } = boot.data;
  const rows = entries.map((entry) => ({ ...entry, change: changesText(entry), action_name: word('audit_action', entry.action) }));
  const isFirst = !new URLSearchParams(window.location.search).has('before');
  return html`<${PageHead} title=${t('page.audit')} aside=${html`<span>${t('audit.aside', { zone: timeZone() })}</span>`} />
    <${ChainView} ...${chain} />
    <${Filters} wanted=${wanted} />
    <${VirtualTable} caption=${t('page.audit')} columns=${columns()} rows=${rows} rowKey="key" exportPath="/audit" settings="audit" empty=${t('audit.empty')} />
    <nav class="pager" aria-label=${t('audit.pages')}>
      ${!isFirst && html`<a class="button" href=${withQuery({ before: null })}>${t('audit.newest')}</a>`}
      ${next && html`<a class="button" rel="next" href=${withQuery({ before: next })}>${t('audit.older')}<${Icon} name="chevron-right" /></a>`}
    </nav>`;
}

/** Whether nobody changed the trail itself. @param {Chain} chain */
function ChainView({ whole, seq, hash, checkpoints, faults, verified_us }) {
  const time = dateTime(verified_us);
  if (whole) {
    return html`<p class="seal-chain" data-whole="true">
      <${Icon} name="check" />
      <span>${t('audit.whole', { seq: number(seq), time, n: checkpoints })}</span>
      <span class="muted nowrap">${t('audit.hash')} <span class="code" title=${hash}>${hash.slice(0, 12)}</span></span>
    </p>`;
  }
  return html`<div class="banner banner-strong seal-broken" data-whole="false" role="alert">
    <${AlarmIcon} priority=${1} isAcknowledged=${false} size=${20} />
    <div>
      <p><b>${t('audit.broken')}</b> ${t('audit.broken_text', { time })}</p>
      <ul class="reasons">${faults.map((fault) => html`<li key=${fault}>${fault}</li>`)}</ul>
    </div>
  </div>`;
}

/** @returns {import('../components/table_cells.js').Column[]} */
const columns = () => [
  { key: 'recorded_us', label: t('audit.time'), kind: 'time', render: (row) => html`<${When} entry=${row} />` },
  {
    key: 'actor',
    label: t('audit.who'),
    kind: 'code',
    render: ({ actor }) => (actor ? html`<a class="code" href=${withQuery({ person: actor, before: null })}>${actor}</a>` : html`<span class="muted">${t('audit.nobody')}</span>`),
  },
  { key: 'terminal', label: t('audit.terminal'), kind: 'code' },
  { key: 'action_name', label: t('audit.action'), render: ({ action_name, action }) => html`<span title=${action}>${action_name}</span>` },
  { key: 'object', label: t('audit.object'), kind: 'code', render: (row) => html`<${ObjectLink} entry=${row} />` },
  { key: 'change', label: t('audit.change'), render: (row) => html`<${Changes} entry=${row} />` },
  { key: 'reason', label: t('audit.reason'), render: ({ reason }) => reason },
];

/** People come in by the real clock; what they did to the plant is told in the plant's time. @param {{entry: Entry}} props */
const When = ({ entry }) => html`<span class="nowrap">${dateTime(entry.recorded_us)}</span>
  ${boot.is_simulated && html` <span class="tag" data-clock=${entry.is_command ? 'plant' : 'real'}>${t(entry.is_command ? 'audit.plant_time' : 'audit.real_time')}</span>`}`;

/** @type {Record<string, (code: string) => string>} */
const ADDRESSES = {
  person: (code) => `/people?person=${encodeURIComponent(code)}`,
  lot: (code) => pageOf('lot', code),
  station: (code) => pageOf('station', code),
  order: (code) => pageOf('order', code),
};

/** @param {{entry: Entry}} props */
function ObjectLink({ entry }) {
  const { object, is_command } = entry;
  if (!object || object === 'unknown') return html`<span class="muted">${t(object ? 'common.unknown' : 'audit.no_object')}</span>`;
  const kind = is_command ? Object.keys(ADDRESSES).find((name) => String(entry.new?.[name]) === object) : 'person';
  const address = kind && ADDRESSES[kind];
  return address ? html`<a class="code" href=${address(object)}>${object}</a>` : html`<span class="code">${object}</span>`;
}
