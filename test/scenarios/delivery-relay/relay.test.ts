import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RelayCourier } from '../../../src/flow/delivery/smtp/courier.ts';
import type { Claim } from '../../../src/flow/queue/port.ts';
import type { RelayTerms, Route } from '../../../src/flow/routing/port.ts';
import { directDialer } from '../../../src/transport/dialer.ts';
import { nodeClock } from '../../../src/world/node/clock.ts';
import { nodeNetwork } from '../../../src/world/node/network.ts';
import { claimOf, memoryContent, memoryJournal } from '../../support/claims.ts';
import { needs, programPath } from '../../support/needs.ts';

const without = needs('smtp-sink');
const SINK = programPath('smtp-sink') ?? '';
const base = await mkdtemp(join(tmpdir(), 'ims-relay-'));
// As root it insists on another user, who must be able to write here.
const privileges = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
await chmod(base, 0o777);
const children: ChildProcess[] = [];
after(async () => {
  for (const child of children) child.kill();
  await rm(base, { recursive: true, force: true });
});

/** Runs smtp-sink at a free port or a path, and waits until it listens. */
async function sink(options: readonly string[], path?: string): Promise<{ address: string; port: number }> {
  const port = path === undefined ? await freePort() : 0;
  const child = spawn(
    SINK,
    [...privileges, ...options, path === undefined ? `127.0.0.1:${port}` : `unix:${path}`, '100'],
    { stdio: 'ignore', cwd: base },
  );
  children.push(child);
  for (let i = 0; i < 100; i++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = path === undefined ? net.connect(port, '127.0.0.1') : net.connect(path);
      socket.once('error', () => resolve(false));
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
    });
    if (open) return { address: path ?? '127.0.0.1', port };
    await sleep(20);
  }
  throw new Error('smtp-sink does not listen');
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

const minutes = 60_000;
const settings = {
  attemptsMax: 10,
  maildir: '',
  timeouts: {
    connect: minutes,
    greeting: minutes,
    mail: minutes,
    recipient: minutes,
    dataStart: minutes,
    dataBlock: minutes,
    dataEnd: minutes,
    idle: 2000,
  },
};
const TERMS: RelayTerms = {
  protocol: 'smtp',
  tls: 'opportunistic',
  greetingName: 'me.test',
  connectionsMax: 20,
  messagesPerConnectionMax: 100,
  recipientsPerTransactionMax: 100,
};

function courierTo(where: { address: string; port: number }, terms: Partial<RelayTerms> = {}) {
  const courier = new RelayCourier({
    world: { clock: nodeClock },
    dialer: directDialer(nodeNetwork),
    settings,
    journal: memoryJournal(),
  });
  after(() => courier.close());
  const route: Extract<Route, { kind: 'relay' }> = {
    kind: 'relay',
    hosts: [{ name: 'sink.test', addresses: [where.address], port: where.port }],
    terms: { ...TERMS, ...terms },
    reason: 'test',
  };
  return (claim: Claim) => courier.attempt(claim, route);
}

const FOUR_KB = `Subject: x\r\n\r\n${'0123456789abcdef.0123456789abcdef.0123456789abcdef.01234\r\n'.repeat(70)}`;
const delivered = (result: Awaited<ReturnType<ReturnType<typeof courierTo>>>): boolean =>
  result.outcomes.every(({ outcome }) => outcome.kind === 'delivered');

for (const [what, options] of [
  ['with PIPELINING', []],
  ['without PIPELINING', ['-p']],
  ['with HELO only', ['-e']],
  ['without 8BITMIME', ['-8']],
] as const) {
  test(`smtp-sink ${what}: 100 messages over 5 sessions`, { skip: without }, async () => {
    const attempt = courierTo(await sink(options));
    const runs = Array.from({ length: 5 }, async () => {
      for (let i = 0; i < 20; i++)
        assert.ok(delivered(await attempt(claimOf(['a@y.test', 'b@y.test'], memoryContent(FOUR_KB)))));
    });
    await Promise.all(runs);
  });
}

test('smtp-sink: content of 20 MB arrives as it left, with dots', { skip: without }, async () => {
  const file = join(base, 'dump');
  const attempt = courierTo(await sink(['-D', 'dump']));
  const body = '.a line that begins with a dot, and is repeated many times over\r\n'.repeat(300_000);
  assert.ok(
    delivered(await attempt(claimOf(['a@y.test'], memoryContent(`Subject: x\r\n\r\n${body}`, { streamed: true })))),
  );
  const dumped = (await readFile(file)).toString('latin1').replaceAll('\r\n', '\n');
  assert.ok(dumped.includes(body.replaceAll('\r\n', '\n')));
});

for (const [what, options, expected] of [
  ['4xx to RCPT', ['-r', 'RCPT'], 'deferred'],
  ['5xx to RCPT', ['-f', 'RCPT'], 'failed'],
  ['5xx to the end of data', ['-f', '.'], 'failed'],
  ['4xx to DATA', ['-r', 'DATA'], 'deferred'],
  ['a hang-up at the end of data', ['-q', '.'], 'deferred'],
  ['a 4xx greeting', ['-r', 'CONNECT'], 'deferred'],
] as const) {
  test(`smtp-sink: ${what}`, { skip: without }, async () => {
    const result = await courierTo(await sink(options))(claimOf(['a@y.test'], memoryContent(FOUR_KB)));
    assert.equal(result.outcomes[0]?.outcome.kind, expected);
  });
}

test('smtp-sink: LMTP over a UNIX socket, one reply a recipient', { skip: without }, async () => {
  const attempt = courierTo(await sink(['-L'], join(base, 'lmtp.sock')), { protocol: 'lmtp' });
  const result = await attempt(claimOf(['a@y.test', 'b@y.test', 'c@y.test'], memoryContent(FOUR_KB)));
  assert.equal(result.outcomes.length, 3);
  assert.ok(delivered(result));
});

test('nobody listens', async () => {
  const result = await courierTo({ address: '127.0.0.1', port: await freePort() })(
    claimOf(['a@y.test'], memoryContent(FOUR_KB)),
  );
  assert.equal(result.nextHop, 'unreachable');
  const [first] = result.outcomes;
  assert.match(first?.outcome.kind === 'deferred' ? (first.outcome.reply.text[0] ?? '') : '', /ECONNREFUSED/);
});
