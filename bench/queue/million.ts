/**
 * A queue of a million deliveries of 4 KB: memory, restart, a page of the list.
 * node --expose-gc dist/bench/queue/million.js fill|open DIRECTORY [count]
 */
import { openLogQueue } from '../../src/flow/queue/log/engine.ts';
import { nodeClock } from '../../src/world/node/clock.ts';
import { nodeDisk } from '../../src/world/node/disk.ts';

const [what = 'fill', directory = '/tmp/ims-million', howMany = '1000000'] = process.argv.slice(2);
const count = Number(howMany);
const rss = (): string => `${Math.round(process.memoryUsage().rss / 1024 ** 2)} MB`;
const started = performance.now();
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
console.log(`ready after ${Math.round(performance.now() - started)} ms`);
let worst = 0;
let last = performance.now();
const watch = setInterval(() => {
  worst = Math.max(worst, performance.now() - last - 5);
  last = performance.now();
}, 5);
await queue.recovered;
console.log(
  `recovered after ${Math.round(performance.now() - started)} ms, longest pause of the loop ${Math.round(worst)} ms, ${rss()}`,
);

if (what === 'fill') {
  const content = Buffer.alloc(4096, 'x');
  let made = 0;
  const produce = async (): Promise<void> => {
    while (made < count) {
      made += 1;
      const n = made;
      const now = Date.now();
      const draft = queue.begin();
      draft.write(Buffer.from(content));
      await draft.commit({
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
        deliveries: [
          {
            nextHop: `mx:d${n % 500}.example.com`,
            recipients: [{ mailbox: { localPart: `bob${n}`, domain: `d${n % 500}.example.com` } }],
          },
        ],
        class: 'normal',
        messageId: `${n}@example.test`,
        arrivedAtMs: now,
        expiresAtMs: now + 432_000_000,
        eightBit: false,
        dueAtMs: now + 3_600_000,
        held: false,
      });
    }
  };
  await Promise.all(Array.from({ length: 100 }, produce));
  console.log(`${count} committed after ${Math.round(performance.now() - started)} ms, ${rss()}`);
}
for (const options of [
  { offset: 0, most: 50, envelopes: true },
  { offset: 500_000, most: 50, envelopes: true },
]) {
  const before = performance.now();
  const page = await queue.list({}, options);
  console.log(`list from ${options.offset}: ${page.length} rows in ${Math.round(performance.now() - before)} ms`);
}
console.log(queue.counts());
globalThis.gc?.();
await new Promise((resolve) => setTimeout(resolve, 500));
console.log(`at rest ${rss()}`);
clearInterval(watch);
await queue.close();
