import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { appendFile, mkdtemp, readdir, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { testConfiguration } from '../../support/configurations.ts';
import { type LedgerSink, startLedgerSink } from '../../support/ledger-sink.ts';
import { until } from '../../support/processes.ts';
import { greeted, sendOne } from '../../support/said.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const MB = 1024 ** 2;
const notRoot = process.getuid?.() === 0 ? false : 'needs root to mount a file system';

const freeBytes = (path: string): number => {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
};

let mounted: string | undefined;
let sink: LedgerSink;
let service: TestService;
let port: number;

before(async () => {
  if (notRoot !== false) return;
  const at = await mkdtemp(join(tmpdir(), 'ims-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400m', 'tmpfs', at]);
  mounted = at;
  sink = await startLedgerSink();
  port = await freePort();
  service = await startService(() =>
    testConfiguration({
      directory: at,
      ports: { mx: port },
      workers: 1,
      more: `queue: { spaceFloor: 100MB, spaceResume: 120MB }
policy: { localNetworks: [127.0.0.0/8] }
routing:
  smartHosts: { sink: { hosts: [{ host: 127.0.0.1, port: ${sink.port} }], tls: none } }
  addressSpaces: [{ match: '*', via: sink }]
scheduler: { normal: { first: 1s, longest: 2s } }
`,
    }),
  );
});
after(async () => {
  if (mounted === undefined) return;
  await service.remove();
  await sink.close();
  execFileSync('umount', [mounted]);
  await rm(mounted, { recursive: true, force: true });
});

test('below the floor mail is refused with 452, outcomes are still recorded, and acceptance resumes by itself', {
  timeout: 90_000,
  skip: notRoot,
}, async () => {
  const at = mounted ?? '';
  await sendOne(port, 'first@far.test');
  await until('the first', () => sink.arrivals.get('first@far.test') === 1);
  const ballast = join(at, 'ballast');
  // The queue makes segments ready meanwhile: what is free is looked at before each piece.
  for (let free = freeBytes(at); free > 90 * MB; free = freeBytes(at))
    await appendFile(ballast, Buffer.alloc(Math.min(free - 89 * MB, 8 * MB)));
  const low = await service.seen(3018, 15_000);
  assert.equal(low.data['floor'], 100 * MB);
  const line = await greeted(port);
  const answers: string[] = [];
  for (const command of ['MAIL FROM:<sender@client.test>', 'RCPT TO:<alice@example.test>', 'DATA']) {
    line.send(`${command}\r\n`);
    const reply = await line.reply();
    answers.push(reply);
    if (!/^[23]/.test(reply)) break;
  }
  assert.match(answers.at(-1) ?? '', /^452 4\.3\.1 /, answers.join(''));
  line.close();
  await unlink(ballast);
  await service.seen(3019, 15_000);
  await sendOne(port, 'second@far.test');
  await until('the second', () => sink.arrivals.get('second@far.test') === 1);
});

test('on a disk that is full to the last octet, what was accepted is delivered once and recorded', {
  timeout: 90_000,
  skip: notRoot,
}, async () => {
  const at = mounted ?? '';
  const held = 20;
  // They wait while their next hop is closed, and are delivered while the disk is full.
  const before = sink.total;
  await service.ims('queue', 'list');
  for (let n = 0; n < held; n += 1) await sendOne(port, `full${n}@far.test`);
  const ballasts: string[] = [];
  for (const size of [64 * MB, MB, 4096]) {
    for (;;) {
      const path = join(at, `ballast-${ballasts.length}`);
      ballasts.push(path);
      const done = await writeFile(path, Buffer.alloc(size)).then(
        () => true,
        () => false,
      );
      if (!done || ballasts.length > 400) break;
    }
  }
  await until('all of them', () => sink.total - before >= held, 20_000);
  await service.stop();
  for (const path of ballasts) await unlink(path).catch(() => undefined);
  await service.restart();
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  for (let n = 0; n < held; n += 1) assert.equal(sink.arrivals.get(`full${n}@far.test`), 1, `full${n}`);
  assert.deepEqual(await readdir(join(at, 'data/mail')).catch(() => []), []);
});
