/** A recall: what is in doubt, what it would touch, where that is and what it costs; then all of it is held. */
import { html, useState } from '../../vendor/preact.js';
import { may } from '../boot.js';
import { useCommands } from '../components/command_menu.js';
import { Icon } from '../components/icon.js';
import { PageHead } from '../components/page_head.js';
import { Notice } from '../components/states.js';
import { ExportMenu } from '../components/table_tools.js';
import { useFresh } from '../fresh.js';
import { t } from '../i18n.js';
import { Plan } from './recall/plan.js';
import { QuestionCard } from './recall/question.js';

/** @typedef {{recall: string, holds: string[], lots_count: number, units_count: number}} Report */

export default function RecallPage() {
  const [data, reload] = useFresh('/recall');
  const [report, setReport] = useState(/** @type {Report | null} */ (null));
  const { ask, dialog } = useCommands(async (answer) => {
    setReport(answer);
    await reload();
  });
  const { plan } = data;
  const isHeld = data.is_placed && plan?.held_count >= plan?.hold_units_count;
  const isHoldable = plan && may('hold_place') && plan.lots.length + plan.hold_units_count > 0;
  return html`<${PageHead} title=${t('page.recall')}>
      ${plan && html`<${ExportMenu} path="/recall" />`}
      ${isHoldable && html`<button type="button" class="button ${isHeld ? '' : 'button-main'}" onClick=${() => ask('recall', data)}>${t('ask.recall')}</button>`}
    <//>
    ${dialog}
    <div class="stack">
      ${report && html`<${Outcome} ...${report} />`}
      ${!report && data.is_placed && html`<${Notice} icon="hold">${t('recall.placed', { recall: data.recall })} <${HoldsLink} recall=${data.recall} /><//>`}
      <${QuestionCard} ...${data} />
      ${plan && html`<${Plan} plan=${plan} />`}
    </div>`;
}

/** What placing it came to. @param {Report} props */
function Outcome({ recall, holds, lots_count, units_count }) {
  const whole = t('recall.holds_now', { lots: lots_count, units: units_count });
  return html`<div class="notice notice-hold" role="status">
    <${Icon} name="hold" />
    <div><p><b>${holds.length > 0 ? t('recall.held', { recall, n: holds.length }) : t('recall.nothing_new', { recall })}</b> ${whole} <${HoldsLink} recall=${recall} /></p></div>
  </div>`;
}

/** @param {{recall: string}} props */
const HoldsLink = ({ recall }) => html`<a href="/holds?recall=${encodeURIComponent(recall)}">${t('recall.its_holds')}</a>`;
