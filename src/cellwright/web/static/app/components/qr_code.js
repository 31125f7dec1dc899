import { html, useMemo } from '../../vendor/preact.js';
import { t } from '../i18n.js';
import { encode } from './qr_encode.js';

const QUIET = 4;

/** A code for phones and scanners, always dark on white. @param {{text: string, size_px?: number}} props */
export function QrCode({ text, size_px = 120 }) {
  const grid = useMemo(() => encode(text), [text]);
  if (!grid) return html`<span class="code">${text}</span>`;
  const size = grid.length + 2 * QUIET;
  const path = grid.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x + QUIET} ${y + QUIET}h1v1h-1z` : ''))).join('');
  return html`<svg class="qr" width=${size_px} height=${size_px} viewBox="0 0 ${size} ${size}" role="img" aria-label=${t('qr.label', { text })} shape-rendering="crispEdges">
    <path d=${path} />
  </svg>`;
}
