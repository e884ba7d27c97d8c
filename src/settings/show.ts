const DURATIONS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
];
const SIZES: readonly (readonly [string, number])[] = [
  ['GB', 1024 ** 3],
  ['MB', 1024 ** 2],
  ['KB', 1024],
];

/** Prints milliseconds in the largest unit that divides them. */
export function showDuration(ms: number): string {
  for (const [unit, length] of DURATIONS) if (ms >= length && ms % length === 0) return `${ms / length}${unit}`;
  return `${ms}ms`;
}

/** Prints octets in the largest unit that divides them. */
export function showSize(bytes: number): string {
  for (const [unit, length] of SIZES) if (bytes >= length && bytes % length === 0) return `${bytes / length}${unit}`;
  return `${bytes}B`;
}
