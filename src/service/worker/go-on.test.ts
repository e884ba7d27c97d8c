import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { letGoOn } from './go-on.ts';

test('mail whose attempt met a fault just before it was over goes on, too', () => {
  const clock = new ManualClock();
  const causes: string[] = [];
  const scheduler = { again: async (cause: string): Promise<void> => void causes.push(cause) };
  letGoOn(clock, [{ scheduler }], 'the proxy out ');
  assert.deepEqual(causes, ['the proxy out ']);
  clock.advance(5000);
  assert.deepEqual(causes, ['the proxy out ', 'the proxy out ']);
});
