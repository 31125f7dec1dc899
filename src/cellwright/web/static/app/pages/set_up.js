/** A one-time link: the first admin, an invitation, a new password, or a way in without one. */
import { html, useEffect, useState } from '../../vendor/preact.js';
import { Problem, send } from '../api.js';
import { Door } from '../components/door.js';
import { Failure, FieldView } from '../components/form.js';
import { isComplete, PasswordPair } from '../components/password.js';
import { ErrorState } from '../components/states.js';
import { age, t } from '../i18n.js';

/**
 * @typedef {Object} Link
 * @property {'' | 'set_up' | 'invitation' | 'reset' | 'sign_in'} purpose nothing: it is not valid
 * @property {string} person nothing: name yourself
 * @property {number} left_us
 * @property {import('../components/password.js').Rules} rules
 */

const CODE_LENGTH = 128;

/** @param {{boot: import('../boot.js').Boot}} props */
export default function SetUp({ boot }) {
  /** @type {Link} */
  const link = boot.data;
  const [isOver, setOver] = useState(link.purpose === '');
  const over = () => setOver(true);
  if (isOver) return html`<${Invalid} />`;
  if (link.purpose === 'sign_in') return html`<${Enter} ...${{ boot, link, over }} />`;
  return html`<${Choose} ...${{ boot, link, over }} />`;
}

/** Used, expired or replaced: nobody is told which. */
function Invalid() {
  return html`<${Door} title=${t('set_up.invalid_title')}>
    <p class="secondary">${t('set_up.invalid')}</p>
    <ul class="door-list">
      <li>${t('set_up.invalid_invited')}</li>
      <li>${t('set_up.invalid_first')} <code class="code door-command">cellwright user link</code></li>
    </ul>
    <a class="button" href="/sign-in">${t('set_up.to_sign_in')}</a>
  <//>`;
}

/** Once the page is really shown: a browser may draw it in advance. @param {() => void} act */
function whenShown(act) {
  if (!(/** @type {any} */ (document).prerendering)) return act();
  document.addEventListener('prerenderingchange', act, { once: true });
  return undefined;
}

/** The link alone signs in, by a request that only this page makes: a preview of the link does not use it up.
 * @param {{boot: import('../boot.js').Boot, link: Link, over: () => void}} props */
function Enter({ boot, link, over }) {
  const [failure, setFailure] = useState(/** @type {Problem | null} */ (null));
  const enter = () => {
    setFailure(null);
    send(`/api/v1${boot.path}/enter`, {}).then(
      () => window.location.replace('/'),
      (error) => (error.status === 404 ? over() : setFailure(error)),
    );
  };
  useEffect(() => void whenShown(enter), []);
  const place = boot.is_simulated ? 'set_up.enter_demo' : 'set_up.enter';
  return html`<${Door} title=${t('set_up.enter_title')}>
    <p class="secondary" role="status">${t(place)} <b class="code">${link.person}</b></p>
    ${failure && html`<${ErrorState} text=${failure.status ? failure.message : t('state.error')} onRetry=${enter} />`}
  <//>`;
}

/** @param {{boot: import('../boot.js').Boot, link: Link, over: () => void}} props */
function Choose({ boot, link, over }) {
  const [person, setPerson] = useState(link.person);
  const [pair, setPair] = useState({ password: '', again: '' });
  const [refused, setRefused] = useState('');
  const [failure, setFailure] = useState(/** @type {Problem | null} */ (null));
  const [isTried, setTried] = useState(false);
  const [isBusy, setBusy] = useState(false);
  /** @param {unknown} error */
  const tell = (error) => {
    if (!(error instanceof Problem)) throw error;
    if (error.status === 404) over();
    else if (error.status === 422 && error.problems.some(({ path }) => path === 'password')) setRefused(pair.password);
    else setFailure(error.status === 409 && error.reasons.length === 0 ? new Problem(409, { detail: t('set_up.has_admin') }) : error);
  };
  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    setTried(true);
    setFailure(null);
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const missing = !person ? 'person' : isComplete(pair, link.rules) ? '' : 'password';
    if (missing) return /** @type {HTMLElement | null} */ (form.elements.namedItem(missing))?.focus();
    setBusy(true);
    try {
      await send(`/api/v1${boot.path}`, { password: pair.password, person: link.person ? '' : person });
      return window.location.replace('/');
    } catch (error) {
      tell(error);
      return setBusy(false);
    }
  };
  return html`<${Door} title=${t(`set_up.${link.purpose}_title`)}>
    <p class="secondary">${t(`set_up.${link.purpose}`, { left: age(link.left_us) })}</p>
    <form class="form" novalidate onSubmit=${submit}>
      ${link.person ? html`<${Known} person=${link.person} />` : html`<${Badge} ...${{ person, setPerson, isTried }} />`}
      <${PasswordPair} ...${{ pair, setPair, isTried, rules: link.rules }} isRefused=${refused !== '' && refused === pair.password} />
      ${failure && html`<${Failure} problem=${failure} />`}
      <button type="submit" class="button button-main" disabled=${isBusy} data-busy=${isBusy}>${t(`set_up.${link.purpose}_submit`)}</button>
    </form>
  <//>`;
}

/** Whose password it is; the field is for the browser's keeper of passwords. @param {{person: string}} props */
const Known = ({ person }) => html`<p class="door-person"><span class="muted">${t('sign_in.person')}</span> <b class="code">${person}</b></p>
  <input class="visually-hidden" type="text" name="username" autocomplete="username" value=${person} readonly tabindex="-1" aria-hidden="true" />`;

/** @param {{person: string, setPerson: (person: string) => void, isTried: boolean}} props */
function Badge({ person, setPerson, isTried }) {
  const field = { type: 'string', title: t('sign_in.person'), description: t('set_up.person_help'), format: 'code', autocomplete: 'username', maxLength: CODE_LENGTH };
  return html`<${FieldView} name="person" value=${person} set=${setPerson} isRequired=${true} field=${field}
    problem=${isTried && !person ? t('form.required') : undefined} />`;
}
