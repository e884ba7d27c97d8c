import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addCountRecords, Counts, KeptCounts, samplesOf, seriesMax } from './counts.ts';
import { lookAtMetrics, type MetricsContext } from './look.ts';
import { metrics } from './table.ts';
import { labelBytesMax, metricsText } from './text.ts';

test('names follow the rules: a prefix, a unit at the end, _total for what only grows', () => {
  const names = new Set<string>();
  for (const { name, type, unit, help, labels } of metrics) {
    assert.match(name, /^ims_[a-z0-9_]+$/);
    assert.ok(!names.has(name), name);
    names.add(name);
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    if (unit !== '') assert.ok(name.replace(/_total$/, '').endsWith(`_${unit}`), name);
    assert.match(help, /^[A-Z1].*\.$/);
    for (const label of labels) assert.match(label, /^[a-z]+$/);
  }
});

test('what was counted comes out as it went in, with any text in a label', () => {
  const counts = new Counts();
  const why = 'a "quoted" \\ line\nand another';
  counts.of('ims_logins_refused_total', { why }).value += 2;
  counts.of('ims_logins_refused_total', { why }).value += 1;
  const samples = samplesOf(counts.all());
  assert.deepEqual(samples, [{ name: 'ims_logins_refused_total', labels: { why }, value: 3 }]);
  assert.match(metricsText(samples), /^ims_logins_refused_total\{why="a \\"quoted\\" \\\\ line\\nand another"\} 3$/m);
  assert.deepEqual(samplesOf({ 'ims_of_another_version\0x': 1, ims_logins_refused_total: 1 }), []);
});

test('a process has at most so many series, and a label at most so many octets', () => {
  const counts = new Counts();
  for (let n = 0; n <= seriesMax; n += 1) counts.of('ims_logins_refused_total', { why: String(n) }).value += 1;
  assert.equal(Object.keys(counts.all()).length, seriesMax);
  const text = metricsText([{ name: 'ims_ready', labels: { x: 'y'.repeat(labelBytesMax * 2) }, value: Number.NaN }]);
  assert.match(text, new RegExp(`^ims_ready\\{x="y{${labelBytesMax}}"\\} NaN$`, 'm'));
});

test('OpenMetrics names the family of a counter without _total, tells units, and ends', () => {
  const text = metricsText([{ name: 'ims_message_received_bytes_total', labels: {}, value: 5 }], 'openmetrics');
  assert.match(
    text,
    /^# UNIT ims_message_received_bytes bytes\n# TYPE ims_message_received_bytes counter\nims_message_received_bytes_total 5$/m,
  );
  assert.ok(text.endsWith('\n# EOF\n'));
});

test('counters of a process that ended stay in the sum', () => {
  const kept = new KeptCounts();
  kept.heard({ a: 1 });
  kept.heard({ a: 5, b: 1 });
  assert.deepEqual(kept.sum(), { a: 5, b: 1 });
  kept.ended();
  assert.deepEqual(kept.sum(), { a: 5, b: 1 });
  kept.heard({ a: 2 });
  assert.deepEqual(kept.sum(), { a: 7, b: 1 });
  assert.deepEqual(addCountRecords([kept.sum(), { c: 1 }]), { a: 7, b: 1, c: 1 });
});

const QUEUE = { messages: 3, deliveries: 4, held: 1, quarantined: 0, claimed: 1, bytes: 900, nextHops: 2 };

function context(
  workers: readonly Partial<Awaited<ReturnType<MetricsContext['supervisor']['measures']>>['workers'][number]>[],
): MetricsContext {
  const base = {
    worker: 0,
    lateMs: 2,
    open: { mx: 1 },
    counts: {},
    sessions: { open: 1, busy: 1, byProfile: { mx: 1, submission: 0, lmtp: 0 }, refused: 0, accepted: 1 },
    transports: [],
    queue: { ...QUEUE, oldestArrivalMs: 40_000 },
    attempts: 1,
    resting: 0,
  };
  return {
    clock: { wall: () => 100_000 } as MetricsContext['clock'],
    conditions: () => [],
    settings: () => ({ server: { data: '/data' } }) as unknown as ReturnType<MetricsContext['settings']>,
    disk: { space: async () => ({ freeBytes: 10, totalBytes: 20, freeInodes: 5 }) },
    supervisor: {
      measures: async () => ({ counts: {}, workers: workers.map((one) => ({ ...base, ...one })), silent: 0 }),
      status: async () => ({
        version: '1',
        verdict: '',
        parts: [],
        startedAtMs: 40_000,
        configurationFile: '',
        generation: 1,
        listeners: [],
        processes: [{ role: 'worker' as const, index: 0, pid: 1, state: 'running' as const, restarts: 2 }],
        degraded: [],
      }),
    } as unknown as MetricsContext['supervisor'],
  };
}

test('the queues of all workers are one: what waits, what is held, how old the oldest is', async () => {
  const samples = await lookAtMetrics(context([{}, { queue: { ...QUEUE, oldestArrivalMs: 10_000 } }]));
  const text = metricsText(samples);
  assert.match(text, /^ims_queue_messages 6$/m);
  assert.match(text, /^ims_queue_deliveries\{state="waiting"\} 4$/m);
  assert.match(text, /^ims_queue_deliveries\{state="held"\} 2$/m);
  assert.match(text, /^ims_queue_oldest_age_seconds 90$/m);
  assert.match(text, /^ims_uptime_seconds 60$/m);
  assert.match(text, /^ims_process_restarts_total\{process="worker 0"\} 2$/m);
  assert.match(text, /^ims_connections\{listener="mx"\} 2$/m);
  assert.match(text, /^ims_disk_free_bytes 10$/m);
});

test('a way that one worker finds paused is paused, with the words of the other side', async () => {
  const well = { kind: 'proxy' as const, name: 'out', state: 'well' as const, sinceMs: 5 };
  const paused = { ...well, state: 'paused' as const, sinceMs: 9, says: 'no', failedMs: 9_000 };
  const text = metricsText(await lookAtMetrics(context([{ transports: [well] }, { transports: [paused] }])));
  assert.match(text, /^ims_transport_up\{kind="proxy",name="out"\} 0$/m);
  assert.match(text, /^ims_transport_paused\{kind="proxy",name="out"\} 1$/m);
  assert.match(text, /^ims_transport_last_failure_timestamp_seconds\{kind="proxy",name="out"\} 9$/m);
});
