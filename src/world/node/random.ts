import { randomBytes } from 'node:crypto';
import type { Random } from '../ports/random.ts';

/** The machine's chance. */
export const nodeRandom: Random = { bytes: (count) => randomBytes(count), fraction: () => Math.random() };
