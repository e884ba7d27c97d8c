import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Storing } from './storing.ts';

test('what keeps large messages from being stored is told once, however many small ones are stored between, until a large one is', () => {
  const storing = new Storing();
  assert.equal(storing.failed('EFBIG', 200_000), true);
  storing.stored(300);
  assert.equal(storing.failed('EFBIG', 150_000), false);
  storing.stored(100_000);
  assert.equal(storing.failed('EFBIG', 400_000), false);
  assert.equal(storing.failed('EIO', 300), true, 'another cause is another condition');
  storing.stored(150_000);
  assert.equal(storing.failed('EFBIG', 200_000), true, 'it was over');
});
