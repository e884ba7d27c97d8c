import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryJournal } from '../../../test/support/claims.ts';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import type { RunningJournal } from '../../operate/journal/journal.ts';
import { Board, partsMax } from './board.ts';
import { hearEvent, heardBy } from './from-events.ts';

test('a part keeps since when it is so, and changes are told once', () => {
  const clock = new ManualClock();
  let changes = 0;
  const board = new Board(clock);
  board.onChange(() => {
    changes += 1;
  });
  const failed = { part: 'storage', state: 'failed', event: 4752, cause: 'EROFS' } as const;
  board.set(failed);
  const since = board.get('storage')?.sinceMs;
  clock.advance(5_000);
  board.set(failed);
  board.set({ ...failed, cause: 'ENOSPC' });
  assert.deepEqual([board.get('storage')?.sinceMs, board.get('storage')?.cause, changes], [since, 'ENOSPC', 2]);
  board.set({ part: 'storage', state: 'running' });
  assert.equal(board.get('storage')?.sinceMs, (since ?? 0) + 5_000);
});

test('a board shows no more parts than its limit', () => {
  const board = new Board(new ManualClock());
  for (let i = 0; i < partsMax + 5; i += 1) board.set({ part: `part ${i}`, state: 'running' });
  assert.equal(board.all().length, partsMax);
});

test('what an event tells is the state of a part, with its number, its text and what looks deeper', () => {
  const board = new Board(new ManualClock());
  const memory = memoryJournal();
  const journal = heardBy(
    {
      ...memory,
      emit: (name, data) => memory.emit(name, data),
      wants: () => false,
      setLevels: () => undefined,
      add: () => () => undefined,
      failedWrites: 0,
    } satisfies RunningJournal,
    board,
    'queue of worker 0',
  );
  journal.emit('storage.write-failed', { path: '/srv/queue/0', errno: 'EIO' });
  journal.emit('names.unavailable', { servers: 1, reason: 'silent' });
  const [queue, resolver] = board.all();
  assert.deepEqual([queue?.part, queue?.state, queue?.event], ['queue of worker 0', 'failed', 4900]);
  assert.match(queue?.cause ?? '', /EIO/);
  assert.deepEqual([resolver?.state, resolver?.cure], ['failed', 'ims doctor --only names']);
  journal.emit('storage.works-again', { path: '/srv/queue/0' });
  journal.emit('names.server-answered', { server: '192.0.2.53' });
  journal.emit('names.available', { server: '192.0.2.53' });
  assert.deepEqual(
    board.all().map(({ state }) => state),
    ['running', 'running', 'running'],
  );
});

test('a name server that failed and is configured no longer is no trouble any more', () => {
  const board = new Board(new ManualClock());
  hearEvent(board, '', 'names.server-failed', { server: '192.0.2.53', reason: 'silent' });
  hearEvent(board, '', 'names.unavailable', { servers: 1, reason: 'silent' });
  hearEvent(board, '', 'names.server-dropped', { server: '192.0.2.53' });
  assert.ok(board.all().every(({ state }) => state === 'running'));
});
