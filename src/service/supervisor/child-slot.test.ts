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
  const words: ((message: unknown) => void)[] = [];
  let takes = 'SIGABRT';
  const fork = (): Child => ({
    pid: 100 + ends.length,
    send: () => true,
    onMessage: (listener) => void words.push(listener),
    onEnd: (listener) => void ends.push(listener),
    kill: (signal) => {
      killed.push(signal);
      if (signal === takes) ends.at(-1)?.({ code: undefined, signal });
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
    whyFailing: async () => '',
    onCall: async () => undefined,
    onPrepared: () => undefined,
  });
  slot.start('clean');
  words.at(-1)?.({ kind: 'alive' });
  clock.advance(limits.silentMs - 1000);
  assert.deepEqual(journal.names, []);
  clock.advance(10_000);
  assert.deepEqual(killed, ['SIGABRT']);
  assert.equal(journal.names.filter((name) => name === 'supervisor.child-hung').length, 1);
  assert.equal(ends.length, 2);
  takes = 'SIGKILL';
  // This one has not said a word.
  clock.advance(limits.firstWordMs - limits.watchMs);
  assert.deepEqual(killed.slice(1), []);
  clock.advance(4 * limits.watchMs);
  assert.deepEqual(killed.slice(1), ['SIGABRT', 'SIGKILL'], 'one that was stopped from outside takes no other');
  assert.equal(journal.names.filter((name) => name === 'supervisor.child-hung').length, 2, 'once for each');
});

test('a child that cannot be started at all is told with the code of the system', async () => {
  const told: unknown[] = [];
  const asked: string[] = [];
  const ends: ((end: ChildEnd) => void)[] = [];
  const clock = new ManualClock();
  const slot = new ChildSlot({
    role: 'worker',
    index: 0,
    clock,
    journal: { emit: (name, data) => void told.push([name, 'how' in data ? data.how : '']) },
    fork: () => ({
      pid: -1,
      send: () => false,
      onMessage: () => undefined,
      onEnd: (listener) => void ends.push(listener),
      kill: () => undefined,
    }),
    brief: () => ({ kind: 'stop', graceMs: 0 }),
    onReady: () => undefined,
    onChanged: () => undefined,
    whyFailing: async (how) => {
      asked.push(how);
      return 'none is allowed';
    },
    onCall: async () => undefined,
    onPrepared: () => undefined,
  });
  slot.start('clean');
  for (let times = 1; times <= limits.unreadyEndsMax + 1; times += 1) {
    ends.at(-1)?.({ code: 1, signal: undefined, errno: 'EAGAIN' });
    await Promise.resolve();
    clock.advance(limits.restartWaitsMs.at(-1) ?? 0);
  }
  assert.deepEqual(told, [
    ['supervisor.child-ended', 'EAGAIN'],
    ['supervisor.child-failing', 'EAGAIN'],
  ]);
  assert.deepEqual(asked, ['EAGAIN']);
});

test('a child that ends again and again is told end by end while it works in between, then once as lasting, until it lives', async () => {
  const clock = new ManualClock();
  const journal = memoryJournal();
  const ends: ((end: ChildEnd) => void)[] = [];
  const says: ((message: unknown) => void)[] = [];
  const slot = new ChildSlot({
    role: 'worker',
    index: 0,
    clock,
    journal,
    fork: () => ({
      pid: 100,
      send: () => true,
      onMessage: (listener) => void says.push(listener),
      onEnd: (listener) => void ends.push(listener),
      kill: () => undefined,
    }),
    brief: () => ({ kind: 'stop', graceMs: 0 }),
    onReady: () => undefined,
    onChanged: () => undefined,
    whyFailing: async () => 'no memory is left',
    onCall: async () => undefined,
    onPrepared: () => undefined,
  });
  slot.start('clean');
  for (let times = 1; times <= limits.endsMax + 3; times += 1) {
    says.at(-1)?.({ kind: 'ready' });
    ends.at(-1)?.({ code: undefined, signal: 'SIGKILL' });
    await Promise.resolve();
    clock.advance(limits.restartWaitsMs.at(-1) ?? 0);
  }
  const ended = Array.from({ length: limits.endsMax - 1 }, () => 'supervisor.child-ended' as const);
  assert.deepEqual(journal.names, [...ended, 'supervisor.child-failing']);
  assert.equal(slot.failing, 'it ends again and again (SIGKILL): no memory is left');
  says.at(-1)?.({ kind: 'ready' });
  assert.equal(journal.names.length, limits.endsMax, 'that it is there again says nothing yet');
  for (let ms = 0; ms < limits.steadyMs; ms += 1_000) {
    says.at(-1)?.({ kind: 'alive' });
    clock.advance(1_000);
  }
  assert.equal(journal.names.at(-1), 'supervisor.child-lives');
  assert.equal(slot.failing, undefined);
});
