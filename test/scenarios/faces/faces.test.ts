// From which address and with which name mail leaves, by the domain of its sender and by its way.
import assert from 'node:assert/strict';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { testConfiguration } from '../../support/configurations.ts';
import { startDnsServer, type TestDnsServer } from '../../support/dns-server.ts';
import { SmtpLine } from '../../support/ledger-client.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

let service: TestService;
let dns: TestDnsServer;
let proxy: Server;
let far: Server;
let mx = 0;
/** By sender: how the session that brought its mail began. */
const arrived = new Map<string, string>();

/** A server that takes all mail and remembers who brought it. */
function startFar(port: number): Promise<Server> {
  const server = createServer((socket) => {
    let greeting = '';
    let inContent = false;
    let rest = '';
    socket.write('220 far.test ESMTP\r\n');
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      rest += chunk.toString('latin1');
      for (let end = rest.indexOf('\r\n'); end !== -1; end = rest.indexOf('\r\n')) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 2);
        if (inContent) {
          if (line !== '.') continue;
          inContent = false;
        }
        if (/^EHLO/.test(line)) greeting = line;
        const sender = /^MAIL FROM:<([^>]*)>/.exec(line)?.[1];
        if (sender !== undefined) arrived.set(sender, `${greeting} from ${socket.remoteAddress ?? ''}`);
        inContent = line === 'DATA';
        socket.write(inContent ? '354 go on\r\n' : '250 ok\r\n');
      }
    });
  });
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server)));
}

/** SOCKS5 for one address: connects from 127.0.0.9. */
function startProxy(): Promise<Server> {
  const server = createServer((client: Socket) => {
    client.on('error', () => undefined);
    client.once('data', () => {
      client.write(Buffer.from([5, 0]));
      client.once('data', (asked: Buffer) => {
        const port = asked.readUInt16BE(asked.length - 2);
        const onward = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.9' });
        onward.on('error', () => client.destroy());
        onward.once('connect', () => {
          client.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
          client.pipe(onward);
          onward.pipe(client);
        });
      });
    });
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

const portOf = (server: Server): number => {
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
};

before(async () => {
  mx = await freePort();
  far = await startFar(await freePort());
  proxy = await startProxy();
  dns = await startDnsServer('far.test MX 10 mx.far.test\nmx.far.test A 127.0.0.1\n');
  const more = `names: { servers: ['${dns.server}'] }
policy: { localNetworks: [127.0.0.0/8] }
routing:
  port: ${portOf(far)}
  source4: 127.0.0.5
  heloName: all.example.test
  proxies: { out: { kind: socks5, host: 127.0.0.1, port: ${portOf(proxy)}, heloName: exit.example.test } }
  smartHosts:
    hub: { hosts: [{ host: 127.0.0.1, port: ${portOf(far)} }], source4: 127.0.0.7, heloName: hub.example.test, tls: none }
  addressSpaces:
    - { match: '*', senders: [a.test], via: mx, source4: 127.0.0.6, heloName: a.example.test }
    - { match: '*', senders: [b.test], via: mx, proxy: out }
    - { match: '*', senders: [c.test], via: hub }
`;
  service = await startService((directory) => testConfiguration({ directory, ports: { mx }, workers: 1, more }));
});
after(async () => {
  await service?.remove();
  far?.close();
  proxy?.close();
  await dns?.close();
});

test('each sender domain leaves from its address or by its proxy, and greets with the name that fits', async () => {
  const line = await SmtpLine.open(mx);
  await line.expect(220);
  await line.say('EHLO client.test', 250);
  const senders = ['x@a.test', 'x@b.test', 'x@c.test', 'x@d.test'];
  for (const sender of senders) {
    await line.say(`MAIL FROM:<${sender}>`, 250);
    await line.say('RCPT TO:<bob@far.test>', 250);
    await line.say('DATA', 354);
    line.send('Subject: x\r\n\r\nHello\r\n.\r\n');
    await line.expect(250);
  }
  for (let tries = 0; tries < 80 && arrived.size < senders.length; tries += 1) await wait(100);
  assert.deepEqual(Object.fromEntries(arrived), {
    'x@a.test': 'EHLO a.example.test from 127.0.0.6',
    'x@b.test': 'EHLO exit.example.test from 127.0.0.9',
    'x@c.test': 'EHLO hub.example.test from 127.0.0.7',
    'x@d.test': 'EHLO all.example.test from 127.0.0.5',
  });
});

test('ims route says rule, next hop, hosts, way, address, name and TLS demand, by the sender', async () => {
  const route = async (sender: string): Promise<string> =>
    (await service.ims('route', 'bob@far.test', '--from', sender)).stdout;
  const a = await route('x@a.test');
  assert.match(a, /address space 1: '\*'.*senders a\.test/);
  assert.match(a, /mx\.far\.test port \d+ +127\.0\.0\.1/);
  assert.match(a, /direct, from 127\.0\.0\.6; EHLO a\.example\.test; TLS opportunistic/);
  assert.match(
    await route('x@b.test'),
    /by the socks5 proxy out \(names are looked up here, EHLO exit\.example\.test\)/,
  );
  const hub = await route('x@c.test');
  assert.match(hub, /address space 3: '\*'.*-> hub/);
  assert.match(hub, /direct, from 127\.0\.0\.7; EHLO hub\.example\.test; TLS none/);
  assert.match(await route('x@d.test'), /no address space fits/);
  assert.match((await service.ims('route', 'alice@example.test')).stdout, /ours/);
});
