import { html, signal, useState } from '../../vendor/preact.js';
import { t } from '../i18n.js';
import { isOn, shortcuts, switchShortcuts } from '../keyboard.js';
import { scanPrefix, setScanPrefix } from '../scan.js';
import { Dialog } from './dialog.js';

const isOpen = signal(false);

export function toggleHelp() {
  isOpen.value = !isOpen.value;
}

/** The keys of this page, their switch, and the scanner's prefix. */
export function Help() {
  return html`<${Dialog} title=${t('help.title')} isOpen=${isOpen.value} onClose=${() => (isOpen.value = false)}>
    <${HelpContent} />
  <//>`;
}

const NAMES = /** @type {Record<string, string>} */ ({ Backspace: '⌫', Enter: '⏎' });

export function HelpContent() {
  const [prefix, setPrefix] = useState(scanPrefix());
  /** @param {InputEvent} event */
  const changePrefix = (event) => {
    const value = /** @type {HTMLInputElement} */ (event.currentTarget).value;
    setScanPrefix(value);
    setPrefix(value);
  };
  // Bound twice is still one key: the later one counts.
  const keys = [...new Map(shortcuts.value.map((each) => [each.keys, each])).values()];
  return html`<dl class="keys">
      ${keys.map(
        (/** @type {import('../keyboard.js').Shortcut} */ each) => html`<div key=${each.keys}>
          <dt>${each.keys.split(' ').map((key) => html`<kbd>${NAMES[key] ?? key.toUpperCase()}</kbd> `)}</dt>
          <dd>${each.label}</dd>
        </div>`,
      )}
    </dl>
    <label class="check">
      <input type="checkbox" checked=${isOn.value} onChange=${() => switchShortcuts(!isOn.value)} />
      <span>${t('help.shortcuts_on')}</span>
    </label>
    <label class="field field-inline">
      <span class="field-label">${t('help.scan_prefix')}</span>
      <input class="input input-short code" maxlength="1" value=${prefix} onInput=${changePrefix} />
      <span class="field-help">${t('help.scan_text')}</span>
    </label>`;
}
