/** The guide to the API, drawn from its own OpenAPI description. */
import { html, useEffect, useState } from '../../vendor/preact.js';
import { getJson } from '../api.js';
import { Card, PageHead } from '../components/page_head.js';
import { ErrorState, Skeleton } from '../components/states.js';
import { t } from '../i18n.js';

/** @typedef {{name: string, in: string, required?: boolean, description?: string}} Parameter */
/** @typedef {{summary?: string, operationId?: string, parameters?: Parameter[], requestBody?: any, responses?: Record<string, any>}} Operation */
/** @typedef {{method: string, path: string, operation: Operation}} Entry */

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** @param {{boot: import('../boot.js').Boot}} props */
export default function ApiGuidePage({ boot }) {
  const [document, setDocument] = useState(/** @type {any} */ (null));
  const [error, setError] = useState('');
  useEffect(() => {
    getJson('/openapi.json').then(setDocument, (/** @type {Error} */ problem) => setError(problem.message));
  }, []);
  const link = html`<a class="button" href="/openapi.json">${t('api_guide.download')}</a>`;
  return html`<${PageHead} title=${boot.title}>${link}<//>
    <p class="muted">${t('api_guide.intro')}</p>
    <pre class="code api-example">curl -H "Authorization: Bearer cw_..." ${window.location.origin}/api/v1/line</pre>
    ${error ? html`<${ErrorState} text=${error} />` : !document && html`<${Skeleton} lines=${8} />`}
    ${document && groups(document).map(([name, entries]) => html`<${Group} key=${name} ...${{ name, entries, document }} />`)}`;
}

/** Operations by the first word of their path. @param {any} document @returns {[string, Entry[]][]} */
function groups(document) {
  /** @type {Map<string, Entry[]>} */
  const found = new Map();
  for (const [path, item] of Object.entries(document.paths)) {
    const name = path.replace('/api/v1', '').split(/[/.]/)[1] || 'overview';
    const entries = METHODS.filter((method) => method in item).map((method) => ({ method, path, operation: item[method] }));
    found.set(name, [...(found.get(name) ?? []), ...entries]);
  }
  return [...found].toSorted(([a], [b]) => a.localeCompare(b));
}

/** @param {{name: string, entries: Entry[], document: any}} props */
function Group({ name, entries, document }) {
  return html`<${Card} title=${name}>
    ${entries.map(
      ({ method, path, operation }) => html`<details key=${method + path} class="api-operation">
        <summary><b class="code">${method.toUpperCase()}</b> <span class="code">${path}</span> <span class="muted">${operation.summary ?? ''}</span></summary>
        <${Details} ...${{ operation, document }} />
      </details>`,
    )}
  <//>`;
}

/** @param {{operation: Operation, document: any}} props */
function Details({ operation, document }) {
  const { parameters = [], requestBody, responses = {} } = operation;
  const body = schemaIn(requestBody);
  return html`<div class="api-details">
    ${parameters.length > 0 && html`<p>${t('api_guide.parameters')} ${parameters.map((each) => html`<span key=${each.name} class="code">${each.name}${each.required ? '*' : ''} </span>`)}</p>`}
    ${body && html`<p>${t('api_guide.body')}</p><${Schema} schema=${body} document=${document} />`}
    ${Object.entries(responses).map(
      ([status, response]) => html`<div key=${status}>
        <p><b class="code">${status}</b> ${response.description}</p>
        ${schemaIn(response) && html`<${Schema} schema=${schemaIn(response)} document=${document} />`}
      </div>`,
    )}
  </div>`;
}

/** @param {any} holder */
const schemaIn = (holder) => holder?.content && Object.values(holder.content)[0]?.schema;

/** @param {{schema: any, document: any}} props */
function Schema({ schema, document }) {
  const name = schema.$ref?.split('/').at(-1);
  const shown = name ? document.components.schemas[name] : schema;
  return html`<pre class="code api-schema" tabindex="0">${name ? `${name} ` : ''}${JSON.stringify(shown, null, 2)}</pre>`;
}
