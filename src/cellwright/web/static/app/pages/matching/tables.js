/** The parts of the page of matching that show tables. */
export { ExportMenu } from '../../components/table_tools.js';
export { Comparison } from './comparison.js';
export { GroupCard } from './group.js';
export { Groups } from './groups.js';
export { Reserved } from './reserved.js';
