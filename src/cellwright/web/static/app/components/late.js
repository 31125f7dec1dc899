import { html, useEffect, useState } from '../../vendor/preact.js';

/** A part of a page whose script comes once it is needed. @param {{load: () => Promise<any>} & Record<string, any>} props */
export function Late({ load, ...props }) {
  const [part, setPart] = useState(/** @type {any} */ ({}));
  useEffect(() => {
    load().then((view) => setPart({ view }));
  }, []);
  return part.view ? html`<${part.view} ...${props} />` : null;
}
