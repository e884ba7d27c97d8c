import type { World } from '../world.ts';
import { nodeClock } from './clock.ts';
import { nodeDisk } from './disk.ts';
import { nodeNetwork } from './network.ts';
import { nodePrograms } from './programs.ts';
import { nodeRandom } from './random.ts';

/** The real world. */
export const nodeWorld: World = {
  clock: nodeClock,
  random: nodeRandom,
  disk: nodeDisk,
  network: nodeNetwork,
  programs: nodePrograms,
};
