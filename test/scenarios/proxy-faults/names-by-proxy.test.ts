/** A host that reaches the world by a proxy alone, the name service too. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startDnsServer, type TestDnsServer } from '../../support/dns-server.ts';
import { SmtpLine } from '../../support/ledger-client.ts';
import { until } from '../../support/programs.ts';
import { type RecordingSink, startRecordingSink } from '../../support/recording-sink.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';
import { joinTo, type ScriptedProxy, socksReply, socksRequest, startScriptedProxy } from './scripted-proxies.ts';

/** Nobody answers there but by way of the proxy. */
const SERVER = '192.0.2.53';
let dns: TestDnsServer;
let sink: RecordingSink;
let proxy: ScriptedProxy;
let service: TestService;
let mx = 0;
const asked: string[] = [];
let allows: (port: number) => boolean = () => true;

before(async () => {
  dns = await startDnsServer(
    'far.test MX 10 mx.far.test\nexample.test MX 10 mail.example.test\nmail.example.test A 127.0.0.1\n',
  );
  sink = await startRecordingSink();
  mx = await freePort();
  proxy = await startScriptedProxy(async (socket, heard) => {
    const request = await socksRequest(socket, heard);
    const port = request.readUInt16BE(request.length - 2);
    asked.push(
      `${request[3] === 3 ? request.toString('latin1', 5, request.length - 2) : request.subarray(4, 8).join('.')}:${port}`,
    );
    if (!allows(port)) return socket.end(socksReply(2));
    socket.write(socksReply(0));
    joinTo(socket, port === 53 ? dns.port : sink.port);
    return undefined;
  });
  service = await startService(
    (directory) => `server: { name: mail.example.test, data: ${directory}/data, workers: 1 }
listeners: { mx: { profile: mx, address: 127.0.0.1, port: ${mx}, tls: none } }
domains: { example.test: { mailboxes: { alice: {} }, aliases: { postmaster: alice } } }
policy: { localNetworks: [127.0.0.1] }
names: { servers: [${SERVER}], via: out, timeout: 1s }
scheduler: { normal: { first: 1s, longest: 5s } }
routing:
  proxies: { out: { kind: socks5, host: 127.0.0.1, port: ${proxy.port}, resolve: proxy } }
  proxy: out
`,
  );
});
after(async () => {
  await service?.remove();
  await proxy?.close();
  await sink?.close();
  await dns?.close();
});

async function submit(recipient: string): Promise<void> {
  const line = await SmtpLine.open(mx);
  await line.expect(220);
  await line.say('EHLO x.test', 250);
  await line.say('MAIL FROM:<alice@example.test>', 250);
  await line.say(`RCPT TO:<${recipient}>`, 250);
  await line.say('DATA', 354);
  await line.say(`Subject: x\r\n\r\nx\r\n.`, 250);
  line.close();
}

test('MX records are asked for by way of the proxy, which looks up the addresses itself', async () => {
  await submit('u@far.test');
  await sink.taken('u@far.test');
  assert.ok(asked.includes(`${SERVER}:53`), asked.join(' '));
  assert.ok(asked.includes('mx.far.test:25'), asked.join(' '));
  assert.match((await service.ims('route', 'u@far.test')).stdout, /mx\.far\.test/);
});

test('doctor sees the name servers as the service does', async () => {
  const { stdout } = await service.ims('--json', 'doctor', '--only', 'names.servers-answer');
  assert.match(stdout, /"id": ?"names\.servers-answer"[\s\S]*"healthy"/);
});

test('a proxy that forbids the name service is told in its words; what waits for a name goes when it lets it through', async () => {
  allows = (port) => port !== 53;
  await submit('u@other.far.test');
  await until(
    () => `event 3654; seen: ${service.told()}`,
    () =>
      service.events.find(({ event, data }) => event === 3654 && /not allowed by ruleset/.test(String(data['why']))),
    15_000,
  );
  assert.match(
    (await service.ims('route', 'u@third.far.test')).stdout,
    /MX of third\.far\.test \(asked from here, or by way of names\.via/,
  );
  allows = () => true;
  dns.load('far.test MX 10 mx.far.test\nother.far.test MX 10 mx.far.test\n');
  await until(
    () => `the mail; seen: ${service.told()}`,
    () => sink.messages.find(({ to }) => to.includes('u@other.far.test')),
    60_000,
  );
});
