import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { storesKnowMailboxes } from '../../../src/operate/doctor/checks/store-mailboxes.ts';
import type { Verdict } from '../../../src/operate/doctor/verdict.ts';
import { nodeWorld } from '../../../src/world/node/world.ts';
import type { Clock } from '../../../src/world/ports/clock.ts';
import { zoneResolver } from '../../../src/world/sim/resolver.ts';
import { lookWith, settingsOf } from '../../support/doctor-parts.ts';

/** Patience is cut short: what is silent here stays silent. */
const hasty: Clock = { ...nodeWorld.clock, after: (ms, fn) => nodeWorld.clock.after(ms / 10, fn) };

/** Looks at a store that answers commands as told (250 else), and gives what it was sent, too. */
async function look(
  answers: (command: string, times: number) => string | undefined,
  mailboxes = 'bob: {}, carol: {}, dave.fox: {}',
): Promise<[Verdict, readonly string[]]> {
  const said: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.write('220 store LMTP\r\n');
    socket.on('data', (chunk) => {
      const line = chunk.toString('latin1').trimEnd();
      const times = said.filter((one) => one === line).length;
      said.push(line);
      socket.write(`${answers(line, times) ?? '250 2.0.0 ok'}\r\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    const settings = settingsOf(`domains:
  example.test: { lmtp: store, mailboxes: { ${mailboxes} } }
routing: { smartHosts: { store: { protocol: lmtp, tls: none, hosts: [{ host: 127.0.0.1, port: ${port} }] } } }
`);
    const parts = { network: nodeWorld.network, clock: hasty, resolver: zoneResolver('') };
    return [await lookWith(storesKnowMailboxes, { settings, more: parts }), said];
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

const causeOf = (verdict: Verdict): string => (verdict.kind === 'unhealthy' ? verdict.cause : verdict.kind);
const rcpt = (to: string, reply: string) => (command: string) => (command === `RCPT TO:<${to}>` ? reply : undefined);

test('a store is asked for each mailbox, without any mail, and the session ends in order', async () => {
  const [verdict, said] = await look(() => undefined);
  assert.equal(verdict.kind, 'healthy');
  assert.deepEqual(said, [
    'LHLO mail.example.test',
    'MAIL FROM:<>',
    'RCPT TO:<bob@example.test>',
    'RCPT TO:<carol@example.test>',
    'RCPT TO:<dave.fox@example.test>',
    'RSET',
    'QUIT',
  ]);
});

test('a mailbox that the store does not know is told with its words, before one that is full', async () => {
  const [verdict] = await look((command) =>
    command.includes('bob')
      ? '552 5.2.2 quota'
      : command.includes('carol')
        ? "550 5.1.1 User doesn't exist"
        : undefined,
  );
  assert.match(
    causeOf(verdict),
    /^The mail store 127\.0\.0\.1:\d+ \(store\) refuses the mailbox carol@example\.test, which the settings have: '550 5\.1\.1 User doesn't exist' \(and 1 more are refused\)\. Mail to it is returned/,
  );
  assert.ok(verdict.kind === 'unhealthy' && /take 'carol' out of domains\.example\.test\.mailboxes/.test(verdict.cure));
  assert.ok(verdict.evidence.some(({ what, seen }) => /bob/.test(what) && /552 5\.2\.2 quota/.test(seen)));
});

test('a mailbox that is full is told as such, whether its mail waits or is returned', async () => {
  const [waits] = await look(rcpt('bob@example.test', '452 4.2.2 Mailbox over quota'));
  assert.match(causeOf(waits), /bob@example\.test is full \(over its quota\) .*'452 4\.2\.2 .* Mail to it waits\./);
  const [returned] = await look(rcpt('bob@example.test', '550 5.2.2 Quota exceeded'));
  assert.match(causeOf(returned), /bob@example\.test is full .* Mail to it is returned to its senders\./);
});

test('a refusal for the time being counts where the store repeats it', async () => {
  const busy = '451 4.3.0 try later';
  const [lasting] = await look(rcpt('bob@example.test', busy));
  assert.match(causeOf(lasting), /takes no mail for bob@example\.test for the time being: '451 4\.3\.0 try later'/);
  const [moment] = await look((command, times) => (times === 0 ? rcpt('bob@example.test', busy)(command) : undefined));
  assert.equal(moment.kind, 'healthy');
});

test('a store that lets nobody deliver is told; one that is silent or busy could not be seen', async () => {
  const [refuses] = await look((command) =>
    command.startsWith('MAIL') ? '530 5.7.0 Authentication required' : undefined,
  );
  assert.match(causeOf(refuses), /lets nobody deliver from here: it answers MAIL FROM:<>: 530 5\.7\.0/);
  const [busy] = await look((command) => (command.startsWith('MAIL') ? '421 4.3.2 shutting down' : undefined));
  assert.equal(busy.kind, 'unknown');
});

test('only so many mailboxes are asked about, and the rest is counted', async () => {
  const many = Array.from({ length: 40 }, (_, at) => `m${at}: {}`).join(', ');
  const [verdict, said] = await look(() => undefined, many);
  assert.equal(said.filter((line) => line.startsWith('RCPT')).length, 25);
  assert.ok(verdict.kind === 'healthy' && /for 25, of 40 in all/.test(verdict.evidence[0]?.seen ?? ''));
});

test('mailboxes that are kept here, or refused, are asked of nobody', async () => {
  const [verdict, said] = await look(() => undefined, 'bob: { delivery: { maildir: bob } }, eve: { disabled: gone }');
  assert.equal(verdict.kind, 'not-applicable');
  assert.deepEqual(said, []);
});
