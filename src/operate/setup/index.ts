/**
 * The door of setup: from a few answers to a configuration that runs. Called by `ims setup` only. It looks at the host to suggest
 * answers, takes nothing for granted that it saw, and promises that what was there before is kept and that what it writes loads.
 */
export type { Answers } from './answers.ts';
export { lookAtHost, SERVICE_USER, type Found } from './found.ts';
export { interview, type Asking, type Given, type Interviewed, type Missing } from './interview.ts';
export { PASSWORD_OCTETS } from './limits.ts';
export { keysFor, type SetUpKey } from './keys.ts';
export { placeConfiguration, type Owner, type Placed } from './place.ts';
export { probePort25, type Probed } from './probe.ts';
export type { Known, Question } from './questions.ts';
export { unitText } from './unit.ts';
export { writeConfiguration } from './write.ts';
