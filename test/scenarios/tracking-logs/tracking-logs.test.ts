import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, readdir, rm, stat, truncate, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { TimelineEntry } from '../../../src/mail/timeline.ts';
import type { EventRecord } from '../../../src/events/render.ts';
import { followEvents, listEvents, openEventLog } from '../../../src/operate/journal/event-log.ts';
import { createJournal } from '../../../src/operate/journal/journal.ts';
import {
  ENTRY_RECIPIENTS_MAX,
  LINE_BYTES_MAX,
  PENDING_BYTES_MAX,
  RETRY_MS,
} from '../../../src/operate/tracking/limits.ts';
import { openLineLog } from '../../../src/operate/tracking/log-writer.ts';
import { searchTimelines } from '../../../src/operate/tracking/search.ts';
import { retain } from '../../../src/operate/tracking/segments.ts';
import { type TimelineLog, openTimelineLog } from '../../../src/operate/tracking/timeline-log.ts';
import { renderTrace } from '../../../src/operate/tracking/trace.ts';
import { nodeClock } from '../../../src/world/node/clock.ts';
import { nodeDisk } from '../../../src/world/node/disk.ts';
import type { Disk } from '../../../src/world/ports/disk.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const AT = 1_700_000_000_000;
const settings = { retention: 30 * 86_400_000, sizeMax: 64 * 1024 ** 2 };
let directory = '';
let events: string[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ims-tracking-'));
  events = [];
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function open(shard: number, more: { segmentBytes?: number; disk?: Disk } = {}): TimelineLog {
  const { disk = nodeDisk, ...rest } = more;
  const journal = { emit: (name: string) => void events.push(name) };
  return openTimelineLog({
    world: { disk, clock: nodeClock },
    directory: join(directory, String(shard)),
    settings,
    journal,
    ...rest,
  });
}

const received = (queueId: string, atMs: number, recipients = [`bob-${queueId}@Example.com`]): TimelineEntry => ({
  atMs,
  queueId,
  what: 'received',
  messageId: `${queueId}@example.test`,
  sender: 'alice@example.test',
  recipients,
  client: '192.0.2.7',
  protocol: 'ESMTPS',
  sizeBytes: 4096,
  nextHops: ['mx:example.com'],
});
const attempt = (queueId: string, atMs: number): TimelineEntry => ({
  atMs,
  queueId,
  what: 'attempt',
  nextHop: 'mx:example.com',
  attempt: 1,
  remote: 'mx.example.com [192.0.2.1]',
  durationMs: 12,
  outcomes: [
    { recipient: 'bob@example.com', kind: 'failed', reply: { code: 550, detail: '1.1', text: ['no \x1b[2J'] } },
  ],
});
const ended = (queueId: string, atMs: number): TimelineEntry => ({ atMs, queueId, what: 'ended' });

const search = (query: Parameters<typeof searchTimelines>[0]['query'], most = 100) =>
  searchTimelines({ disk: nodeDisk, directories: ['0', '1', '2'].map((shard) => join(directory, shard)), query, most });

test('a life is found by queue-id, message-id and address over two workers, with its report, while they write', async () => {
  const [zero, one] = [open(0), open(1)];
  zero.add(received('0-1', AT));
  zero.add(attempt('0-1', AT + 1));
  zero.add({
    atMs: AT + 2,
    queueId: '0-1',
    what: 'report',
    kind: 'failed',
    reportId: '0-2',
    recipients: ['bob@example.com'],
  });
  zero.add({ ...received('0-2', AT + 3, ['alice@example.test']), sender: '' } as TimelineEntry);
  zero.add(ended('0-1', AT + 4));
  one.add(received('1-1', AT + 5));
  // A shard adopted by another worker goes on in that worker's log.
  one.add(ended('0-2', AT + 6));
  await Promise.all([zero.flush(), one.flush()]);
  const byId = await search({ queueId: '0-1' });
  assert.deepEqual(
    byId.map((m) => [m.queueId, m.entries.map((e) => e.what)]),
    [
      ['0-1', ['received', 'attempt', 'report', 'ended']],
      ['0-2', ['received', 'ended']],
    ],
  );
  assert.deepEqual(await search({ messageId: '<0-1@example.test>' }), byId);
  assert.deepEqual(await search({ address: 'BOB-0-1@example.com' }), byId);
  assert.deepEqual(
    (await search({ address: 'alice@example.test' })).map((m) => m.queueId),
    ['0-1', '0-2', '1-1'],
  );
  assert.deepEqual(
    (await search({ address: 'alice@example.test' }, 1)).map((m) => m.queueId),
    ['1-1'],
  );
  assert.deepEqual(await search({ queueId: '9-9' }), []);
  const trace = renderTrace(byId);
  assert.match(trace, /failed bob@example\.com: 550 5\.1\.1 no {2}\[2J/);
  assert.match(trace, /report of kind "failed" sent to the sender as 0-2/);
  assert.doesNotMatch(trace, /\x1b/);
  await Promise.all([zero.close(), one.close()]);
});

test('a crash leaves a torn tail and an index that is behind: what was written whole is found, and the log goes on', async () => {
  const first = open(0);
  for (let i = 0; i < 50; i += 1) first.add(received(`0-${i}`, AT + i));
  await first.flush();
  await first.close();
  const index = join(directory, '0', '00000001.index');
  await truncate(index, (await stat(index)).size - 8 * 20 - 3);
  await appendFile(join(directory, '0', '00000001.log'), '{"atMs":1,"queueId":"0-torn","what":"rec');
  const second = open(0);
  second.add(ended('0-49', AT + 100));
  await second.flush();
  for (const id of ['0-0', '0-44', '0-45', '0-48'])
    assert.equal((await search({ queueId: id }))[0]?.entries.length, 1, id);
  assert.deepEqual(
    (await search({ queueId: '0-49' }))[0]?.entries.map((e) => e.what),
    ['received', 'ended'],
  );
  assert.deepEqual(await search({ queueId: '0-torn' }), []);
  await second.close();
  await rm(index);
  assert.equal((await search({ messageId: '0-7@example.test' })).length, 1);
});

test('segments are closed at their size, found in all, and dropped by age and by size', async () => {
  const log = open(0, { segmentBytes: 2000 });
  for (let i = 0; i < 40; i += 1) {
    log.add(received(`0-${i}`, AT + i));
    await log.flush();
  }
  await log.close();
  const logs = (await readdir(join(directory, '0'))).filter((name) => name.endsWith('.log'));
  assert.ok(logs.length >= 4);
  assert.equal((await search({ address: 'alice@example.test' })).length, 40);
  const old = new Date(1000);
  await utimes(join(directory, '0', '00000001.log'), old, old);
  assert.equal(
    await retain(nodeDisk, join(directory, '0'), { ageMaxMs: 86_400_000, bytesMax: 1e9 }, nodeClock.wall()),
    1,
  );
  assert.equal(
    await retain(nodeDisk, join(directory, '0'), { ageMaxMs: 86_400_000, bytesMax: 5000 }, nodeClock.wall()),
    logs.length - 3,
  );
  assert.deepEqual((await readdir(join(directory, '0'))).length, 4);
});

test('a message with very many recipients is found by the last of them', async () => {
  const log = open(0);
  const many = Array.from({ length: ENTRY_RECIPIENTS_MAX * 3 + 1 }, (_, i) => `r${i}@example.com`);
  log.add(received('0-1', AT, many));
  await log.flush();
  assert.equal((await search({ address: many.at(-1) ?? '' }))[0]?.entries.length, 4);
  await log.close();
});

/** A disk on which nothing can be written while `isFull` says so. */
const fullWhen = (isFull: () => boolean): Disk => ({
  ...nodeDisk,
  async open(path, how, mode) {
    const file = await nodeDisk.open(path, how, mode);
    const writev = file.writev.bind(file);
    file.writev = (buffers, position) =>
      isFull() ? Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })) : writev(buffers, position);
    return file;
  },
});

