/** What the server put into the page: who looks, at what, in which language, and the first data. */

/**
 * @typedef {{person: string, roles: string[], permissions: string[], csrf: string}} User
 * @typedef {{code: string, name: string, time_zone?: string}} PlantName
 * @typedef {Object} Boot
 * @property {string} page name of the module under app/pages
 * @property {string} title
 * @property {Record<string, string>} params
 * @property {any} data the first data of the page
 * @property {string} language `en` or `zh`
 * @property {string} theme `light`, `dark` or `system`
 * @property {Record<string, string>} messages the catalogue of the language
 * @property {User | null} user
 * @property {PlantName} plant
 * @property {string} release
 * @property {number} now_us plant time at which the data was read
 * @property {boolean} is_simulated
 * @property {string} path of this page, without suffix and query
 */

/** @type {Boot} */
const NOTHING = {
  page: '',
  title: '',
  params: {},
  data: null,
  language: 'en',
  theme: 'system',
  messages: {},
  user: null,
  plant: { code: '', name: '' },
  release: '',
  now_us: 0,
  is_simulated: false,
  path: '/',
};

/** @returns {Boot} */
function read() {
  const text = document.getElementById('boot')?.textContent;
  if (!text) return NOTHING;
  const given = JSON.parse(text);
  return { ...NOTHING, ...given, plant: given.plant ?? NOTHING.plant };
}

export const boot = read();

/** Whether the viewer may do it; the server decides again. @param {string} permission */
export const may = (permission) => boot.user?.permissions.includes(permission) ?? false;

/** The address of a file under static/, of this release. @param {string} path */
export const asset = (path) => new URL(`../${path}`, import.meta.url).href;
