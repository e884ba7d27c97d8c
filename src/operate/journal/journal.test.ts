import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventRecord } from '../../events/render.ts';
import type { Output } from '../../world/ports/output.ts';
import { createJournal } from './journal.ts';
import { WRITERS_MAX } from './limits.ts';
import { outputWriter } from './output-writer.ts';

const clock = { wall: () => 1_700_000_000_000 };
const dropped = { queueId: '0-1', recipient: 'bob@example.com', reason: '5.1.1' };

test('information is written by the level of its category, warnings always', () => {
  const seen: EventRecord[] = [];
  const journal = createJournal({
    clock,
    process: { role: 'worker', shard: 1 },
    levels: {},
    writers: [{ write: (e) => void seen.push(e) }],
  });
  journal.emit('reporting.undeliverable-report-dropped', dropped);
  assert.equal(seen.length, 0);
  journal.setLevels({ reporting: 'medium', storage: 'none' });
  journal.emit('reporting.undeliverable-report-dropped', dropped);
  journal.emit('journal.log-restored', { path: '/x', count: 1 });
  journal.emit('storage.space-enough', { path: '/q', free: 1 });
  assert.deepEqual(
    seen.map((e) => [e.number, e.process]),
    [
      [2500, 'worker 1'],
      [3019, 'worker 1'],
    ],
  );
});

test('a writer that throws stops neither the program nor the other writers; there are not too many of them', () => {
  const seen: EventRecord[] = [];
  const bad = {
    write: () => {
      throw new Error('defect');
    },
  };
  const journal = createJournal({
    clock,
    process: { role: 'operator' },
    levels: {},
    writers: [bad, { write: (e) => void seen.push(e) }],
  });
  journal.emit('storage.space-enough', { path: '/q', free: 1 });
  assert.equal(seen.length, 1);
  assert.equal(journal.failedWrites, 1);
  let followed = 0;
  const count = (): void => {
    followed += 1;
  };
  const removers = Array.from({ length: WRITERS_MAX + 5 }, () => journal.add({ write: count }));
  journal.emit('storage.space-enough', { path: '/q', free: 1 });
  assert.equal(followed, WRITERS_MAX - 2);
  for (const remove of removers) remove();
  journal.emit('storage.space-enough', { path: '/q', free: 1 });
  assert.equal(followed, WRITERS_MAX - 2);
});

test('what a slow reader did not get is told when there is room again', () => {
  const lines: string[] = [];
  let room = 1;
  let onRoom: (() => void) | undefined;
  const output: Output = {
    terminal: true,
    dropped: 0,
    line(text) {
      if (room === 0) {
        (this as { dropped: number }).dropped += 1;
        return false;
      }
      room -= 1;
      lines.push(text);
      return true;
    },
    onRoom(fn) {
      onRoom = fn;
    },
    flush: async () => {},
  };
  const journal = createJournal({ clock, process: { role: 'worker', shard: 0 }, levels: {}, writers: [] });
  journal.add(outputWriter(output, 'auto', 'standard output', () => journal));
  for (let i = 0; i < 4; i += 1) journal.emit('storage.space-enough', { path: '/q', free: i });
  assert.equal(lines.length, 1);
  onRoom?.();
  assert.equal(lines.length, 1);
  room = 5;
  onRoom?.();
  assert.match(lines[1] ?? '', /3510 WARNING worker 0: 4 events could not be written/);
});
