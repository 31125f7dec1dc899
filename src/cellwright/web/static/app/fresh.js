/** A page's own data, read again when they may have changed. */
import { useCallback, useEffect, useState } from '../vendor/preact.js';
import { getJson, Problem } from './api.js';
import { boot } from './boot.js';
import { subscribe } from './live.js';

/** At most so often a page reads its data again by itself. */
const PAUSE_MS = 2_000;

/**
 * The page's data and how to read them again. `isFollowing` reads them whenever the plant has new facts; what cannot be
 * read stays as it is, and the frame says that the server is away.
 * @param {string} path of the page, without suffix
 * @param {{isFollowing?: boolean}} [options]
 * @returns {[any, () => Promise<void>]}
 */
export function useFresh(path, { isFollowing = false } = {}) {
  const [data, setData] = useState(boot.data);
  const read = useCallback(async (isBackground = false) => setData(await getJson(`${path}.json${window.location.search}`, { isBackground })), [path]);
  const reload = useCallback(() => read(), [read]);
  useEffect(() => (isFollowing ? follow(() => read(true)) : undefined), [read, isFollowing]);
  return [data, reload];
}

/** @param {() => Promise<void>} reload */
function follow(reload) {
  /** @type {number | undefined} */
  let seen;
  let timer = 0;
  const read = async () => {
    try {
      await reload();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
    timer = 0;
  };
  const stop = subscribe(
    'status',
    ({ facts_count }) => {
      const isNew = seen !== undefined && facts_count !== seen;
      seen = facts_count;
      if (isNew && !timer) timer = window.setTimeout(read, PAUSE_MS);
    },
    1,
  );
  return () => {
    window.clearTimeout(timer);
    stop();
  };
}
