import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryJournal } from '../../../test/support/claims.ts';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import type { Child, ChildEnd } from '../../world/ports/children.ts';
import { ChildSlot } from './child-slot.ts';
import { limits } from './limits.ts';

test('Q234065: a child that says nothing for too long hangs: it is told once, ended, and started again', () => {
  const clock = new ManualClock();
  const journal = memoryJournal();
  const killed: string[] = [];
  const ends: ((end: ChildEnd) => void)[] = [];
  const fork = (): Child => ({
    pid: 100 + ends.length,
    send: () => true,
    onMessage: () => undefined,
    onEnd: (listener) => void ends.push(listener),
    kill: (signal) => {
      killed.push(signal);
      ends.at(-1)?.({ code: undefined, signal });
    },
  });
  const slot = new ChildSlot({
    role: 'worker',
    index: 0,
    clock,
    journal,
    fork,
    brief: () => ({ kind: 'stop', graceMs: 0 }),
    onReady: () => undefined,
    onChanged: () => undefined,
    onCall: async () => undefined,
    onPrepared: () => undefined,
  });
  slot.start('clean');
  clock.advance(limits.silentMs - 1000);
  assert.deepEqual(journal.names, []);
  clock.advance(10_000);
  assert.deepEqual(killed, ['SIGABRT']);
  assert.equal(journal.names.filter((name) => name === 'supervisor.child-hung').length, 1);
  assert.equal(ends.length, 2);
});
