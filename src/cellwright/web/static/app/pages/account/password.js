import { html, useState } from '../../../vendor/preact.js';
import { send } from '../../api.js';
import { boot } from '../../boot.js';
import { inWords, useAction } from '../../components/action.js';
import { Failure, FieldView } from '../../components/form.js';
import { Card } from '../../components/page_head.js';
import { isComplete, PasswordPair } from '../../components/password.js';
import { toast } from '../../components/toast.js';
import { duration, t } from '../../i18n.js';

const NOTHING = { password: '', again: '' };

/** @param {{has_password: boolean, rules: import('../../components/password.js').Rules, onChanged: () => void}} props */
export function Password({ has_password, rules, onChanged }) {
  const [old, setOld] = useState('');
  const [pair, setPair] = useState(NOTHING);
  const [refused, setRefused] = useState('');
  const [isTried, setTried] = useState(false);
  const { run, isBusy, failure } = useAction();
  if (!has_password) {
    return html`<${Card} title=${t('account.password')}><p class="secondary">${t('account.no_password')}</p><//>`;
  }
  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    setTried(true);
    if (!old || !isComplete(pair, rules)) return;
    setRefused(pair.password);
    const isDone = await run(async () => {
      const me = await send('/api/v1/me/password', { old, new: pair.password });
      if (boot.user) boot.user.csrf = me.csrf;
    });
    if (!isDone) return;
    setOld('');
    setPair(NOTHING);
    setRefused('');
    setTried(false);
    toast(t('account.password_toast'), 'pass');
    onChanged();
  };
  const isWeak = failure?.status === 422;
  const wait = duration((failure?.wait_s ?? 0) * 1e6);
  const texts = { 401: t('account.old_wrong'), 429: `${t('account.slowed')} ${t('sign_in.wait', { wait })}` };
  return html`<${Card} title=${t('account.password')}>
    <form class="form" novalidate onSubmit=${submit}>
      <${FieldView} name="old" value=${old} set=${setOld} isRequired=${true} problem=${isTried && !old ? t('form.required') : undefined}
        field=${{ type: 'string', title: t('account.old'), format: 'password', autocomplete: 'current-password' }} />
      <${PasswordPair} ...${{ pair, setPair, rules, isTried }} isRefused=${isWeak && refused === pair.password} />
      ${failure && !isWeak && html`<${Failure} problem=${inWords(failure, texts)} />`}
      <p class="caption">${t('account.password_note')}</p>
      <div class="form-actions"><button type="submit" class="button button-main" disabled=${isBusy} data-busy=${isBusy}>${t('account.change')}</button></div>
    </form>
  <//>`;
}
