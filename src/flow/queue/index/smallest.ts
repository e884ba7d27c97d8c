/** The `count` smallest of many numbers in order, in one walk where they are few. */
export function smallest(numbers: Float64Array, count: number): Float64Array {
  if (count * 4 >= numbers.length) return numbers.sort().subarray(0, count);
  const kept = new Float64Array(Math.max(count * 2, 64));
  let used = 0;
  let limit = Number.POSITIVE_INFINITY;
  for (const number of numbers) {
    if (number > limit) continue;
    kept[used] = number;
    used += 1;
    if (used < kept.length) continue;
    kept.sort();
    used = count;
    limit = kept[count - 1] ?? limit;
  }
  return kept.subarray(0, used).sort().subarray(0, count);
}
