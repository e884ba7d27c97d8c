import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import type { ListenHandle } from '../../world/ports/network.ts';
import { KeptPlace, placeLimits } from './kept-place.ts';

/** A place keeper over sockets that `busy` takes away, and what it did. */
function stage() {
  const clock = new ManualClock();
  const busy = new Set<string>();
  const did: string[] = [];
  const open = new Set<string>();
  const place = new KeptPlace({
    world: {
      clock,
      network: { dial: () => Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })) },
      disk: {
        entry: async () => ({ kind: 'other', sizeBytes: 0, mode: 0, modifiedMs: 0, inode: 0, device: 0 }),
        unlink: async (path) => void did.push(`removed ${path}`),
      },
    },
    async socket(at) {
      if (at !== undefined && busy.has(at)) throw Object.assign(new Error(at), { code: 'EADDRINUSE' });
      return at === undefined ? undefined : ({ at } as ListenHandle);
    },
    async serve(handle) {
      const { at } = handle as { at: string };
      open.add(at);
      return { close: async () => void open.delete(at) };
    },
    served: (at, again) => void did.push(`served ${at}${again ? ' again' : ''}`),
    failed: (at, cause, changed) => void did.push(`failed ${at} ${cause}${changed ? '' : ' as before'}`),
    gone: () => void did.push('gone'),
  });
  const settle = async (): Promise<void> => {
    for (let n = 0; n < 20; n += 1) await new Promise(setImmediate);
  };
  return { clock, busy, did, open, place, settle };
}

test('a place that is taken is tried until it is free', async () => {
  const { clock, busy, did, place, settle } = stage();
  busy.add('127.0.0.1:1');
  await place.use('127.0.0.1:1');
  clock.advance(placeLimits.retryMs);
  await settle();
  busy.clear();
  clock.advance(placeLimits.retryMs);
  await settle();
  assert.deepEqual(did, [
    'failed 127.0.0.1:1 EADDRINUSE',
    'failed 127.0.0.1:1 EADDRINUSE as before',
    'served 127.0.0.1:1 again',
  ]);
});

test('of places that are named in quick succession only the last is served', async () => {
  const { open, did, place, settle } = stage();
  for (const at of ['127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:1', '127.0.0.1:3']) void place.use(at);
  await settle();
  assert.deepEqual([...open], ['127.0.0.1:3']);
  await place.use(undefined);
  await settle();
  assert.deepEqual([...open], []);
  assert.equal(did.at(-1), 'gone');
});

test('a socket that a killed process left is removed, and what is no place of this host is never tried', async () => {
  const { did, open, place } = stage();
  await place.use('/run/ims/console');
  assert.deepEqual(did, ['removed /run/ims/console', 'served /run/ims/console']);
  await place.use('0.0.0.0:8026');
  assert.match(did.at(-1) ?? '', /^failed 0\.0\.0\.0:8026 it is no loopback address/);
  assert.deepEqual([...open], []);
});
