import { html } from '../../vendor/preact.js';
import { boot } from '../boot.js';
import { t } from '../i18n.js';
import { Dialog } from './dialog.js';
import { Form } from './form.js';

const REASON_MIN = 5;

/**
 * An electronic signature: who, what it means, why, and the password again.
 * @param {{isOpen: boolean, title?: string, meaning: string, onClose: () => void,
 *   onSign: (signature: {reason: string, password: string}) => Promise<unknown>}} props
 */
export function SignDialog({ isOpen, title = t('sign.title'), meaning, onClose, onSign }) {
  return html`<${Dialog} title=${title} isOpen=${isOpen} onClose=${onClose}>
    <${SignForm} ...${{ meaning, onClose, onSign }} />
  <//>`;
}

/** @param {{meaning: string, onClose: () => void, onSign: (signature: any) => Promise<unknown>}} props */
export function SignForm({ meaning, onClose, onSign }) {
  const schema = {
    properties: {
      reason: { type: 'string', title: t('sign.reason'), format: 'multiline', pattern: `.{${REASON_MIN},}`, maxLength: 500, description: t('sign.need_reason', { n: REASON_MIN }) },
      password: { type: 'string', title: t('sign.password'), format: 'password', autocomplete: 'current-password' },
    },
    required: ['reason', 'password'],
  };
  const send = (/** @type {any} */ values) => onSign(values).then(onClose);
  return html`<p class="secondary">${t('sign.as_person', { person: boot.user?.person })}</p>
    <dl class="key-value"><div><dt>${t('sign.meaning')}</dt><dd>${meaning}</dd></div></dl>
    <${Form} schema=${schema} submit=${t('action.sign')} onSubmit=${send} onCancel=${onClose} />`;
}
