import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IdMap } from './id-map.ts';

describe('the map from ids to rows', () => {
  it('finds what is in it through growth and removal', () => {
    const ids = [0];
    const map = new IdMap((row) => ids[row] ?? 0);
    for (let row = 1; row <= 20_000; row += 1) {
      ids[row] = 2 ** 24 * (1 + (row % 3)) + row * 2;
      map.add(row, ids[row] ?? 0);
      if (row % 3 === 0) map.remove(ids[row - 1] ?? 0);
    }
    for (let row = 1; row <= 20_000; row += 1) {
      assert.equal(map.find(ids[row] ?? 0), (row + 1) % 3 === 0 && row < 20_000 ? 0 : row);
    }
    assert.equal(map.find(7), 0);
  });
});
