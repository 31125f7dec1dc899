import { effect, useEffect, useLayoutEffect, useRef } from '../../vendor/preact.js';
import { theme } from '../theme.js';

/** Draw whenever an input changes; colours and size of a canvas do not follow theme and paper by themselves. @param {(isPaper: boolean) => void} draw @param {unknown[]} inputs */
export function useDrawn(draw, inputs) {
  const latest = useRef(draw);
  latest.current = draw;
  useLayoutEffect(() => latest.current(false), inputs);
  useEffect(() => {
    const again = (/** @type {any} */ event) => latest.current(event?.type === 'beforeprint');
    const stop = effect(() => {
      void theme.value;
      window.requestAnimationFrame(again);
    });
    document.fonts?.ready.then(again);
    // Paper is light, whatever the screen was.
    /** @type {[EventTarget, string][]} */
    const heard = [[window.matchMedia('(prefers-color-scheme: dark)'), 'change'], [window, 'beforeprint'], [window, 'afterprint']];
    heard.forEach(([target, name]) => target.addEventListener(name, again));
    return () => {
      stop();
      heard.forEach(([target, name]) => target.removeEventListener(name, again));
    };
  }, []);
}
