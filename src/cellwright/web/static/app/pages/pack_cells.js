/** The cells of a pack or module by place, and how it was tested. */
import { html } from '../../vendor/preact.js';
import { CertificateNotice } from '../components/certificate_notice.js';
import { PackCells } from '../components/pack_cells.js';
import { PageHead } from '../components/page_head.js';
import { ExportMenu } from '../components/table_tools.js';
import { t } from '../i18n.js';
import { addressOf, pageOf } from '../objects.js';

/** @param {{boot: import('../boot.js').Boot}} props */
export default function PackCellsPage({ boot }) {
  const { code, kind } = boot.data;
  const steps = [{ label: t('page.units'), href: '/units' }, { label: `${t(`thing.${kind}`)} ${code}`, href: pageOf('unit', code) }];
  return html`<${PageHead} title=${t('page.pack_cells')} code=${code} steps=${steps}><${ExportMenu} path=${addressOf('pack_cells', code)} /><//>
    <div class="stack"><${CertificateNotice} code=${code} /><${PackCells} data=${boot.data} /></div>`;
}
