/** Words for what the plant's files and machines name in English. */
import { language, t } from './i18n.js';
import { characteristic, term } from './objects.js';

/** What a machine found wrong: a code of its own, or a characteristic and on which side of its limits. @param {string} code */
export function defect(code) {
  const [, name, fault] = /^(.+)_(low|high|not_measured)$/.exec(code) ?? [];
  return name ? t(`defect.${fault}`, { name: characteristic(name) }) : term(code);
}

/** The name of a station or plant as its files have it, in Chinese the catalogue's word for that name. @param {string} name */
export const nameWord = (name) => (language() === 'en' ? name : term(name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_'), name));
