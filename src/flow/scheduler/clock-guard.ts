import type { Clock } from '../../world/ports/clock.ts';
import { limits } from './limits.ts';

/** Says whether mail may expire by the wall clock. */
export interface ClockGuard {
  /** False from a jump of the wall clock until it has held for an hour. Looks at both clocks at each call. */
  mayExpire(): boolean;
}

/**
 * Watches the wall clock against the monotonic one. A host whose clock is set years ahead must not return all its mail:
 * expiry pauses, everything else goes on.
 */
export function createClockGuard(
  clock: Clock,
  changed: (what: { readonly paused: boolean; readonly jumpMs: number }) => void,
): ClockGuard {
  let offset = clock.wall() - clock.now();
  let pausedAt: number | undefined;
  return {
    mayExpire() {
      const now = clock.now();
      const jumpMs = clock.wall() - now - offset;
      if (Math.abs(jumpMs) > limits.clockDriftMsMax) {
        offset += jumpMs;
        if (pausedAt === undefined) changed({ paused: true, jumpMs });
        pausedAt = now;
      } else if (pausedAt !== undefined && now - pausedAt >= limits.clockHoldMs) {
        pausedAt = undefined;
        changed({ paused: false, jumpMs: 0 });
      } else if (pausedAt === undefined) {
        // A clock that is slewed slowly (NTP) is right: follow it.
        offset += jumpMs;
      }
      return pausedAt === undefined;
    },
  };
}
