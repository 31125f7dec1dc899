import { html, useState } from '../../../vendor/preact.js';
import { ASKS } from '../../commands.js';
import { AskForm } from '../../components/command_dialog.js';
import { CommandMenu } from '../../components/command_menu.js';
import { DialogBody } from '../../components/dialog.js';
import { Form } from '../../components/form.js';
import { HelpContent } from '../../components/help.js';
import { Icon } from '../../components/icon.js';
import { PrintHeader } from '../../components/print_header.js';
import { QrCode } from '../../components/qr_code.js';
import { SearchScan } from '../../components/search_scan.js';
import { EmptyState, ErrorState, Notice, Skeleton, Stale } from '../../components/states.js';
import { Toast } from '../../components/toast.js';
import { age, dateTime, duration, quantity, rate, t, timeZone } from '../../i18n.js';

const SWATCHES = ['bg', 'surface', 'raised', 'sunken', 'text', 'text-2', 'text-3', 'line', 'line-strong', 'accent', 'band', 'value', 'p1', 'p2', 'p3', 'p4', 'pass', 'series-1', 'series-2', 'series-3', 'series-4', 'series-5', 'series-6'];
const ICONS = ['overview', 'line', 'orders', 'search', 'plant', 'audit', 'people', 'station', 'unit', 'lot', 'gate', 'account', 'help', 'keyboard', 'sun', 'moon', 'system', 'language', 'kiosk', 'check', 'cross', 'hold', 'wait', 'wrench', 'hand', 'offline', 'flag', 'lock', 'clock', 'refresh', 'columns', 'filter', 'copy', 'download', 'print', 'table', 'chart', 'qr', 'sign-out', 'external', 'empty'];
const NOW_US = 1_772_373_909_000_000;

export function Foundations() {
  return html`<div class="stack">
    <ul class="swatches">${SWATCHES.map((name) => html`<li key=${name}><span class="swatch swatch-${name}"></span><span class="caption">${name}</span></li>`)}</ul>
    <div class="row type-samples">
      <span class="type-figure">1,204</span><span class="type-tile">42.1 s</span><span class="type-form">16/24</span><span>14/20</span>
      <span class="type-table">13/20</span><span class="caption">12/16</span><span class="code">0CWPB8A1300001B71000042</span>
    </div>
    <p class="row secondary">
      <span>${dateTime(NOW_US)} ${timeZone()}</span><span>${quantity(3.2145, 'v')}</span><span>${quantity(1_250_000, 'mm')}</span><span>${quantity(0.42, 'mohm')}</span>
      <span>${rate({ ratio: 0.982, n: 412, lower_ratio: 0.964 })}</span><span>${duration(7_500_000_000)}</span><span>${age(42_000_000)}</span><span>${quantity(null)}</span>
    </p>
    <ul class="row icons">${ICONS.map((name) => html`<li key=${name} title=${name}><${Icon} name=${name} /></li>`)}</ul>
  </div>`;
}

export function Controls() {
  return html`<div class="stack">
    <div class="row">
      <button type="button" class="button button-main">${t('styleguide.main')}</button>
      <button type="button" class="button">${t('styleguide.default')}</button>
      <button type="button" class="button button-danger">${t('styleguide.danger')}</button>
      <button type="button" class="button button-quiet"><${Icon} name="refresh" /><span>${t('styleguide.quiet')}</span></button>
      <button type="button" class="button" disabled>${t('styleguide.disabled')}</button>
      <button type="button" class="icon-button" aria-label=${t('action.print')}><${Icon} name="print" /></button>
      <a href="/styleguide">${t('action.open')}</a>
      <${CommandMenu} asks=${[['hold'], ['rework'], ['scrap']]} ask=${async () => undefined} />
    </div>
    <${SearchScan} onCode=${() => undefined} hint="/" />
    <${SearchScan} onCode=${() => undefined} isLarge />
    <div class="card"><${HelpContent} /></div>
  </div>`;
}

