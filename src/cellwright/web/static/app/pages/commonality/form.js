/** What is asked: codes pasted, typed or scanned, and with which units to compare; it lives in the address. */
import { html, useEffect, useId, useState } from '../../../vendor/preact.js';
import { Card } from '../../components/page_head.js';
import { t } from '../../i18n.js';
import { onScan } from '../../scan.js';

/** As in the audit trail: a time is written as everywhere here. */
const TIME = '\\d{4}-\\d\\d-\\d\\d([ T]\\d\\d:\\d\\d(:\\d\\d)?)?';

/** A server reads no longer address; a code is 24 characters. */
const ADDRESS_MAX = 60_000;

/** @param {number} time_us */
const written = (time_us) => (time_us ? new Date(time_us / 1000).toISOString().slice(0, 16).replace('T', ' ') : '');

/** @param {string} text */
const codesOf = (text) => [...new Set(text.split(/[\s,;]+/).filter(Boolean))];

/** @param {{asked: {codes: string[], product: string, from_us: number, to_us: number}, isFirst: boolean}} props */
export function AskForm({ asked, isFirst }) {
  const [text, setText] = useState(asked.codes.join('\n'));
  const [problem, setProblem] = useState('');
  const id = useId();
  const count = codesOf(text).length;
  useEffect(() => onScan((code) => setText((before) => `${before.trimEnd()}${before.trim() ? '\n' : ''}${code}`)), []);
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    if (count === 0) {
      setProblem(t('commonality.codes_missing'));
      return;
    }
    const query = new URLSearchParams({ codes: codesOf(text).join(' ') });
    for (const [name, value] of new FormData(/** @type {HTMLFormElement} */ (event.currentTarget))) {
      if (name !== 'codes' && typeof value === 'string' && value.trim()) query.set(name, value.trim());
    }
    const path = `/commonality?${query}`;
    if (path.length > ADDRESS_MAX) setProblem(t('commonality.codes_many'));
    else window.location.assign(path);
  };
  return html`<${Card} title=${t(isFirst ? 'commonality.form' : 'commonality.form_again')} note=${t('commonality.count', { n: count, count })}>
    <form class="commonality-form" aria-label=${t('page.commonality')} onSubmit=${submit}>
      <div class="field field-codes">
        <label class="field-label" for=${id}>${t('commonality.codes')}</label>
        <textarea class="input code" id=${id} name="codes" rows="6" spellcheck=${false} autocomplete="off" autocapitalize="off" value=${text} autofocus=${isFirst}
          aria-describedby="${id}-help" aria-invalid=${problem !== ''} onInput=${(/** @type {InputEvent} */ event) => setText(/** @type {HTMLTextAreaElement} */ (event.currentTarget).value)}></textarea>
        <p class="field-help" id="${id}-help">${problem || t('commonality.codes_help')}</p>
      </div>
      <${Field} name="from" pattern=${TIME} label=${t('commonality.from')} value=${written(asked.from_us)} />
      <${Field} name="to" pattern=${TIME} label=${t('commonality.to')} value=${written(asked.to_us)} />
      <${Field} name="product" label=${t('column.product')} value=${asked.product} />
      <div class="filters-actions"><button type="submit" class="button button-main">${t('commonality.compare')}</button></div>
    </form>
  <//>`;
}

/** @param {{name: string, label: string, value: string, pattern?: string}} props */
function Field({ name, label, value, pattern }) {
  const id = useId();
  const help = pattern ? t('audit.time_form') : undefined;
  return html`<div class="field">
    <label class="field-label" for=${id}>${label}</label>
    <input class="input" type="text" ...${{ id, name, value, pattern }} placeholder=${help} title=${help} spellcheck=${false} autocomplete="off" />
  </div>`;
}
