import type { Timeline } from '../../mail/timeline.ts';

/** A timeline that counts the messages that come into the queue: received ones, and reports made here. */
export interface Arrivals extends Timeline {
  /** Since the process started. */
  readonly arrived: number;
}

/** Counts on the way to a timeline. */
export function countArrivals(timeline: Timeline): Arrivals {
  let arrived = 0;
  return {
    add(entry) {
      if (entry.what === 'received' || entry.what === 'report') arrived += 1;
      timeline.add(entry);
    },
    get arrived() {
      return arrived;
    },
  };
}

/** A timeline that two hear. */
export function both(one: Timeline, other: Timeline): Timeline {
  return {
    add(entry) {
      one.add(entry);
      other.add(entry);
    },
  };
}
