import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { TLSSocket } from 'node:tls';
import { loginsTaken } from '../../../src/operate/doctor/checks/smart-host-login.ts';
import type { Verdict } from '../../../src/operate/doctor/verdict.ts';
import { makeSelfSigned } from '../../../src/service/supervisor/certificate.ts';
import { nodeWorld } from '../../../src/world/node/world.ts';
import type { Clock } from '../../../src/world/ports/clock.ts';
import { zoneResolver } from '../../../src/world/sim/resolver.ts';
import { lookWith, settingsOf } from '../../support/doctor-parts.ts';

/** Patience is cut short: what is silent here stays silent. */
const hasty: Clock = { ...nodeWorld.clock, after: (ms, fn) => nodeWorld.clock.after(ms / 10, fn) };

const { certificatePem, keyPem } = await makeSelfSigned('smart.test', Date.now());

/** Looks at a smart host with TLS that answers AUTH as told ('' is silence), and gives what it was sent, too. */
async function look(auth: string, offers = 'AUTH PLAIN LOGIN'): Promise<[Verdict, readonly string[]]> {
  const said: string[] = [];
  const sockets = new Set<Socket>();
  const talk = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      const line = chunk.toString('latin1').trimEnd();
      const verb = line.slice(0, 4).toUpperCase();
      said.push(line);
      if (verb === 'EHLO') socket.write(`250-smart\r\n250-STARTTLS\r\n250 ${offers}\r\n`);
      else if (verb === 'STAR') {
        socket.removeAllListeners('data');
        socket.write('220 go ahead\r\n');
        talk(new TLSSocket(socket, { isServer: true, key: keyPem, cert: certificatePem }));
      } else if (verb === 'QUIT') socket.write('221 bye\r\n');
      else if (auth !== '') socket.write(`${auth}\r\n`);
    });
  };
  const server = createServer((socket) => {
    talk(socket);
    socket.write('220 smart ESMTP\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const hosts = `hosts: [{ host: 127.0.0.1, port: ${port} }], login: { user: mary, password: secret }`;
  const settings = settingsOf(`routing: { smartHosts: { out: { ${hosts}, tls: required } } }\n`);
  try {
    const more = { network: nodeWorld.network, clock: hasty, resolver: zoneResolver('') };
    return [await lookWith(loginsTaken, { settings, more }), said];
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

const causeOf = (verdict: Verdict): string => (verdict.kind === 'unhealthy' ? verdict.cause : verdict.kind);

test('a login that is taken is tried as deliveries try it, and the session ends there', async () => {
  const [verdict, said] = await look('235 2.7.0 welcome');
  assert.equal(verdict.kind, 'healthy');
  assert.deepEqual(
    said.slice(0, 4).map((line) => line.split(' ')[0]),
    ['EHLO', 'STARTTLS', 'EHLO', 'AUTH'],
  );
});

test('a login that is refused is told in the words of the server, and with the user', async () => {
  const [verdict] = await look('535 5.7.8 Username and password not accepted');
  assert.match(causeOf(verdict), /refuses our login as mary: '535 5\.7\.8 Username and password not accepted'/);
  assert.ok(verdict.kind === 'unhealthy' && verdict.event === 3451);
  assert.ok(!JSON.stringify(verdict).includes('secret'));
});

test('a host that wants TLS first, one that hangs, and one that offers none of our mechanisms are told apart', async () => {
  const [wants] = await look('530 5.7.0 Must issue a STARTTLS command first');
  assert.match(causeOf(wants), /demands TLS before a login/);
  const [hangs] = await look('');
  assert.match(causeOf(hangs), /does not answer our login within 4 s/);
  const [other, said] = await look('235 ok', 'AUTH GSSAPI');
  assert.match(causeOf(other), /offers no login that this service may use/);
  assert.ok(!said.some((line) => line.startsWith('AUTH')));
});

test('a host that asks for patience is not called wrong', async () => {
  const [busy] = await look('454 4.7.0 Temporary authentication failure');
  assert.ok(busy.kind === 'unknown' && /454 4\.7\.0/.test(busy.because));
});
