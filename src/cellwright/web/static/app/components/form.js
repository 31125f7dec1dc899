import { html, useId, useState } from '../../vendor/preact.js';
import { Problem } from '../api.js';
import { t, word } from '../i18n.js';
import { ErrorState } from './states.js';

/**
 * A field, after JSON Schema: `type` string, number, integer or boolean, with its limits.
 * @typedef {Object} Field
 * @property {'string' | 'number' | 'integer' | 'boolean'} type
 * @property {string} title translated
 * @property {string} [description] translated
 * @property {string[]} [enum]
 * @property {string[]} [enumTitles] translated, one for each of `enum`
 * @property {number} [minimum]
 * @property {number} [maximum]
 * @property {number} [maxLength]
 * @property {string} [pattern]
 * @property {string} [patternText] translated: what is said of a value that does not match
 * @property {'password' | 'multiline' | 'code' | 'time' | 'digest'} [format] `digest`: the SHA-256 of a file
 * @property {unknown} [default]
 * @property {string} [autocomplete]
 */
/** @typedef {{properties: Record<string, Field>, required?: string[]}} Schema */
/** @typedef {Record<string, any>} Values */
/** @typedef {import('../../vendor/preact.js').ComponentChildren} Children */

/** What is wrong with a value, or nothing. @param {Field} field @param {any} value @param {boolean} isRequired */
export function problemOf(field, value, isRequired) {
  if (value === undefined || value === null || value === '') return isRequired ? t('form.required') : '';
  if (field.type === 'number' || field.type === 'integer') return problemOfNumber(field, value);
  if (field.maxLength && String(value).length > field.maxLength) return t('form.length', { limit: field.maxLength });
  return field.pattern && !new RegExp(field.pattern, 'u').test(value) ? (field.patternText ?? t('form.pattern')) : '';
}

/** @param {Field} field @param {any} value */
function problemOfNumber({ type, minimum, maximum }, value) {
  if (!Number.isFinite(value) || (type === 'integer' && !Number.isInteger(value))) return t('form.number');
  if (minimum !== undefined && value < minimum) return t('form.minimum', { limit: minimum });
  return maximum !== undefined && value > maximum ? t('form.maximum', { limit: maximum }) : '';
}

/** @param {Schema} schema */
const defaults = ({ properties }) =>
  Object.fromEntries(Object.entries(properties).flatMap(([name, field]) => (field.default === undefined ? [] : [[name, field.default]])));

/**
 * A form from a schema. `onSubmit` sends it; a `Problem` it throws is shown at its fields, or above the button.
 * @param {{schema: Schema, submit: string, onSubmit: (values: Values) => Promise<unknown>, onCancel?: () => void, initial?: Values, isDanger?: boolean, children?: Children}} props
 */
export function Form({ schema, submit, onSubmit, onCancel, initial, isDanger, children }) {
  const [values, setValues] = useState(/** @type {Values} */ ({ ...defaults(schema), ...initial }));
  const [problems, setProblems] = useState(/** @type {Record<string, string>} */ ({}));
  const [failure, setFailure] = useState(/** @type {Problem | null} */ (null));
  const [isBusy, setBusy] = useState(false);
  const fields = Object.entries(schema.properties);
  /** @param {string} name */
  const isRequired = (name) => schema.required?.includes(name) ?? false;
  const check = () => Object.fromEntries(fields.map(([name, field]) => [name, problemOf(field, values[name], isRequired(name))]).filter(([, text]) => text));
  /** @param {SubmitEvent} event */
  const send = async (event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const found = check();
    setProblems(found);
    setFailure(null);
    const first = Object.keys(found)[0];
    if (first) return /** @type {HTMLElement | null} */ (form.elements.namedItem(first))?.focus();
    setBusy(true);
    try {
      await onSubmit(values);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblems(Object.fromEntries(error.problems.map(({ path, text }) => [path.replace(/^[$./]+/, ''), text])));
      setFailure(error);
    } finally {
      setBusy(false);
    }
    return undefined;
  };
  return html`<form class="form" novalidate onSubmit=${send}>
    ${fields.map(([name, field]) => {
      const set = (/** @type {any} */ value) => setValues((old) => ({ ...old, [name]: value }));
      return html`<${FieldView} key=${name} ...${{ name, field, set, value: values[name], problem: problems[name], isRequired: isRequired(name) }} />`;
    })}
    ${children} ${failure && html`<${Failure} problem=${failure} />`}
    <div class="form-actions">
      ${onCancel && html`<button type="button" class="button" onClick=${onCancel}>${t('action.cancel')}</button>`}
      <button type="submit" class="button ${isDanger ? 'button-danger' : 'button-main'}" disabled=${isBusy} data-busy=${isBusy}>${submit}</button>
    </div>
  </form>`;
}

