/**
 * The durable cycle of the log engine: a producer commits a message, claims it, reads its content and records its delivery.
 * node dist/bench/queue/bench.js [producers] [seconds] [octets] [directory]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLogQueue } from '../../src/flow/queue/log/engine.ts';
import type { AttemptRecord, NewMessage } from '../../src/flow/queue/port.ts';
import { nodeClock } from '../../src/world/node/clock.ts';
import { nodeDisk } from '../../src/world/node/disk.ts';

const [producers = 100, seconds = 3, octets = 4096] = process.argv.slice(2, 5).map(Number);
const directory = mkdtempSync(join(process.argv[5] ?? tmpdir(), 'ims-bench-'));
const settings = { spaceFloor: 1, spaceResume: 1, freshCache: 32 * 1024 ** 2, messagesMax: 100_000_000 };
const queue = await openLogQueue({
  world: { clock: nodeClock, disk: nodeDisk },
  directory,
  shard: 0,
  settings,
  journal: { emit: (name, fields) => console.error(name, fields) },
  bodyMemoryMax: 128 * 1024 ** 2,
  previousEnd: 'clean',
});
await queue.recovered;

const content = Buffer.alloc(octets, 'x');
const message = (): NewMessage => {
  const now = Date.now();
  return {
    envelope: { reversePath: { localPart: 'alice', domain: 'example.test' }, body: '8bitmime', smtpUtf8: false },
    edits: [
      {
        at: 0,
        remove: 0,
        insert: Buffer.from(
          'Received: from client.example.test ([192.0.2.1]) by mx.example.test with ESMTP id 1; today\r\n',
        ),
      },
    ],
    deliveries: [{ nextHop: 'local', recipients: [{ mailbox: { localPart: 'bob', domain: 'example.test' } }] }],
    class: 'normal',
    messageId: 'f00f@example.test',
    arrivedAtMs: now,
    expiresAtMs: now + 432_000_000,
    eightBit: false,
    dueAtMs: now,
    held: false,
  };
};
const delivered: AttemptRecord = {
  outcomes: [{ index: 0, outcome: { kind: 'delivered', how: 'delivered', dsnPassed: false } }],
  nextDueMs: 0,
  delayReported: false,
  owed: [],
};

const end = performance.now() + seconds * 1000;
let cycles = 0;
const latencies: number[] = [];

async function produce(): Promise<void> {
  while (performance.now() < end) {
    const started = performance.now();
    const draft = queue.begin();
    draft.write(Buffer.from(content));
    await draft.commit(message());
    latencies.push(performance.now() - started);
    const [claim] = await queue.claim('local', Date.now(), 1);
    if (claim === undefined) throw new Error('nothing to claim');
    let read = claim.content.whole?.length ?? 0;
    if (read === 0) for await (const chunk of claim.content.chunks()) read += chunk.length;
    if (read !== claim.content.sizeBytes) throw new Error('content is short');
    // The end travels with the next commit.
    void queue.record(claim, delivered);
    cycles += 1;
  }
}

const cpu = process.cpuUsage();
await Promise.all(Array.from({ length: producers }, produce));
const used = process.cpuUsage(cpu);
latencies.sort((a, b) => a - b);
const at = (share: number): string => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(2);
console.log(
  `${producers} producers, ${octets} octets: ${Math.round(cycles / seconds)} cycles/s, commit p50 ${at(0.5)} ms p99 ${at(0.99)} ms, ` +
    `${((used.user + used.system) / 1000 / cycles).toFixed(4)} CPU ms per cycle`,
);
console.log('counts', queue.counts());
await queue.close();
rmSync(directory, { recursive: true });
