import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { RelayCourier } from '../../../src/flow/delivery/smtp/courier.ts';
import type { RelayTerms } from '../../../src/flow/routing/port.ts';
import { makeSelfSigned } from '../../../src/service/supervisor/certificate.ts';
import { directDialer } from '../../../src/transport/dialer.ts';
import { nodeClock } from '../../../src/world/node/clock.ts';
import { nodeNetwork } from '../../../src/world/node/network.ts';
import type { ByteStream, Listening } from '../../../src/world/ports/network.ts';
import { claimOf, memoryContent, memoryJournal } from '../../support/claims.ts';
import { TERMS } from '../../support/relay-stage.ts';

const pair = await makeSelfSigned('mx.test', Date.now());
const context = nodeNetwork.tlsContext(pair.certificatePem, pair.keyPem);
const listening: Listening[] = [];
const streams = new Set<ByteStream>();
after(async () => {
  for (const stream of streams) stream.destroy();
  await Promise.all(listening.map((one) => one.close()));
});

/** A server that knows enough to take one message, and writes down which commands came under TLS. */
async function server(how: 'starttls' | 'implicit' | 'broken', said: string[]): Promise<number> {
  const tls = { context, timeoutMs: 5000 };
  const one = await nodeNetwork.listen({ address: '127.0.0.1', port: 0 }, (stream) => {
    streams.add(stream);
    let content = false;
    let rest = '';
    const take = (line: string): void => {
      const verb = line.slice(0, 4).toUpperCase();
      said.push(`${stream.tls === undefined ? 'clear' : 'tls'} ${verb}`);
      if (verb === 'EHLO') stream.write(how === 'implicit' ? '250 hi\r\n' : '250-hi\r\n250 STARTTLS\r\n');
      else if (verb === 'STAR' && how === 'broken') stream.end('220 go\r\nthis is no handshake\r\n');
      else if (verb === 'STAR') stream.startTlsServer(tls, '220 go\r\n').catch(() => stream.destroy());
      else if (verb === 'DATA') {
        content = true;
        stream.write('354 go\r\n');
      } else if (verb === 'QUIT') stream.end('221 bye\r\n');
      else stream.write('250 ok\r\n');
    };
    stream.start({
      data(chunk) {
        rest += chunk.toString('latin1');
        for (let at = rest.indexOf('\r\n'); at >= 0; at = rest.indexOf('\r\n')) {
          const line = rest.slice(0, at);
          rest = rest.slice(at + 2);
          if (!content) take(line);
          else if (line === '.') {
            content = false;
            stream.write('250 2.0.0 taken\r\n');
          }
        }
      },
      end: () => stream.end(),
      drain: () => undefined,
      closed: () => void streams.delete(stream),
    });
    if (how !== 'implicit') stream.write('220 mx.test\r\n');
    else
      stream.startTlsServer(tls).then(
        () => stream.write('220 mx.test\r\n'),
        () => stream.destroy(),
      );
  });
  listening.push(one);
  return one.local.port;
}

async function send(port: number, tls: RelayTerms['tls']): Promise<string> {
  const second = 1000;
  const timeouts = { connect: 5 * second, greeting: 5 * second, mail: 5 * second, recipient: 5 * second };
  const settings = {
    attemptsMax: 10,
    maildir: '',
    timeouts: { ...timeouts, dataStart: 5 * second, dataBlock: 5 * second, dataEnd: 5 * second, idle: 100 },
  };
  const world = { network: nodeNetwork, clock: nodeClock };
  const courier = new RelayCourier({ world, dialer: directDialer(world.network), settings, journal: memoryJournal() });
  const hosts = [{ name: 'mx.test', addresses: ['127.0.0.1'], port }];
  const claim = claimOf(['a@y.test'], memoryContent('Subject: x\r\n\r\n'));
  const result = await courier.attempt(claim, { kind: 'relay', hosts, terms: { ...TERMS, tls }, reason: 'test' });
  courier.close();
  const outcome = result.outcomes[0]?.outcome;
  return `${outcome?.kind} ${outcome?.reply?.detail}`;
}

test('opportunistic and required TLS take a self-signed certificate, and say MAIL under TLS only', async () => {
  for (const tls of ['opportunistic', 'required'] as const) {
    const said: string[] = [];
    assert.equal(await send(await server('starttls', said), tls), 'delivered 0.0');
    assert.deepEqual(said.slice(0, 4), ['clear EHLO', 'clear STAR', 'tls EHLO', 'tls MAIL']);
  }
});

test('verified and implicit TLS do not', async () => {
  const said: string[] = [];
  assert.equal(await send(await server('starttls', said), 'verified'), 'deferred 7.5');
  assert.equal(await send(await server('implicit', said), 'implicit'), 'deferred 7.5');
  assert.equal(said.includes('tls MAIL'), false);
});

test('a handshake that breaks is followed by the clear where TLS is opportunistic', async () => {
  const said: string[] = [];
  const port = await server('broken', said);
  assert.equal(await send(port, 'opportunistic'), 'delivered 0.0');
  assert.ok(said.includes('clear MAIL'));
  assert.equal(await send(port, 'required'), 'deferred 7.5');
});
