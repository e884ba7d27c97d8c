import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whenDescriptor } from './short-lived.ts';

const short = (): Error => Object.assign(new Error('too many open files'), { code: 'EMFILE' });

test('a call without a descriptor is made again, one that fails otherwise is not', async () => {
  let calls = 0;
  const opened = await whenDescriptor(async () => {
    calls += 1;
    if (calls < 3) throw short();
    return 'opened';
  });
  assert.deepEqual([opened, calls], ['opened', 3]);
  const denied = Object.assign(new Error('denied'), { code: 'EACCES' });
  await assert.rejects(
    whenDescriptor(() => Promise.reject(denied)),
    denied,
  );
});
