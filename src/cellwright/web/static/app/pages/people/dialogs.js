/** What admins do to people: each change is asked for in a dialog and decided by the gate. */
import { html, useEffect, useState } from '../../../vendor/preact.js';
import { send } from '../../api.js';
import { inWords, useAction } from '../../components/action.js';
import { Checks } from '../../components/checks.js';
import { Dialog } from '../../components/dialog.js';
import { Failure, FieldView } from '../../components/form.js';
import { Secret } from '../../components/secret.js';
import { Skeleton } from '../../components/states.js';
import { toast } from '../../components/toast.js';
import { dateTime, list, t, word } from '../../i18n.js';

/** @typedef {import('../people.js').Person} Person */
/** @typedef {import('../people.js').Asked} Asked */
/** @typedef {{path: string, expires_us: number}} Invitation */
/** @typedef {{role: string, permissions: string[]}} Role */
/** @typedef {{person: Person | null, roles: Role[], onDone: () => Promise<void>, onClose: () => void}} Props */

/** @param {{asked: Asked, roles: Role[], onDone: () => Promise<void>, onClose: () => void}} props */
export function PersonDialogs({ asked, roles, onDone, onClose }) {
  const Body = asked && { add: Add, roles: ChangeRoles, disable: Disable, invite: Invite }[asked.kind];
  const isEnabling = asked?.kind === 'roles' && asked.person?.disabled;
  const title = asked ? t(isEnabling ? 'people.enable_title' : `people.${asked.kind}_title`, { person: asked.person?.person }) : '';
  return html`<${Dialog} title=${title} isOpen=${asked !== null} onClose=${onClose}>
    ${Body && html`<${Body} person=${asked.person} ...${{ roles, onDone, onClose }} />`}
  <//>`;
}

/** @param {{roles: Role[], chosen: string[], setChosen: (chosen: string[]) => void, isTried: boolean}} props */
function Roles({ roles, chosen, setChosen, isTried }) {
  const choices = roles.map(({ role, permissions }) => ({
    value: role,
    label: word('role', role),
    note: permissions.length > 0 ? list(permissions.map((each) => word('permission', each))) : t('people.no_permission'),
  }));
  return html`<${Checks} label=${t('people.roles')} choices=${choices} chosen=${chosen} setChosen=${setChosen}
    problem=${isTried && chosen.length === 0 ? t('people.need_role') : undefined} />`;
}

/** @param {{submit: string, isBusy: boolean, onClose: () => void, isDanger?: boolean}} props */
const Buttons = ({ submit, isBusy, onClose, isDanger }) => html`<div class="form-actions">
  <button type="button" class="button" onClick=${onClose}>${t('action.cancel')}</button>
  <button type="submit" class="button ${isDanger ? 'button-danger' : 'button-main'}" disabled=${isBusy} data-busy=${isBusy}>${submit}</button>
</div>`;

/** @param {Props} props */
function Add({ roles, onDone, onClose }) {
  const [person, setPerson] = useState('');
  const [chosen, setChosen] = useState(/** @type {string[]} */ ([]));
  const [isTried, setTried] = useState(false);
  const [sent, setSent] = useState('');
  const [made, setMade] = useState(/** @type {Invitation | null} */ (null));
  const { run, isBusy, failure } = useAction();
  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    setTried(true);
    if (!person.trim() || chosen.length === 0) return;
    setSent(person);
    await run(async () => {
      setMade(await send('/api/v1/people', { person: person.trim(), roles: chosen }));
      await onDone();
    });
  };
  if (made) return html`<${Link} ...${made} person=${person} onClose=${onClose} />`;
  const field = { type: 'string', title: t('people.person'), description: t('people.person_help'), format: 'code', maxLength: 128 };
  return html`<form class="form" novalidate onSubmit=${submit}>
    <${FieldView} name="person" value=${person} set=${setPerson} isRequired=${true} field=${field}
      problem=${isTried && !person.trim() ? t('form.required') : undefined} />
    <${Roles} ...${{ roles, chosen, setChosen, isTried }} />
    ${failure && sent === person && html`<${Failure} problem=${inWords(failure, { 409: t('people.known', { person }) })} />`}
    <${Buttons} submit=${t('people.add_submit')} ...${{ isBusy, onClose }} />
  </form>`;
}

/** @param {Props & {person: Person}} props */
function ChangeRoles({ person, roles, onDone, onClose }) {
  const [chosen, setChosen] = useState(person.roles);
  const [isTried, setTried] = useState(false);
  const { run, isBusy, failure } = useAction();
  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    setTried(true);
    if (chosen.length === 0) return;
    const isDone = await run(() => send('/api/v1/people/roles', { person: person.person, roles: chosen }).then(onDone));
    if (!isDone) return;
    toast(t(person.disabled ? 'people.enabled_toast' : 'people.roles_toast', { person: person.person }), 'pass');
    onClose();
  };
  return html`<form class="form" novalidate onSubmit=${submit}>
    <p class="secondary">${t(person.disabled ? 'people.enable_text' : 'people.roles_text')}</p>
    <${Roles} ...${{ roles, chosen, setChosen, isTried }} />
    ${failure && html`<${Failure} problem=${failure} />`}
    <${Buttons} submit=${t(person.disabled ? 'people.enable' : 'people.roles_submit')} ...${{ isBusy, onClose }} />
  </form>`;
}

/** @param {Props & {person: Person}} props */
function Disable({ person, onDone, onClose }) {
  const { run, isBusy, failure } = useAction();
  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    const isDone = await run(() => send('/api/v1/people/disable', { person: person.person }).then(onDone));
    if (!isDone) return;
    toast(t('people.disabled_toast', { person: person.person }), 'pass');
    onClose();
  };
  return html`<form class="form" novalidate onSubmit=${submit}>
    <p>${t('people.disable_text', { n: person.token_count })}</p>
    ${failure && html`<${Failure} problem=${failure} />`}
    <${Buttons} submit=${t('people.disable')} isDanger=${true} ...${{ isBusy, onClose }} />
  </form>`;
}

/** @param {Props & {person: Person}} props */
function Invite({ person, onClose }) {
  const [made, setMade] = useState(/** @type {Invitation | null} */ (null));
  const { run, failure } = useAction();
  useEffect(() => void run(async () => setMade(await send('/api/v1/people/invite', { person: person.person }))), []);
  if (failure) return html`<${Failure} problem=${inWords(failure, { 409: t('people.has_account', { person: person.person }) })} />`;
  return made ? html`<${Link} ...${made} person=${person.person} onClose=${onClose} />` : html`<${Skeleton} />`;
}

/** @param {Invitation & {person: string, onClose: () => void}} props */
function Link({ path, expires_us, person, onClose }) {
  return html`<p class="secondary">${t('people.link_text', { person })}</p>
    <${Secret} label=${t('people.link')} value=${window.location.origin + path} note=${t('people.link_note', { time: dateTime(expires_us) })} />
    <div class="form-actions"><button type="button" class="button button-main" onClick=${onClose}>${t('action.close')}</button></div>`;
}
