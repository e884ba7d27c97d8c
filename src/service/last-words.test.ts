import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryJournal } from '../../test/support/claims.ts';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { lastWords } from './last-words.ts';

function stage(flushes = true) {
  const journal = memoryJournal();
  const clock = new ManualClock();
  const done: string[] = [];
  const flush = async (): Promise<void> => void (flushes ? done.push('flushed') : await new Promise(() => undefined));
  const hear = lastWords(
    () => ({ journal, flush }),
    clock,
    () => void done.push('ended'),
  );
  return { journal, clock, done, hear };
}

test('an error that nobody caught is told before the process ends, and it ends once', async () => {
  const { journal, done, hear } = stage();
  hear('worker: unhandled rejection', new Error('broken'));
  hear('worker: uncaught exception', new Error('again'));
  await new Promise(setImmediate);
  assert.deepEqual(done, ['flushed', 'ended']);
  assert.deepEqual(journal.names, ['journal.unexpected-error', 'journal.unexpected-error']);
});

test('a connection that breaks behind our back is told and ends nothing', async () => {
  const { journal, done, hear } = stage();
  hear('worker', Object.assign(new Error('reset'), { code: 'ECONNRESET', syscall: 'read' }));
  await new Promise(setImmediate);
  assert.deepEqual(done, []);
  assert.equal(journal.names.length, 1);
  hear('worker', Object.assign(new Error('full'), { code: 'ENOSPC', syscall: 'write' }));
  await new Promise(setImmediate);
  assert.deepEqual(done, ['flushed', 'ended']);
});

test('events that cannot be written do not keep a broken process alive', async () => {
  const { clock, done, hear } = stage(false);
  hear('worker', new Error('broken'));
  await new Promise(setImmediate);
  clock.advance(1_000);
  assert.deepEqual(done, ['ended']);
});
