/** Limits as they are written in the plant's file. */
import { html } from '../../../vendor/preact.js';
import { Card } from '../../components/page_head.js';
import { copy as copyText } from '../../components/table_cells.js';
import { toast } from '../../components/toast.js';
import { t } from '../../i18n.js';

/** @param {{text: string}} props */
export function Snippet({ text }) {
  const copy = async () => {
    await copyText(text);
    toast(t('grading.copied'), 'pass');
  };
  return html`<${Card} id="snippet" title=${t('grading.snippet')} note="characteristics.toml" actions=${html`<button type="button" class="button button-small" onClick=${copy}>${t('grading.copy')}</button>`}>
    <pre class="code grading-snippet" tabindex="0" role="region" aria-label=${t('grading.snippet')}>${text}</pre>
    <p class="caption">${t('grading.snippet_note')}</p>
  <//>`;
}
