/** Signing in: badge code and password, nothing else. */
import { html, useEffect, useRef, useState } from '../../vendor/preact.js';
import { Problem, send } from '../api.js';
import { Door } from '../components/door.js';
import { FieldView } from '../components/form.js';
import { ErrorState } from '../components/states.js';
import { duration, t } from '../i18n.js';
import { onScan } from '../scan.js';

/** @typedef {{kind: 'wrong' | 'slowed' | 'failed', text?: string, until_ms?: number}} Failed */

/** @param {unknown} error @returns {Failed} */
function failed(error) {
  if (!(error instanceof Problem)) throw error;
  if (error.status === 401) return { kind: 'wrong' };
  if (error.status === 429) return { kind: 'slowed', until_ms: Date.now() + Math.max(1, error.wait_s) * 1000 };
  return { kind: 'failed', text: error.status ? error.message : undefined };
}

/** Seconds until a moment, counted down. @param {number | undefined} until_ms */
function useSecondsLeft(until_ms) {
  const [now_ms, setNow] = useState(Date.now());
  const left_s = until_ms === undefined ? 0 : Math.max(0, Math.ceil((until_ms - now_ms) / 1000));
  useEffect(() => {
    setNow(Date.now());
    if (until_ms === undefined) return undefined;
    const timer = window.setInterval(() => setNow(Date.now()), 250);
    return () => window.clearInterval(timer);
  }, [until_ms]);
  return left_s;
}

/** @param {{boot: import('../boot.js').Boot}} props */
export default function SignIn({ boot }) {
  const [person, setPerson] = useState('');
  const [password, setPassword] = useState('');
  const [failure, setFailure] = useState(/** @type {Failed | null} */ (null));
  const [isBusy, setBusy] = useState(false);
  const [isTried, setTried] = useState(false);
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const left_s = useSecondsLeft(failure?.until_ms);
  /** @param {string} name */
  const focus = (name) => /** @type {HTMLElement | null} */ (form.current?.elements.namedItem(name))?.focus();
  useEffect(() => focus('person'), []);
  useEffect(
    () =>
      onScan((code) => {
        setPerson(code);
        focus('password');
      }),
    [],
  );
  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    setTried(true);
    if (!person || !password) return focus(person ? 'password' : 'person');
    setBusy(true);
    try {
      await send('/api/v1/sign-in', { person, password });
      return window.location.replace(boot.data.next);
    } catch (error) {
      setFailure(failed(error));
      setPassword('');
      setTried(false);
      focus('password');
      return setBusy(false);
    }
  };
  const missing = (/** @type {string} */ value) => (isTried && !value ? t('form.required') : undefined);
  return html`<${Door} title=${t('page.sign_in')}>
    <form class="form" novalidate ref=${form} onSubmit=${submit}>
      <${FieldView} name="person" value=${person} set=${setPerson} isRequired=${true} problem=${missing(person)}
        field=${{ type: 'string', title: t('sign_in.person'), format: 'code', autocomplete: 'username' }} />
      <${FieldView} name="password" value=${password} set=${setPassword} isRequired=${true} problem=${missing(password)}
        field=${{ type: 'string', title: t('sign_in.password'), format: 'password', autocomplete: 'current-password' }} />
      ${failure && html`<${Refused} ...${failure} left_s=${left_s} />`}
      <button type="submit" class="button button-main" disabled=${isBusy || left_s > 0} data-busy=${isBusy}>${t('sign_in.submit')}</button>
    </form>
    <p class="door-help">${t('sign_in.no_account')}</p>
  <//>`;
}

/** @param {Failed & {left_s: number}} props */
function Refused({ kind, text, left_s }) {
  if (kind === 'wrong') return html`<${ErrorState} text=${t('sign_in.wrong')} />`;
  if (kind === 'failed') return html`<${ErrorState} text=${text} />`;
  if (left_s === 0) return html`<p class="secondary" role="status">${t('sign_in.again')}</p>`;
  // Told once aloud; the seconds only change for the eye.
  return html`<div class="notice notice-error" role="alert">
    <span class="notice-mark" aria-hidden="true">!</span>
    <p>${t('sign_in.slowed')} <span class="nowrap" data-wait aria-live="off">${t('sign_in.wait', { wait: duration(left_s * 1e6) })}</span></p>
  </div>`;
}
