import { useState } from '../../vendor/preact.js';
import { Problem } from '../api.js';

/** @typedef {{run: (act: () => Promise<unknown>) => Promise<boolean>, isBusy: boolean, failure: Problem | null}} Action */

/** A change that may be refused: `run` tells whether it was done; what the server said instead is kept. @returns {Action} */
export function useAction() {
  const [failure, setFailure] = useState(/** @type {Problem | null} */ (null));
  const [isBusy, setBusy] = useState(false);
  /** @param {() => Promise<unknown>} act */
  const run = async (act) => {
    setBusy(true);
    setFailure(null);
    try {
      await act();
      return true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setFailure(error);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { run, isBusy, failure };
}

/** The same refusal in the viewer's words, where the page knows them better than the server.
 * @param {Problem} problem @param {Record<number, string>} texts by status */
export function inWords(problem, texts) {
  const text = texts[problem.status];
  return text && problem.reasons.length === 0 ? new Problem(problem.status, { detail: text }) : problem;
}
