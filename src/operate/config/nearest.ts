import { NEAREST_CANDIDATES_MAX, NEAREST_NAME_MAX } from './limits.ts';

/** The number of single changes (insert, remove, replace, swap of neighbours) from one word to another. */
export function distance(from: string, to: string): number {
  let before: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const same = from[i - 1] === to[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      if (swapped) cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return last[to.length] ?? 0;
}

const bare = (name: string): string => name.toLowerCase().replaceAll(/[-_ ]/g, '');

/**
 * The candidate that a mistyped name most likely stands for; undefined where none is near. Case, '-' and '_' do not
 * count.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length === 0 || name.length > NEAREST_NAME_MAX) return undefined;
  const wanted = bare(name);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  let seen = 0;
  for (const candidate of candidates) {
    seen += 1;
    if (seen > NEAREST_CANDIDATES_MAX) break;
    const other = bare(candidate);
    if (Math.abs(other.length - wanted.length) >= bestDistance) {
      if (best === undefined && wanted.length >= 4 && other.startsWith(wanted)) best = candidate;
      continue;
    }
    const found = distance(wanted, other);
    if (found < bestDistance) {
      bestDistance = found;
      best = candidate;
    }
  }
  return best;
}
