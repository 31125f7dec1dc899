/** The dialog in which something is asked for; pages bring it along once somebody asks. */
import { html } from '../../vendor/preact.js';
import { ASKS, give } from '../commands.js';
import { Dialog } from './dialog.js';
import { Form } from './form.js';
import { toast } from './toast.js';

/** @typedef {import('../commands.js').Ask} Ask */

const SIGNATURE = 'signatures.';

/** @param {Record<string, any>} values */
function signaturesIn(values) {
  const given = Object.entries(values).filter(([name]) => name.startsWith(SIGNATURE));
  return given.length > 0 ? Object.fromEntries(given.map(([name, value]) => [name.slice(SIGNATURE.length), value])) : undefined;
}

/** @param {{name: string, about: unknown[], onClose: () => void, onDone: (answer: any) => Promise<void>}} props */
export function CommandDialog({ name, about, onClose, onDone }) {
  const asked = ASKS[name]?.(...about);
  if (!asked) return null;
  /** @param {Record<string, any>} values */
  const submit = async (values) => {
    const answer = await give(asked.command(values), signaturesIn(values), asked.path);
    toast(asked.done, 'pass');
    onClose();
    await onDone(answer);
  };
  return html`<${Dialog} title=${asked.title} isOpen=${true} onClose=${onClose}><${AskForm} ...${{ asked, submit, onClose }} /><//>`;
}

/** The inside of the dialog. @param {{asked: Ask, submit: (values: any) => Promise<unknown>, onClose: () => void}} props */
export function AskForm({ asked, submit, onClose }) {
  return html`<p class="secondary">${asked.text}</p>
    <${Form} schema=${asked.schema} submit=${asked.submit} isDanger=${asked.isDanger} onSubmit=${submit} onCancel=${onClose} />`;
}
