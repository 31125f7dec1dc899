/** What a batch of tests says of a cell in short. */

/** Nobody said of these that the contact is bad. */
const UNJUDGED = ['not_judged', 'unknown'];

/** @param {Record<string, any>} cell */
export const isFault = ({ fault }) => fault !== '' && !UNJUDGED.includes(fault);

/** The end of a code tells the cells of a batch apart. @param {string} code */
export const shortCode = (code) => (code.length > 8 ? `…${code.slice(-5)}` : code);

/** A cell may be in a batch twice. @param {Record<string, any>} cell */
export const keyOf = ({ code, attempt }) => `${code}/${attempt}`;
