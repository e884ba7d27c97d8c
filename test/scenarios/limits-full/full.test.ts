import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { testConfiguration } from '../../support/configurations.ts';
import { type LedgerSink, startLedgerSink } from '../../support/ledger-sink.ts';
import { until } from '../../support/processes.ts';
import { greeted, sendOne } from '../../support/said.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const KB = 1024;
const MB = 1024 ** 2;
const skip = process.getuid?.() === 0 ? false : 'needs root to mount a file system';

let mounted: string | undefined;
let sink: LedgerSink | undefined;
let service: TestService | undefined;
afterEach(async () => {
  await service?.remove();
  await sink?.close();
  if (mounted !== undefined) {
    execFileSync('umount', ['-l', mounted]);
    await rm(mounted, { recursive: true, force: true });
  }
  [mounted, sink, service] = [undefined, undefined, undefined];
});

let fills = 0;

async function mount(size: string): Promise<string> {
  const at = await mkdtemp(join(tmpdir(), 'ims-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', at]);
  mounted = at;
  return at;
}

/** Leaves no octet free; returns the files that fill the disk. */
async function fill(at: string): Promise<string[]> {
  const files: string[] = [];
  fills += 1;
  for (const size of [16 * MB, 256 * KB, 4 * KB]) {
    for (let more = true; more; ) {
      const path = join(at, `ballast-${fills}-${files.length}`);
      files.push(path);
      more = await writeFile(path, Buffer.alloc(size)).then(
        () => true,
        () => false,
      );
    }
  }
  return files;
}

const empty = async (files: readonly string[]): Promise<void> => {
  for (const path of files) await unlink(path).catch(() => undefined);
};

/** What the first refused command of a transaction gets, else the last reply. */
async function answerTo(port: number): Promise<string> {
  const line = await greeted(port);
  let reply = '';
  for (const command of ['MAIL FROM:<sender@client.test>', 'RCPT TO:<alice@example.test>', 'DATA']) {
    line.send(`${command}\r\n`);
    reply = await line.reply();
    if (!/^[23]/.test(reply)) break;
  }
  line.close();
  return reply;
}

const yaml = (directory: string, port: number, more = ''): string =>
  testConfiguration({
    directory,
    ports: { mx: port },
    workers: 1,
    more: `queue: { spaceFloor: 4MB, spaceResume: 8MB }
policy: { localNetworks: [127.0.0.0/8] }
${more}`,
  });

test('a first start on a full disk: sessions are told 452, and mail is taken without a restart when there is space', {
  timeout: 60_000,
  skip,
}, async () => {
  const at = await mount('32m');
  const ballast = await fill(at);
  const port = await freePort();
  service = await startService(() => yaml(at, port));
  const { data } = await service.seen(4752);
  assert.match(String(data['cause']), /ENOSPC/);
  assert.match(await answerTo(port), /^452 4\.3\.1 /);
  const { stdout } = await service.ims('status');
  assert.match(stdout, /^No mail is accepted: .*ENOSPC/);
  await empty(ballast);
  await service.seen(2752, 15_000);
  await sendOne(port, 'alice@example.test');
  // Logs try again every few seconds.
  const running = service;
  await until('a status without it', async () => !/ENOSPC/.test((await running.ims('status')).stdout), 15_000);
});

test('a first start where not even a directory can be made: sessions are told 452, and mail is taken without a restart', {
  timeout: 60_000,
  skip,
}, async () => {
  const at = await mount('64m,nr_inodes=1');
  const port = await freePort();
  service = await startService(() => yaml(join(at, 'spool'), port));
  const { text } = await service.seen(4754);
  assert.match(text, /ENOSPC .*spool.* cannot be made or written; no mail is accepted until it can/);
  assert.match(await answerTo(port), /^452 4\.3\.1 /);
  const { stdout } = await service.ims('status');
  assert.match(stdout, /^No mail is accepted: storage: .*ENOSPC/);
  assert.match(stdout, /df -i .*make room/);
  execFileSync('mount', ['-o', 'remount,nr_inodes=10000', at]);
  await service.seen(2751, 15_000);
  const running = service;
  await until(
    'a status that is well',
    async () => /^Everything runs/.test((await running.ims('status')).stdout),
    20_000,
  );
  await sendOne(port, 'alice@example.test');
  const told = running.events.filter(({ event }) => event >= 3000).map(({ event }) => event);
  assert.equal(new Set(told).size, told.length, `each once: ${told.join(' ')}`);
});

test('a start on a disk that was filled meanwhile: what waits is delivered once, new mail gets 452 until there is space', {
  timeout: 90_000,
  skip,
}, async () => {
  const at = await mount('400m');
  const port = await freePort();
  const far = await freePort();
  service = await startService(() =>
    yaml(
      at,
      port,
      `routing:
  smartHosts: { sink: { hosts: [{ host: 127.0.0.1, port: ${far} }], tls: none } }
  addressSpaces: [{ match: '*', via: sink }]
scheduler: { normal: { first: 1s, longest: 2s }, breaker: { rest: 1s, longest: 2s } }
`,
    ),
  );
  for (let n = 0; n < 10; n += 1) await sendOne(port, `held${n}@far.test`);
  await service.stop();
  const ballast = await fill(at);
  await service.restart();
  // What a start removes leaves room: a segment that the stop cut short.
  ballast.push(...(await fill(at)));
  await service.seen(3018);
  assert.match(await answerTo(port), /^452 4\.3\.1 /);
  sink = await startLedgerSink(far);
  const { arrivals } = sink;
  await until('all of them', () => arrivals.size === 10, 20_000);
  service.kill('SIGKILL');
  await until('its end', async () => (await service?.workers())?.length === 0, 10_000);
  await service.restart();
  await empty(ballast);
  await service.seen(3019, 15_000);
  await sendOne(port, 'after@far.test');
  await until('the one after', () => arrivals.get('after@far.test') === 1);
  for (let n = 0; n < 10; n += 1) assert.equal(arrivals.get(`held${n}@far.test`), 1, `held${n}`);
});
