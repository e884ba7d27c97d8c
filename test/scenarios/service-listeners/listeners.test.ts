import assert from 'node:assert/strict';
import { connect, createServer, type NetConnectOpts, type Server } from 'node:net';
import { after, before, test } from 'node:test';
import { SmtpLine } from '../../support/ledger-client.ts';
import { until } from '../../support/processes.ts';
import { sendOne } from '../../support/said.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

let service: TestService;
let holder: Server;
let ports: { taken: number; free: number; both: number; nowhere: number };

before(async () => {
  ports = { taken: await freePort(), free: await freePort(), both: await freePort(), nowhere: await freePort() };
  holder = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => holder.listen(ports.taken, '127.0.0.1', resolve));
  service = await startService(
    (directory) => `server: { name: mail.example.test, data: ${directory}/data, workers: 2 }
listeners:
  taken: { profile: mx, address: 127.0.0.1, port: ${ports.taken} }
  free: { profile: mx, address: 127.0.0.1, port: ${ports.free} }
  both: { profile: mx, address: ['0.0.0.0', '::'], port: ${ports.both} }
  nowhere: { profile: mx, address: 192.0.2.77, port: ${ports.nowhere} }
  unix: { profile: lmtp, address: ${directory}/lmtp.socket, tls: none }
domains: { example.test: { mailboxes: { alice: {} } } }
`,
  );
});
after(async () => {
  await service.remove();
  holder.close();
});

const refusals = (listener: string): number =>
  service.events.filter(({ event, data }) => event === 4007 && data['listener'] === listener).length;

function banner(to: NetConnectOpts): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(to);
    socket.once('error', reject);
    socket.once('data', (chunk: Buffer) => {
      socket.destroy();
      resolve(chunk.toString('latin1'));
    });
  });
}

test('Q193928, Q222553: a port that is taken and an address that is not there hold up no other listener', async () => {
  const taken = service.events.find(({ event, data }) => event === 4007 && data['listener'] === 'taken');
  assert.equal(taken?.data['errno'], 'EADDRINUSE');
  const nowhere = service.events.find(({ event, data }) => event === 4007 && data['listener'] === 'nowhere');
  assert.equal(nowhere?.data['errno'], 'EADDRNOTAVAIL');
  await sendOne(ports.free, 'alice@example.test');
  const status = await service.ims('status');
  assert.equal(status.code, 0);
  assert.match(status.stdout, /taken/);
});

test('one listener on every address answers by IPv4, IPv6 and both workers', async () => {
  assert.match(await banner({ host: '127.0.0.1', port: ports.both }), /^220 /);
  assert.match(await banner({ host: '::1', port: ports.both }), /^220 /);
});

test('a UNIX socket answers LMTP', async () => {
  assert.match(await banner({ path: `${service.directory}/lmtp.socket` }), /^220 .*LMTP/);
});

test('Q222553: a port that becomes free is bound by itself, and takes mail; the trouble was told once', {
  timeout: 30_000,
}, async () => {
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  assert.equal(refusals('taken'), 1);
  await new Promise<void>((resolve) => holder.close(() => resolve()));
  const started = performance.now();
  const bound = await service.seen(2800, 10_000);
  console.log(`# bound ${(performance.now() - started).toFixed(0)} ms after the port became free`);
  assert.equal(bound.data['port'], ports.taken);
  // The workers get the socket a moment after it is bound.
  await until('mail is taken', () =>
    sendOne(ports.taken, 'alice@example.test').then(
      () => true,
      () => false,
    ),
  );
  assert.equal(refusals('taken'), 1);
  assert.equal(refusals('nowhere'), 1);
});

test('after a restart of the workers every listener is theirs again', { timeout: 30_000 }, async () => {
  for (const pid of await service.workers()) process.kill(pid, 'SIGKILL');
  await until('both workers', async () => (await service.workers()).length === 2);
  for (const port of [ports.free, ports.both, ports.taken]) {
    const line = await SmtpLine.open(port);
    await line.expect(220);
    line.close();
  }
});

test('Q201121: a UNIX socket that a killed service left behind is bound again', { timeout: 30_000 }, async () => {
  service.kill('SIGKILL');
  await service.restart();
  assert.match(await banner({ path: `${service.directory}/lmtp.socket` }), /^220 .*LMTP/);
});