/** A refusal with every reason, or the failure's own sentence. @param {{problem: Problem}} props */
export function Failure({ problem }) {
  if (problem.reasons.length === 0) return html`<${ErrorState} text=${problem.status ? problem.message : t('form.no_answer')} />`;
  return html`<div class="notice notice-error" role="alert">
    <span class="notice-mark" aria-hidden="true">!</span>
    <ul class="reasons">${problem.reasons.map(({ code, text }) => html`<li key=${text}><b>${word('refusal', code)}.</b> ${text} <span class="code muted">${code}</span></li>`)}</ul>
  </div>`;
}

/** @param {{name: string, field: Field, value: any, problem?: string, isRequired: boolean, set: (value: any) => void}} props */
export function FieldView({ name, field, value, problem, isRequired, set }) {
  const id = useId();
  const about = { id, name, 'aria-invalid': problem ? 'true' : undefined, 'aria-required': isRequired, 'aria-describedby': `${id}-help` };
  if (field.type === 'boolean') {
    return html`<label class="check"><input type="checkbox" ...${about} checked=${value ?? false} onChange=${() => set(!value)} /><span>${field.title}</span></label>`;
  }
  return html`<div class="field">
    <label class="field-label ${isRequired ? 'field-required' : ''}" for=${id}>${field.title}</label>
    <${Control} ...${{ field, value, set, about }} />
    <span class=${problem ? 'field-error' : 'field-help'} id="${id}-help">${problem ?? field.description}</span>
  </div>`;
}

/** @type {Record<string, string>} */
const INPUT_TYPES = { password: 'password', time: 'datetime-local' };

/** @param {{field: Field, value: any, set: (value: any) => void, about: Record<string, unknown>}} props */
function Control({ field, value, set, about }) {
  const isNumber = field.type === 'number' || field.type === 'integer';
  /** @param {Event} event */
  const onInput = (event) => {
    const text = /** @type {HTMLInputElement} */ (event.currentTarget).value;
    set(isNumber && text !== '' ? Number(text) : text);
  };
  if (field.enum) {
    return html`<select class="input" ...${about} value=${value ?? ''} onChange=${onInput}>
      <option value="" disabled>${t('form.choose')}</option>
      ${field.enum.map((each, index) => html`<option key=${each} value=${each}>${field.enumTitles?.[index] ?? each}</option>`)}
    </select>`;
  }
  if (field.format === 'digest') return html`<${DigestControl} ...${{ value, set, about }} />`;
  if (field.format === 'multiline') return html`<textarea class="input" ...${about} value=${value ?? ''} onInput=${onInput}></textarea>`;
  return html`<input class="input ${field.format === 'code' ? 'code' : ''}" ...${about} type=${(field.format && INPUT_TYPES[field.format]) ?? 'text'}
    inputmode=${isNumber ? 'decimal' : undefined} autocomplete=${field.autocomplete ?? 'off'} spellcheck=${false} value=${value ?? ''} onInput=${onInput} />`;
}

/** A SHA-256: written, or taken of a file, which stays where it is. @param {{value: any, set: (value: any) => void, about: Record<string, unknown>}} props */
function DigestControl({ value, set, about }) {
  /** @param {Event} event */
  const onFile = async (event) => {
    const file = /** @type {HTMLInputElement} */ (event.currentTarget).files?.[0];
    if (!file) return;
    const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
    set([...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join(''));
  };
  return html`<input class="input code" ...${about} type="text" autocomplete="off" spellcheck=${false} value=${value ?? ''}
      onInput=${(/** @type {Event} */ event) => set(/** @type {HTMLInputElement} */ (event.currentTarget).value.trim().toLowerCase())} />
    <input class="input" type="file" aria-label=${t('form.file')} onChange=${onFile} />`;
}
