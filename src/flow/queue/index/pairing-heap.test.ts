import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PairingHeaps } from './pairing-heap.ts';

describe('pairing heaps', () => {
  it('give the rows in order, whatever was taken out meanwhile', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: 50 }), fc.boolean()), { maxLength: 80 }), (rows) => {
        const keys = [0, ...rows.map(([key]) => key)];
        const heaps = new PairingHeaps(keys.length, (a, b) => (keys[a] ?? 0) < (keys[b] ?? 0));
        let root = 0;
        const inside = new Set<number>();
        for (const [at, [, removeOne]] of rows.entries()) {
          root = heaps.insert(root, at + 1);
          inside.add(at + 1);
          if (!removeOne) continue;
          const victim = [...inside][(at * 7) % inside.size] ?? 0;
          root = heaps.remove(root, victim);
          inside.delete(victim);
        }
        const out: number[] = [];
        for (; root !== 0; root = heaps.pop(root)) out.push(keys[root] ?? 0);
        assert.deepEqual(
          out,
          [...inside].map((row) => keys[row] ?? 0).sort((a, b) => a - b),
        );
      }),
    );
  });
});
