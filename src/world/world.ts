import type { Clock } from './ports/clock.ts';
import type { Disk } from './ports/disk.ts';
import type { Network } from './ports/network.ts';
import type { Programs } from './ports/process.ts';
import type { Random } from './ports/random.ts';

/** Everything outside the process, joined once; constructors take the smallest part of it that they need. */
export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly network: Network;
  readonly programs: Programs;
}