test('a disk that fails costs entries and one event, and writing goes on in a new segment', async () => {
  let broken = false;
  const disk = fullWhen(() => broken);
  const log = open(0, { disk });
  log.add(received('0-1', AT));
  await log.flush();
  broken = true;
  for (const id of ['0-2', '0-3']) {
    log.add(received(id, AT));
    await log.flush();
  }
  broken = false;
  log.add(received('0-4', AT));
  await log.flush();
  assert.deepEqual(events, ['journal.log-failing', 'journal.log-restored']);
  assert.equal(log.lost, 2);
  assert.deepEqual(
    (await search({ address: 'alice@example.test' })).map((m) => m.queueId),
    ['0-1', '0-4'],
  );
  await log.close();
});

test('a disk that stays full is told once: an empty file that can be made there is no sign that it is over', async () => {
  let full = true;
  const disk = fullWhen(() => full);
  const clock = new ManualClock();
  const told: string[] = [];
  const own = join(directory, 'full');
  const log = openLineLog({
    disk,
    clock,
    directory: own,
    retention: { ageMaxMs: 1e9, bytesMax: 1e9 },
    onFailing: () => told.push('failing'),
    onRestored: () => told.push('restored'),
  });
  log.append('one', []);
  await log.flush();
  for (let tries = 0; tries < 3; tries += 1) {
    clock.advance(RETRY_MS);
    await log.flush();
  }
  assert.deepEqual(told, ['failing']);
  full = false;
  clock.advance(RETRY_MS);
  await log.flush();
  assert.deepEqual(told, ['failing', 'restored']);
  await log.close();
  assert.equal((await readdir(own)).filter((name) => name.endsWith('.log')).length, 1);
});

