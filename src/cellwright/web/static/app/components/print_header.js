import { html } from '../../vendor/preact.js';
import { boot } from '../boot.js';
import { dateTime, t, timeZone } from '../i18n.js';
import { time_us } from '../live.js';

/** Seen on paper only: what this is, of which plant, under which filters (undefined: it knows none), when and by whom. @param {{title: string, filters?: string}} props */
export function PrintHeader({ title, filters }) {
  const time = `${dateTime(time_us.value)} ${timeZone()}`;
  return html`<div class="print-header">
    <p><b>Cellwright</b> · ${t('print.plant', { name: boot.plant.name || boot.plant.code })}${boot.is_simulated && ` · ${t('print.simulated')}`}</p>
    <p>${title}${filters !== undefined && ` · ${filters ? t('print.filters', { filters }) : t('print.no_filters')}`}</p>
    <p>${t('print.by', { person: boot.user?.person ?? t('common.unknown'), time })}</p>
  </div>`;
}
