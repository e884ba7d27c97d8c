import { z } from 'zod';
import { showDuration, showSize } from './show.ts';

export { showDuration, showSize };

const DURATION = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/;
const SIZE = /^(\d+(?:\.\d+)?)\s*(B|KB|MB|GB)?$/i;
const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE_UNITS: Readonly<Record<string, number>> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

/** What the documentation says about a setting, beyond its description; attached with `.meta()`. */
export interface SettingMeta {
  /** The RFC and section it follows, such as '5321 §6.3'. */
  readonly rfc?: string;
  /** Whether a change takes effect by a reload (the default) or by a restart. */
  readonly reload?: 'live' | 'restart';
  readonly example?: unknown;
  /** Never shown: passwords and their hashes. */
  readonly secret?: boolean;
  readonly unit?: 'duration' | 'size';
  readonly min?: number;
  readonly max?: number;
}

/** A length of time as people write it ('30s', '5m', '2h', '5d'); in the program milliseconds. Bounds in milliseconds. */
export function duration(bounds: { readonly min: number; readonly max: number }): z.ZodType<number, string | number> {
  return z
    .union([z.string(), z.number()])
    .transform((value, context) => {
      const match = DURATION.exec(String(value));
      if (match === null) {
        context.addIssue({ code: 'custom', message: 'expected a length of time such as 30s, 5m, 2h or 5d' });
        return z.NEVER;
      }
      const ms = Number(match[1]) * (DURATION_UNITS[match[2] ?? ''] ?? 1);
      if (ms < bounds.min || ms > bounds.max) {
        context.addIssue({
          code: 'custom',
          message: `expected between ${showDuration(bounds.min)} and ${showDuration(bounds.max)}`,
        });
        return z.NEVER;
      }
      return ms;
    })
    .meta({ unit: 'duration', min: bounds.min, max: bounds.max });
}

/** A size as people write it ('64KB', '50MB', '2GB'; a bare number is octets); in the program octets. */
export function size(bounds: { readonly min: number; readonly max: number }): z.ZodType<number, string | number> {
  return z
    .union([z.string(), z.number()])
    .transform((value, context) => {
      const match = SIZE.exec(String(value));
      if (match === null) {
        context.addIssue({ code: 'custom', message: 'expected a size such as 64KB, 50MB or 2GB' });
        return z.NEVER;
      }
      const bytes = Math.round(Number(match[1]) * (SIZE_UNITS[(match[2] ?? 'b').toLowerCase()] ?? 1));
      if (bytes < bounds.min || bytes > bounds.max) {
        context.addIssue({
          code: 'custom',
          message: `expected between ${showSize(bounds.min)} and ${showSize(bounds.max)}`,
        });
        return z.NEVER;
      }
      return bytes;
    })
    .meta({ unit: 'size', min: bounds.min, max: bounds.max });
}
