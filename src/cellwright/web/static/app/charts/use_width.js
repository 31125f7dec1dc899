import { useLayoutEffect, useRef, useState } from '../../vendor/preact.js';

/** The width a chart has, so that its text is never scaled. @param {number} initial_px */
export function useWidth(initial_px) {
  const ref = useRef(/** @type {HTMLDivElement | null} */ (null));
  const [width_px, setWidth] = useState(initial_px);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => setWidth(Math.max(160, Math.floor(element.clientWidth))));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return { ref, width_px };
}
