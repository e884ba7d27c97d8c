/**
 * The door of config. It turns the text of a configuration file into settings, or into everything that is wrong with
 * it.
 * Called at start, at reload, by the command line and the operator process. It promises that settings it hands out
 * are whole,
 * within their bounds, consistent with each other, and have absolute paths; it never applies anything, and never
 * prints a secret.
 */
export { categories, levels, type Level } from './categories.ts';
export { demonstration, demonstrationDomain, demonstrationMailboxes, type Demonstration } from './demonstration.ts';
export { applicable, difference, redact, type Change } from './difference.ts';
export { exampleConfiguration } from './example.ts';
export { explain } from './explain.ts';
export { parseSettings, serialiseSettings } from './finish.ts';
export { findLastGood, keepLastGood, type LastGood } from './last-good.ts';
export { loadConfigurationFile, type LoadedFile } from './load-file.ts';
export { loadConfiguration, type Loaded, type LoadOptions } from './load.ts';
export { nearest } from './nearest.ts';
export { printProblem, type Problem } from './problem.ts';
export { referencePage } from './reference.ts';
export {
  holdsSpool,
  printSpoolMarker,
  readSpoolMarker,
  newerSpoolMarker,
  spoolMarkerPath,
  spoolPath,
} from './spool-marker.ts';
