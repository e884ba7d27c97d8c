import { showSize } from '../../settings/show.ts';

/** A point in time as operators compare it with logs: '2026-11-22 17:05:06Z'. */
export function showTime(ms: number): string {
  return Number.isFinite(ms) ? `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')}Z` : '-';
}

const STEPS: readonly (readonly [number, string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1000, 's'],
];

/** A length of time in its largest unit, and the next: '3d 4h', '5m 2s', '40ms'. */
export function showSpan(ms: number): string {
  for (const [i, [length, unit]] of STEPS.entries()) {
    if (ms < length) continue;
    const next = STEPS[i + 1];
    const rest = next === undefined ? 0 : Math.floor((ms % length) / next[0]);
    return `${Math.floor(ms / length)}${unit}${next === undefined || rest === 0 ? '' : ` ${rest}${next[1]}`}`;
  }
  return `${Math.max(0, Math.round(ms))}ms`;
}

const UNITS = ['KB', 'MB', 'GB', 'TB'];

/** A size in three digits or so: '812B', '4.1KB', '150MB'. */
export function showBytes(bytes: number): string {
  if (bytes < 1024) return showSize(bytes);
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)}${UNITS[unit] ?? ''}`;
}

/** What came from outside, without characters that a terminal would obey or that would turn the order of the others. */
export function plain(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '?');
}

/** 'n things', with the right ending. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}
