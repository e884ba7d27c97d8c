import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { retryWait } from './retry-curve.ts';

const MINUTE = 60_000;
const curve = { first: 5 * MINUTE, factor: 2, longest: 240 * MINUTE, expiry: 7200 * MINUTE, delayNotice: 240 * MINUTE };

test('waits double from the first to the longest', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 20].map((attempts) => retryWait(curve, attempts, 0, 0.5) / MINUTE),
    [5, 10, 20, 40, 240],
  );
});

test('the curve is monotone and bounded, and jitter stays within its share', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (attempts, fraction) => {
        const plain = retryWait(curve, attempts, 0, 0);
        assert.ok(plain <= retryWait(curve, attempts + 1, 0, 0));
        assert.ok(plain <= curve.longest);
        const wait = retryWait(curve, attempts, 0.1, fraction);
        assert.ok(wait >= plain * 0.9 - 1 && wait <= plain * 1.1 + 1);
      },
    ),
  );
});
