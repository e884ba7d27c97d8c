import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byChance, byPreference, shuffled } from './shuffle.ts';

test('shuffling loses and invents nothing; spares come last', () => {
  const item = fc.record({ id: fc.nat(), weight: fc.nat(5), preference: fc.nat(3) });
  fc.assert(
    fc.property(
      fc.array(item, { maxLength: 30 }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
      (items, chance) => {
        const random = { fraction: () => chance.next().value ?? 0 };
        const ids = (list: readonly { id: number }[]): number[] => list.map(({ id }) => id).sort((a, b) => a - b);
        const drawn = byChance(items, ({ weight }) => weight, random);
        assert.deepEqual(ids(drawn), ids(items));
        assert.deepEqual(ids(shuffled(items, random)), ids(items));
        const spare = drawn.findIndex(({ weight }) => weight === 0);
        assert.ok(spare === -1 || drawn.slice(spare).every(({ weight }) => weight === 0));
        const ordered = byPreference(items, (group) => group);
        assert.ok(
          ordered.every(({ preference }, index) => index === 0 || (ordered[index - 1]?.preference ?? 0) <= preference),
        );
      },
    ),
  );
});
