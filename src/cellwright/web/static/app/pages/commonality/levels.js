/** Factors and their levels in words, with links to what has a page. */
import { html } from '../../../vendor/preact.js';
import { has, list, number, t } from '../../i18n.js';
import { CodeLink, operation, pageOf, term } from '../../objects.js';

/** @typedef {{factor: string, of: string, code: string, basis: string}} Level */

const OF_OPERATIONS = new Set(['station', 'channel', 'slot', 'carrier', 'role', 'shift']);

/** A factor: "Lot of cathode reel". @param {string} factor @param {string} of */
export function factorText(factor, of) {
  if (factor === 'tool') return t('factor.tool', { of });
  if (factor === 'member_slot') return t('factor.member_slot', { of: has(`thing.${of}`) ? t(`thing.${of}`) : of });
  return has(`factor.${factor}`) ? t(`factor.${factor}`, { of: OF_OPERATIONS.has(factor) ? operation(of) : term(of) }) : `${factor} ${of}`;
}

/** The level itself, as words. @param {Level} level */
export function levelText({ factor, code }) {
  if (factor === 'position') return t('factor.tenth', { from: number(Number(code) * 10), to: number(Number(code) * 10 + 10) });
  if (factor === 'role') return code ? list(code.split(', ').map((each) => (has(`role.${each}`) ? t(`role.${each}`) : each))) : t('common.unknown');
  if (factor === 'tool') return code ? t('factor.fitted', { time: code }) : t('factor.fitted_first');
  return code;
}

/** What is looked at when a level is followed, null = it has no page. @param {Level} level @returns {[string, string] | null} kind and code */
export function pageKind({ factor, code }) {
  if (factor === 'lot' || factor === 'station' || factor === 'carrier') return [factor, code];
  return factor === 'channel' ? ['station', code.slice(0, code.lastIndexOf(' '))] : null;
}

/** @param {Level} level */
export const levelPage = (level) => {
  const page = pageKind(level);
  return page && pageOf(...page);
};

/** @param {{level: Level}} props */
export function LevelName({ level }) {
  const page = pageKind(level);
  const name = level.factor === 'lot' || level.factor === 'station' || level.factor === 'carrier' ? html`<${CodeLink} kind=${level.factor} code=${level.code} />` : page ? html`<a class="code" href=${pageOf(...page)}>${level.code}</a>` : html`<b>${levelText(level)}</b>`;
  return html`<span class="secondary">${factorText(level.factor, level.of)}</span> ${name}`;
}
