import { html, useId } from '../../vendor/preact.js';

/** @typedef {{value: string, label: string, note?: string}} Choice */

/**
 * Several of a few: a list of boxes, each with what it means.
 * @param {{label: string, choices: Choice[], chosen: string[], setChosen: (chosen: string[]) => void, problem?: string}} props
 */
export function Checks({ label, choices, chosen, setChosen, problem }) {
  const id = useId();
  /** @param {string} value */
  const toggle = (value) => setChosen(chosen.includes(value) ? chosen.filter((each) => each !== value) : [...chosen, value]);
  return html`<fieldset class="field" aria-describedby=${problem && id}>
    <legend class="field-label field-required">${label}</legend>
    <div class="checks-list">
      ${choices.map(
        ({ value, label: text, note }) => html`<label class="check check-noted" key=${value}>
          <input type="checkbox" name=${value} checked=${chosen.includes(value)} onChange=${() => toggle(value)} />
          <span>${text}${note && html`<span class="caption">${note}</span>`}</span>
        </label>`,
      )}
    </div>
    ${problem && html`<span class="field-error" id=${id} role="alert">${problem}</span>`}
  </fieldset>`;
}
