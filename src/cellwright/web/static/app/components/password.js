/** A new password, typed twice, with its rules ticked off while it is typed. */
import { html, useState } from '../../vendor/preact.js';
import { t } from '../i18n.js';
import { FieldView } from './form.js';
import { Icon } from './icon.js';

/** @typedef {{length_min: number, length_max: number, different_min: number}} Rules */
/** @typedef {{password: string, again: string}} Pair */
/** @typedef {{key: string, text: string, state: 'good' | 'bad' | 'open'}} Rule */

/** As the server counts: characters after normalisation, not code units. @param {string} text */
const characters = (text) => [...text.normalize('NFKC')];

/**
 * The rules and how far a password meets them; what only the server knows stays open until it refused.
 * @param {Pair} pair @param {Rules} rules @param {{isRefused?: boolean, isTried?: boolean}} [told] @returns {Rule[]}
 */
export function ruled({ password, again }, rules, { isRefused = false, isTried = false } = {}) {
  const typed = characters(password);
  const different = new Set(typed.map((each) => each.toLowerCase())).size;
  /** @param {boolean} isGood @param {boolean} isBegun @returns {Rule['state']} */
  const state = (isGood, isBegun) => (isGood ? 'good' : isBegun || isTried ? 'bad' : 'open');
  const isLong = typed.length >= rules.length_min && typed.length <= rules.length_max;
  return [
    { key: 'length', text: t('password.rule_length', { min: rules.length_min, max: rules.length_max }), state: state(isLong, typed.length > rules.length_max) },
    { key: 'different', text: t('password.rule_different', { n: rules.different_min }), state: state(different >= rules.different_min, false) },
    { key: 'known', text: t('password.rule_known'), state: isRefused ? 'bad' : 'open' },
    { key: 'equal', text: t('password.rule_equal'), state: state(password !== '' && password === again, again !== '' && !password.startsWith(again)) },
  ];
}

/** Whether a password may be sent. @param {Pair} pair @param {Rules} rules */
export const isComplete = (pair, rules) => ruled(pair, rules).every(({ key, state }) => key === 'known' || state === 'good');

const ICONS = { good: 'check', bad: 'cross', open: 'wait' };

/**
 * @param {{pair: Pair, setPair: (pair: Pair) => void, rules: Rules, isRefused: boolean, isTried: boolean}} props
 * `isRefused`: the server knows the password too well. `isTried`: somebody wanted to go on before all was there.
 */
export function PasswordPair({ pair, setPair, rules, isRefused, isTried }) {
  const [isShown, setShown] = useState(false);
  const list = ruled(pair, rules, { isRefused, isTried });
  /** @param {string} value */
  const missing = (value) => (isTried && value === '' ? t('form.required') : undefined);
  const field = { type: 'string', format: isShown ? undefined : 'password', autocomplete: 'new-password' };
  return html`<${FieldView} name="password" field=${{ ...field, title: t('password.new') }} value=${pair.password} isRequired=${true}
      problem=${missing(pair.password)} set=${(/** @type {string} */ password) => setPair({ ...pair, password })} />
    <${FieldView} name="again" field=${{ ...field, title: t('password.again') }} value=${pair.again} isRequired=${true}
      problem=${missing(pair.again)} set=${(/** @type {string} */ again) => setPair({ ...pair, again })} />
    <ul class="rules" aria-label=${t('password.rules')}>
      ${list.map(
        ({ key, text, state }) => html`<li key=${key} class="rule" data-rule=${key} data-state=${state}>
          <${Icon} name=${ICONS[state]} /><span>${text}<span class="visually-hidden">${` (${t(`password.state_${state}`)})`}</span></span>
        </li>`,
      )}
    </ul>
    <label class="check"><input type="checkbox" checked=${isShown} onChange=${() => setShown(!isShown)} /><span>${t('password.show')}</span></label>`;
}
