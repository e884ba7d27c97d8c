import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventRecord } from '../events/render.ts';
import { RecentEvents, recentEventsMax, withoutTwins } from './recent-events.ts';

const event = (atMs: number, process = 'supervisor'): EventRecord => ({
  atMs,
  number: 1002,
  name: 'service.starting',
  severity: 'information',
  category: 'life-cycle',
  process,
  data: { path: '/etc/ims.yaml' },
});

test('a process keeps its last events and no more', () => {
  const recent = new RecentEvents();
  for (let i = 0; i < recentEventsMax * 5 + 3; i += 1) recent.write(event(i));
  const kept = recent.all();
  assert.deepEqual([kept.length, kept.at(-1)?.atMs], [recentEventsMax, recentEventsMax * 5 + 2]);
});

test('an event that is in a log and in memory is listed once', () => {
  const both = withoutTwins([event(2), event(1), event(2), event(2, 'worker 0')]);
  assert.deepEqual(
    both.map(({ atMs, process }) => [atMs, process]),
    [
      [1, 'supervisor'],
      [2, 'supervisor'],
      [2, 'worker 0'],
    ],
  );
});
