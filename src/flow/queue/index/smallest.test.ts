import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { smallest } from './smallest.ts';

describe('smallest', () => {
  it('is the beginning of the sorted numbers', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 1000 }), { maxLength: 800 }),
        fc.integer({ min: 1, max: 200 }),
        (numbers, count) => {
          const expected = [...numbers].sort((a, b) => a - b).slice(0, count);
          assert.deepEqual([...smallest(Float64Array.from(numbers), count)], expected);
        },
      ),
    );
  });
});