test('memory is bounded: lines too long and lines beyond what may wait are counted, not kept', async () => {
  const log = openLineLog({
    disk: nodeDisk,
    clock: nodeClock,
    directory,
    retention: { ageMaxMs: 1e9, bytesMax: 1e9 },
    onFailing: () => {},
    onRestored: () => {},
  });
  log.append('x'.repeat(LINE_BYTES_MAX + 1), ['k']);
  assert.equal(log.lost, 1);
  const line = 'y'.repeat(LINE_BYTES_MAX);
  const fitting = Math.ceil(PENDING_BYTES_MAX / LINE_BYTES_MAX);
  // One batch may be on its way to the disk beside those that wait.
  for (let i = 0; i < 2 * fitting + 10; i += 1) log.append(line, ['k']);
  assert.ok(log.lost > 5 && log.lost < 2 * fitting);
  await log.close();
});

test('events of several processes are listed by number and time, and followed', async () => {
  const seen: EventRecord[] = [];
  const processes = ['worker-0', 'worker-1'].map((name, shard) => {
    const path = join(directory, name);
    const log = openEventLog({
      world: { disk: nodeDisk, clock: nodeClock },
      directory: path,
      settings,
      journal: () => journal,
    });
    let wall = AT + shard;
    const journal = createJournal({
      clock: { wall: () => (wall += 2) },
      process: { role: 'worker', shard },
      levels: {},
      writers: [log],
    });
    return { path, log, journal };
  });
  const directories = processes.map((p) => p.path);
  const flush = () => Promise.all(processes.map((p) => p.log.flush()));
  for (const { journal } of processes) {
    journal.emit('storage.space-low', { path: '/q', free: 1, floor: 2, resume: 3 });
    journal.emit('storage.space-enough', { path: '/q', free: 5 });
  }
  await flush();
  const sources = { disk: nodeDisk, directories };
  assert.deepEqual(
    (await listEvents(sources, {}, 10)).map((e) => [e.number, e.process]),
    [
      [3018, 'worker 0'],
      [3018, 'worker 1'],
      [3019, 'worker 0'],
      [3019, 'worker 1'],
    ],
  );
  assert.deepEqual(
    (await listEvents(sources, { number: 3019 }, 1)).map((e) => e.process),
    ['worker 1'],
  );
  assert.equal((await listEvents(sources, { name: 'storage.space-low', sinceMs: AT + 3 }, 10)).length, 1);
  const looks: (() => void)[] = [];
  const after = (_ms: number, fn: () => void) => {
    looks.push(fn);
    return { cancel: () => {} };
  };
  const clock = { ...nodeClock, after };
  let found: () => void = () => {};
  const arrived = new Promise<void>((resolve) => (found = resolve));
  const following = await followEvents(
    { ...sources, clock },
    { number: 3018 },
    (event) => {
      seen.push(event);
      found();
    },
    (error) => assert.fail(String(error)),
  );
  processes[1]?.journal.emit('storage.space-low', { path: '/new', free: 1, floor: 2, resume: 3 });
  await flush();
  looks.shift()?.();
  await arrived;
  following.stop();
  assert.deepEqual(
    seen.map((e) => e.data['path']),
    ['/new'],
  );
  await Promise.all(processes.map((p) => p.log.close()));
  assert.match(
    await readFile(join(directories[0] ?? '', '00000001.log'), 'utf8'),
    /^\{"time":"2023-11-14T22:13:20\.002Z","event":3018,/,
  );
});
