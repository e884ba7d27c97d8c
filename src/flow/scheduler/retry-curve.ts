import type { RetryCurve } from '../../settings/scheduler.ts';

/**
 * The wait before the next attempt in milliseconds, after `attempts` attempts (at least 1) have failed.
 * Grows by the curve's factor up to its longest wait; `fraction` in [0, 1) spreads it by the share `jitter` both ways.
 */
export function retryWait(curve: RetryCurve, attempts: number, jitter: number, fraction: number): number {
  // The exponent is bounded because any factor over 1 has reached `longest` long before.
  const grown = curve.first * curve.factor ** Math.min(Math.max(attempts, 1) - 1, 64);
  const wait = Math.min(grown, Math.max(curve.longest, curve.first));
  return Math.round(wait * (1 + jitter * (2 * fraction - 1)));
}
