import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { testConfiguration } from '../../support/configurations.ts';
import { familyPss, until } from '../../support/processes.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const MB = 1024 ** 2;
const SIZE = 150 * MB;
const GROWTH_MAX = 32 * MB;
const LINE = Buffer.from(`${'0123456789'.repeat(7)}\r\n`);

let service: TestService;
let port: number;
let sink: { server: Server; port: number; received: () => number };

before(async () => {
  sink = await startCountingSink();
  port = await freePort();
  service = await startService((directory) =>
    testConfiguration({
      directory,
      ports: { mx: port },
      more: `policy: { localNetworks: [127.0.0.0/8] }
reception: { messageSizeMax: 200MB }
routing:
  smartHosts: { sink: { hosts: [{ host: 127.0.0.1, port: ${sink.port} }], tls: none } }
  addressSpaces: [{ match: '*', via: sink }]
`,
    }),
  );
  // The growth asked for is that of one large message, not that of code used for the first time.
  await send('alice@example.test', 64 * 1024);
  await send('far@sink.test', 64 * 1024);
  await until('the small ones', async () => sink.received() > 0 && (await inbox()).length === 1);
});
after(async () => {
  await service.remove();
  sink.server.close();
});

const inboxPath = (): string => join(service.directory, 'data/mail/example.test/alice/new');
const inbox = (): Promise<string[]> => readdir(inboxPath()).catch(() => []);

for (const { to, arrived } of [
  { to: 'far@sink.test', arrived: async () => sink.received() > SIZE },
  { to: 'alice@example.test', arrived: async () => (await inbox()).length === 2 },
]) {
  test(`150 MB to ${to}: in and out, and the service hardly grows`, { timeout: 180_000 }, async () => {
    const before = await familyPss(service.pid);
    let highest = before;
    let watching = true;
    const watch = (async () => {
      while (watching) {
        highest = Math.max(highest, await familyPss(service.pid));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
    const started = performance.now();
    await send(to, SIZE);
    const sent = performance.now() - started;
    await until('its arrival', arrived, 120_000);
    const all = performance.now() - started;
    watching = false;
    await watch;
    console.log(
      `# ${to}: accepted in ${sent.toFixed(0)} ms, delivered in ${all.toFixed(0)} ms, ${Math.round((highest - before) / MB)} MB over ${Math.round(before / MB)} MB`,
    );
    assert.ok(highest - before < GROWTH_MAX, `grew by ${Math.round((highest - before) / MB)} MB`);
  });
}

test('the large message in the mailbox is whole', async () => {
  const sizes = await Promise.all((await inbox()).map(async (name) => (await stat(join(inboxPath(), name))).size));
  assert.ok(Math.max(...sizes) > SIZE);
});

/** Sends one message of about that many octets with back-pressure. */
async function send(to: string, octets: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const replies = socket[Symbol.asyncIterator]();
  const expect = async (code: string): Promise<void> => {
    for (;;) {
      const { value, done } = (await replies.next()) as { value?: Buffer; done?: boolean };
      assert.ok(done !== true, `connection closed before ${code}`);
      const last = String(value).trimEnd().split('\r\n').at(-1) ?? '';
      if (last[3] === '-') continue;
      assert.equal(last.slice(0, 3), code, last);
      return;
    }
  };
  const say = async (text: string, code: string): Promise<void> => {
    socket.write(`${text}\r\n`);
    await expect(code);
  };
  await expect('220');
  await say('EHLO big.test', '250');
  await say('MAIL FROM:<big@client.test>', '250');
  await say(`RCPT TO:<${to}>`, '250');
  await say('DATA', '354');
  socket.write('Subject: big\r\n\r\n');
  const block = Buffer.concat(Array.from({ length: 900 }, () => LINE));
  for (let left = octets; left > 0; left -= block.length) if (!socket.write(block)) await once(socket, 'drain');
  await say('.', '250');
  await say('QUIT', '221');
  socket.destroy();
}

/** A next hop that counts the octets of mail data and keeps nothing. */
async function startCountingSink(): Promise<{ server: Server; port: number; received: () => number }> {
  let received = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    let data = false;
    let tail = '';
    socket.on('error', () => undefined);
    socket.write('220 sink.test ESMTP\r\n');
    socket.on('data', (chunk) => {
      if (data) {
        received += chunk.length;
        tail = (tail + chunk.subarray(-5).toString('latin1')).slice(-5);
        if (tail !== '\r\n.\r\n') return;
        data = false;
        socket.write('250 2.0.0 taken\r\n');
        return;
      }
      for (const line of chunk.toString('latin1').split('\r\n').slice(0, -1)) {
        if (line === 'DATA') data = true;
        socket.write(
          line === 'DATA'
            ? '354 go on\r\n'
            : line.startsWith('EHLO')
              ? '250-sink.test\r\n250-PIPELINING\r\n250 SIZE\r\n'
              : '250 2.0.0 ok\r\n',
        );
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0, received: () => received };
}
