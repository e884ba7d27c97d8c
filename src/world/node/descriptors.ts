import * as fs from 'node:fs';
import { performance } from 'node:perf_hooks';
import { openStreams } from './stream.ts';

const RECOUNT_MS = 10_000;
const REREAD_MS = 2_000;
const UNKNOWN_LIMIT = 1024;

/** The file descriptors of this process: how many it may have, and about how many it has. */
export interface DescriptorCount {
  used(): number;
  readonly limit: number;
}

/** Counts connections exactly and everything else every few seconds, so that asking costs nothing. */
export function nodeDescriptors(): DescriptorCount {
  let others = 0;
  let countedAt = Number.NEGATIVE_INFINITY;
  let limit = readLimit();
  let readAt = performance.now();
  return {
    get limit() {
      const now = performance.now();
      if (now - readAt > REREAD_MS) {
        readAt = now;
        limit = readLimit(); // prlimit(1) changes it while the process runs
      }
      return limit;
    },
    used() {
      const now = performance.now();
      if (now - countedAt > RECOUNT_MS) {
        countedAt = now;
        others = Math.max(0, countAll() - openStreams.count);
      }
      return others + openStreams.count;
    },
  };
}

function countAll(): number {
  try {
    return fs.readdirSync('/proc/self/fd').length;
  } catch {
    return openStreams.count; // not Linux: the connections are what grows
  }
}

function readLimit(): number {
  try {
    const match = /^Max open files\s+(\d+)/m.exec(fs.readFileSync('/proc/self/limits', 'latin1'));
    return match === null ? Number.MAX_SAFE_INTEGER : Number(match[1]);
  } catch {
    return UNKNOWN_LIMIT;
  }
}