const ORDER = {
  properties: {
    product: { type: 'string', title: '', enum: ['cell', 'module', 'pack'] },
    quantity: { type: 'integer', title: '', minimum: 1 },
    due: { type: 'string', title: '', maxLength: 10 },
    urgent: { type: 'boolean', title: '' },
  },
  required: ['product', 'quantity'],
};

/** The schema in the viewer's language. */
function orderSchema() {
  const { product, quantity: count, due, urgent } = ORDER.properties;
  return {
    required: ORDER.required,
    properties: {
      product: { ...product, title: t('styleguide.unit'), enumTitles: ['cell', 'module', 'pack'].map((each) => t(`styleguide.${each}`)) },
      quantity: { ...count, title: t('styleguide.quantity'), description: t('styleguide.quantity_help') },
      due: { ...due, title: t('styleguide.due') },
      urgent: { ...urgent, title: t('styleguide.urgent') },
    },
  };
}

export function Forms() {
  const [said, setSaid] = useState('');
  const save = async () => setSaid(t('styleguide.saved'));
  const nothing = () => undefined;
  const lift = /** @type {import('../../commands.js').Ask} */ (ASKS.lift?.({ id: 3, reason: t('styleguide.held') }));
  return html`<div class="stack">
    <div class="card"><${Form} schema=${orderSchema()} submit=${t('action.save')} onSubmit=${save} /><p class="caption" role="status">${said}</p></div>
    <div class="dialog dialog-shown">
      <${DialogBody} id="styleguide-sign" title=${lift.title} onClose=${nothing}>
        <${AskForm} asked=${lift} submit=${async () => undefined} onClose=${nothing} />
      <//>
    </div>
    <div class="dialog dialog-shown">
      <${DialogBody} id="styleguide-dialog" title=${t('styleguide.hold_unit')} onClose=${nothing}
        actions=${html`<button type="button" class="button">${t('action.cancel')}</button><button type="button" class="button button-main">${t('styleguide.hold_unit')}</button>`}>
        <p>${t('styleguide.hold_text')}</p>
      <//>
    </div>
  </div>`;
}

export function Messages() {
  const nothing = () => undefined;
  return html`<div class="stack">
    <div class="banner banner-strong card-like">
      <${Icon} name="offline" />
      <p><b>${t('live.lost')}</b> ${t('live.lost_age', { age: age(14_000_000) })}</p>
      <span class="banner-note">${t('live.retry_in', { wait: age(4_000_000) })}</span>
      <button type="button" class="button">${t('live.retry')}</button>
    </div>
    <${Notice} icon="clock">${t('live.slow', { rate: 1 })}<//>
    <${ErrorState} onRetry=${nothing} />
    <div class="card"><${Skeleton} /></div>
    <div class="card">
      <${EmptyState} title=${t('styleguide.empty_title')} text=${t('styleguide.empty_text')}>
        <button type="button" class="button button-main">${t('styleguide.empty_action')}</button>
      <//>
    </div>
    <div class="stack">
      <${Toast} id=${1} text=${t('styleguide.saved')} kind="pass" onClose=${nothing} />
      <${Toast} id=${2} text=${t('styleguide.not_saved')} kind="fail" onClose=${nothing} />
      <${Toast} id=${3} text=${t('table.copied', { n: 12 })} kind="info" onClose=${nothing} />
    </div>
    <p class="row">
      <span>${t('styleguide.normal_state')} ${quantity(3.214, 'v')}</span>
      <${Stale} age_us=${95_000_000}>${quantity(3.214, 'v')}<//>
      <span>${t('styleguide.estimated')} <span class="estimated">${quantity(3.21, 'v')}</span></span>
      <span>${quantity(undefined)}</span>
    </p>
  </div>`;
}

export function Printing() {
  return html`<div class="row">
    <${QrCode} text="https://cellwright.example/units/0CWPB8A1300001B71000042" />
    <div class="print-header print-shown"><${PrintHeader} title=${t('styleguide.title')} /></div>
  </div>`;
}
