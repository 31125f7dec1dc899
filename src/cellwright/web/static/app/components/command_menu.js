import { html, useState } from '../../vendor/preact.js';
import { t } from '../i18n.js';
import { Menu } from './menu.js';

/** @typedef {import('../../vendor/preact.js').ComponentChildren} Children */
/** @typedef {[name: string, ...about: unknown[]]} Asked a name in `ASKS`, and what it is about */
/** @typedef {(name: string, ...about: unknown[]) => Promise<void>} Asking */

/**
 * How a page asks, and the dialog of what is asked for now; `reload` reads the page's data again once it is recorded,
 * and gets what was answered.
 * @param {(answer: any) => Promise<void>} reload
 * @returns {{ask: Asking, dialog: Children}}
 */
export function useCommands(reload) {
  const [asked, setAsked] = useState(/** @type {{Dialog: any, name: string, about: unknown[]} | null} */ (null));
  /** @type {Asking} */
  const ask = async (name, ...about) => {
    const { CommandDialog } = await import('./command_dialog.js');
    setAsked({ Dialog: CommandDialog, name, about });
  };
  const dialog = asked && html`<${asked.Dialog} ...${asked} onClose=${() => setAsked(null)} onDone=${reload} />`;
  return { ask, dialog };
}

/** What the viewer may ask for here; nothing when there is nothing. @param {{asks: (Asked | false)[], ask: Asking}} props */
export function CommandMenu({ asks, ask }) {
  const offered = asks.filter((each) => each !== false);
  if (offered.length === 0) return null;
  return html`<${Menu} icon="hand" label=${t('ask.menu')}>
    ${offered.map((each) => html`<${CommandItem} key=${each[0]} asked=${each} ask=${ask} />`)}
  <//>`;
}

/** @param {{asked: Asked, ask: Asking}} props */
function CommandItem({ asked, ask }) {
  /** @param {MouseEvent} event */
  const choose = (event) => {
    /** @type {HTMLElement} */ (event.currentTarget).closest('details')?.removeAttribute('open');
    return ask(...asked);
  };
  return html`<button type="button" class="menu-item ${asked[0] === 'scrap' ? 'menu-item-danger' : ''}" onClick=${choose}>${t(`ask.${asked[0]}`)}</button>`;
}
