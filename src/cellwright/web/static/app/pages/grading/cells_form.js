/** Which cells are looked at; it lives in the address. */
import { html, useId } from '../../../vendor/preact.js';
import { Card } from '../../components/page_head.js';
import { t } from '../../i18n.js';
import { operation as operationName } from '../../objects.js';

const TIME = '\\d{4}-\\d\\d-\\d\\d([ T]\\d\\d:\\d\\d(:\\d\\d)?)?';
const CELLS_MAX = 100_000;

/** @param {number} time_us */
const written = (time_us) => (time_us ? new Date(time_us / 1000).toISOString().slice(0, 16).replace('T', ' ') : '');

/** @param {{asked: any, operations: any[], operation: string}} props */
export function CellsForm({ asked, operations, operation }) {
  const chosen = operations.find((each) => each.code === operation);
  const id = useId();
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(/** @type {HTMLFormElement} */ (event.currentTarget))) {
      if (typeof value === 'string' && value.trim()) query.set(name, value.trim());
    }
    const limits = new URLSearchParams(window.location.search).get('limits');
    if (limits && query.get('operation') === operation) query.set('limits', limits);
    window.location.assign(`/grading?${query}`);
  };
  const gauges = chosen?.gauges ?? [];
  return html`<${Card} title=${t('grading.population')}>
    <form class="commonality-form" aria-label=${t('grading.population')} onSubmit=${submit}>
      <div class="field">
        <label class="field-label" for=${id}>${t('column.operation')}</label>
        <select class="input" id=${id} name="operation">${operations.map((each) => html`<option key=${each.code} value=${each.code} selected=${each.code === operation}>${operationName(each.code, each.name)}</option>`)}</select>
      </div>
      <${Field} name="last" label=${t('grading.last')} value=${String(asked.last)} pattern="[0-9]{1,6}" help=${t('grading.last_form', { max: CELLS_MAX })} />
      <${Field} name="from" label=${t('grading.from')} value=${written(asked.from_us)} pattern=${TIME} help=${t('audit.time_form')} />
      <${Field} name="to" label=${t('grading.to')} value=${written(asked.to_us)} pattern=${TIME} help=${t('audit.time_form')} />
      <${Field} name="order" label=${t('grading.order')} value=${asked.order} />
      <${Field} name="lot" label=${t('grading.lot')} value=${asked.lot} />
      <${Field} name="carrier" label=${t('grading.carrier')} value=${asked.carrier} />
      ${gauges.length > 0 && html`<${Field} name="gauge" label=${t('grading.gauge')} value=${asked.gauge} help=${`${gauges[0]}:3`} />`}
      <div class="filters-actions"><button type="submit" class="button button-main">${t('grading.show')}</button></div>
    </form>
  <//>`;
}

/** @param {{name: string, label: string, value: string, pattern?: string, help?: string}} props */
function Field({ name, label, value, pattern, help }) {
  const id = useId();
  return html`<div class="field">
    <label class="field-label" for=${id}>${label}</label>
    <input class="input" type="text" ...${{ id, name, value, pattern }} placeholder=${help} title=${help} spellcheck=${false} autocomplete="off" />
  </div>`;
}
