import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { WrittenLater } from './written-later.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('files for which there is no space are written in their order when there is', async () => {
  const clock = new ManualClock();
  const later = new WrittenLater(clock);
  const written: string[] = [];
  let full = true;
  const write = (name: string) => async (): Promise<void> => {
    if (full) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    written.push(name);
  };
  await later.written(write('first'));
  full = false;
  await later.written(write('second'));
  assert.deepEqual(written, []);
  clock.advance(60_000);
  await turn();
  await later.written(write('third'));
  assert.deepEqual(written, ['first', 'second', 'third']);
});

test('a file that cannot be written for another reason is a failure at once', async () => {
  const later = new WrittenLater(new ManualClock());
  const denied = Object.assign(new Error('denied'), { code: 'EACCES' });
  await assert.rejects(
    later.written(() => Promise.reject(denied)),
    denied,
  );
});
