/** People: who is known, what they may do, who can come in. */
import { html, useState } from '../../vendor/preact.js';
import { getJson } from '../api.js';
import { boot, may } from '../boot.js';
import { Icon } from '../components/icon.js';
import { PageHead } from '../components/page_head.js';
import { VirtualTable } from '../components/virtual_table.js';
import { dateTime, list, t, word } from '../i18n.js';
import { PersonDialogs } from './people/dialogs.js';

/** @typedef {{qualification: string, valid_until_us: number}} Held */
/**
 * @typedef {{person: string, roles: string[], disabled: boolean, has_account: boolean, signed_in_us: number, seen_us: number,
 *   token_count: number, qualifications: Held[]}} Person
 */
/** @typedef {{people: Person[], roles: {role: string, permissions: string[]}[], wall_us: number}} PeopleData */
/** @typedef {{kind: 'add' | 'roles' | 'disable' | 'invite', person: Person | null} | null} Asked */

/** @param {Person} person */
const stateOf = ({ disabled, has_account }) => (disabled ? 'disabled' : has_account ? 'active' : 'none');

/** As a row of the table: what is searched, sorted and copied as words. @param {Person} person */
const asRow = (person) => ({
  ...person,
  role_names: list(person.roles.map((role) => word('role', role))),
  state: stateOf(person),
  signed_in_us: person.signed_in_us || null,
  qualification_names: list(person.qualifications.map(({ qualification }) => qualification)),
});

export default function People() {
  const [data, setData] = useState(/** @type {PeopleData} */ (boot.data));
  const [asked, setAsked] = useState(/** @type {Asked} */ (null));
  const reload = async () => setData(await getJson(`/people.json${window.location.search}`));
  const canManage = may('people_manage');
  const wanted = new URLSearchParams(window.location.search).get('person');
  return html`<${PageHead} title=${t('page.people')} aside=${html`<span>${t('people.aside')}</span>`}>
      ${canManage &&
      html`<button type="button" class="button button-main" onClick=${() => setAsked({ kind: 'add', person: null })}>${t('people.add')}</button>`}
    <//>
    ${wanted !== null &&
    html`<p class="row people-only">${t('people.only', { person: wanted })} <a href="/people">${t('people.show_all')}</a></p>`}
    <${VirtualTable} caption=${t('page.people')} columns=${columns(canManage ? setAsked : null)} rows=${data.people.map(asRow)} rowKey="person"
      exportPath="/people" settings="people" empty=${wanted === null ? undefined : t('people.nobody', { person: wanted })} />
    <${PersonDialogs} asked=${asked} roles=${data.roles} onDone=${reload} onClose=${() => setAsked(null)} />`;
}

/** @param {((asked: Asked) => void) | null} setAsked nothing: may only read @returns {import('../components/table_cells.js').Column[]} */
function columns(setAsked) {
  /** @type {import('../components/table_cells.js').Column[]} */
  const shown = [
    { key: 'person', label: t('people.person'), kind: 'code', render: (row) => html`<${Badge} person=${row.person} />` },
    { key: 'role_names', label: t('people.roles') },
    { key: 'state', label: t('people.account'), kind: 'word', area: 'account_state', render: (row) => html`<${AccountState} state=${row.state} />` },
    {
      key: 'signed_in_us',
      label: t('people.signed_in'),
      kind: 'time',
      render: ({ signed_in_us }) => (signed_in_us ? dateTime(signed_in_us) : html`<span class="muted">${t('people.never')}</span>`),
    },
    { key: 'qualification_names', label: t('people.qualifications'), render: (row) => html`<${Qualifications} held=${row.qualifications} />` },
    { key: 'token_count', label: t('people.tokens'), kind: 'number' },
  ];
  if (setAsked) {
    shown.push({ key: 'actions', label: t('people.actions'), isFixed: true, render: (row) => html`<${Actions} person=${row} ask=${setAsked} />` });
  }
  return shown;
}

/** @param {{person: string}} props */
const Badge = ({ person }) => html`<span class="code">${person}</span>${person === boot.user?.person && html` <span class="tag">${t('people.you')}</span>`}`;

/** @param {{state: string}} props */
const AccountState = ({ state }) => html`<span class="account-state ${state === 'active' ? '' : 'muted'}">
  ${state === 'disabled' && html`<${Icon} name="lock" />`}${t(`account_state.${state}`)}
</span>`;

/** @param {{held: Held[]}} props */
function Qualifications({ held }) {
  if (held.length === 0) return html`<span class="muted">${t('people.no_qualification')}</span>`;
  return html`<ul class="held">
    ${held.map(({ qualification, valid_until_us }) => {
      const isOver = valid_until_us <= boot.now_us;
      return html`<li key=${qualification}>
        ${qualification} <span class="muted">${t(isOver ? 'people.ended' : 'people.until', { time: dateTime(valid_until_us) })}</span>
      </li>`;
    })}
  </ul>`;
}

/** @param {{person: Person & {state: string}, ask: (asked: Asked) => void}} props */
function Actions({ person, ask }) {
  // Nobody changes their own roles or disables themselves: another admin does.
  if (person.person === boot.user?.person) return html`<span class="muted">${t('people.own')}</span>`;
  /** @param {'roles' | 'disable' | 'invite'} kind @param {string} text */
  const button = (kind, text) => html`<button type="button" class="button button-quiet" data-action=${kind}
    aria-label="${text}: ${person.person}" onClick=${() => ask({ kind, person })}>${text}</button>`;
  if (person.disabled) return button('roles', t('people.enable'));
  return html`<span class="row-actions">
    ${button('roles', t('people.change_roles'))} ${!person.has_account && button('invite', t('people.invite'))} ${button('disable', t('people.disable'))}
  </span>`;
}
