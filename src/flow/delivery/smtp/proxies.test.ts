import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryJournal } from '../../../../test/support/claims.ts';
import { ManualClock } from '../../../../test/support/manual-clock.ts';
import { one, show, TERMS } from '../../../../test/support/relay-stage.ts';
import { memoryNetwork } from '../../../../test/support/streams.ts';
import { ScriptedPeer } from '../../../../test/support/scripted-peer.ts';
import { Fault } from '../../../events/fault.ts';
import { directDialer } from '../../../transport/dialer.ts';
import type { DialRequest, ProxyTerms, Way } from '../../../transport/port.ts';
import { RelayCourier } from './courier.ts';

const SECOND = 1000;
const TIMEOUTS = {
  connect: SECOND,
  greeting: SECOND,
  mail: SECOND,
  recipient: SECOND,
  dataStart: SECOND,
  dataBlock: SECOND,
  dataEnd: SECOND,
  idle: 100,
};
const PROXY: ProxyTerms = { name: 'out', kind: 'socks5', host: '192.0.2.1', port: 1080, tls: 'none', resolve: 'here' };
const DATA = { proxy: 'out', host: '192.0.2.1:1080', why: 'because' };

/** An attempt at two hosts whose dials all fail so: what is said, and how often it was dialled. */
async function attempted(error: Error): Promise<{ said: string[]; dialled: DialRequest[] }> {
  const dialled: DialRequest[] = [];
  const dialer = {
    dial(request: DialRequest): Promise<never> {
      dialled.push(request);
      return Promise.reject(error);
    },
  };
  const settings = { attemptsMax: 1, maildir: '', timeouts: TIMEOUTS };
  const courier = new RelayCourier({ world: { clock: new ManualClock() }, dialer, settings, journal: memoryJournal() });
  const hosts = [
    { name: 'mx1.y.test', addresses: ['192.0.2.11'], port: 25 },
    { name: 'mx2.y.test', addresses: ['mx2.y.test'], port: 25 },
  ];
  const terms = { ...TERMS, proxies: [PROXY], source4: '192.0.2.77', proxyHeader: 'v1' } as const;
  return { said: show(await courier.attempt(one(), { kind: 'relay', hosts, terms, reason: 'test' })), dialled };
}

test('Q181420-access: a proxy’s fault defers with the proxy’s words, and no further host is asked for in vain', async () => {
  const { said, dialled } = await attempted(new Fault('transport.proxy-unreachable', DATA));
  assert.match(
    said[0] ?? '',
    /^0 deferred 451 4\.4\.1 no connection to mx1\.y\.test \[192\.0\.2\.11\]: the proxy out cannot be reached: because/,
  );
  assert.equal(said[1], 'unreachable');
  assert.equal(dialled.length, 1);
  const [{ ways, source4, proxyHeader } = assert.fail()] = dialled;
  assert.deepEqual([ways, source4, proxyHeader], [[PROXY], '192.0.2.77', 'v1']);
});

test('a proxy that refuses one host may take the next one', async () => {
  const { said, dialled } = await attempted(new Fault('transport.proxy-refused', DATA));
  assert.equal(dialled.length, 2);
  assert.match(
    said[0] ?? '',
    /^0 deferred 451 4\.4\.1 no connection to mx2\.y\.test: the proxy out refused to connect: because/,
  );
});

test('a host that the proxy does not reach is not reached, with the proxy’s words', async () => {
  const error = Object.assign(new Error('ECONNREFUSED; the proxy out says: connection refused'), {
    code: 'ECONNREFUSED',
  });
  const { said, dialled } = await attempted(error);
  assert.equal(dialled.length, 2);
  assert.match(said[0] ?? '', /no connection to mx2\.y\.test: ECONNREFUSED; the proxy out says: connection refused/);
});

test('a session greets with the name of the way that was taken', async () => {
  const way: Way = { name: 'outside', kind: 'ssh-gateway', resolve: 'here', greetingName: 'gw.own.test' };
  const greeted: string[] = [];
  for (const taken of [way, 'direct'] as const) {
    const network = memoryNetwork((server) => {
      const answer = (command: string): string => {
        greeted.push(command);
        return '250 peer.test';
      };
      new ScriptedPeer(server, { EHLO: answer });
      return undefined;
    });
    const direct = directDialer(network);
    const dialer = {
      dial(request: DialRequest) {
        request.taken?.(taken);
        return direct.dial({ ...request, ways: [], taken: undefined });
      },
    };
    const settings = { attemptsMax: 1, maildir: '', timeouts: TIMEOUTS };
    const courier = new RelayCourier({
      world: { clock: new ManualClock() },
      dialer,
      settings,
      journal: memoryJournal(),
    });
    const hosts = [{ name: 'mx1.y.test', addresses: ['192.0.2.11'], port: 25 }];
    const terms = { ...TERMS, greetingName: 'mail.own.test', proxies: [way, 'direct' as const] };
    await courier.attempt(one(), { kind: 'relay', hosts, terms, reason: 'test' });
  }
  assert.deepEqual(greeted, ['EHLO gw.own.test', 'EHLO mail.own.test']);
});

const GATEWAY: Way = { name: 'outside', kind: 'ssh-gateway', resolve: 'here' };

/** An attempt by a gateway at one host whose first session is cut at a command, and whose later dials come out so. */
async function cut(at: 'DATA' | 'end', later: 'open' | Error): Promise<{ said: string[]; sessions: number }> {
  let sessions = 0;
  const network = memoryNetwork((server) => {
    sessions += 1;
    new ScriptedPeer(server, sessions === 1 ? { [at]: 'hang-up' } : {});
    return undefined;
  });
  const direct = directDialer(network);
  const dialer = {
    dial: (request: DialRequest) =>
      sessions > 0 && later instanceof Error ? Promise.reject(later) : direct.dial({ ...request, ways: [] }),
  };
  const settings = { attemptsMax: 1, maildir: '', timeouts: TIMEOUTS };
  const courier = new RelayCourier({ world: { clock: new ManualClock() }, dialer, settings, journal: memoryJournal() });
  const hosts = [{ name: 'mx1.y.test', addresses: ['192.0.2.11'], port: 25 }];
  const terms = { ...TERMS, proxies: [GATEWAY] };
  return { said: show(await courier.attempt(one(), { kind: 'relay', hosts, terms, reason: 'test' })), sessions };
}

test('a session that is cut on the way is begun again at once, one time', async () => {
  const { said, sessions } = await cut('DATA', 'open');
  assert.match(said[0] ?? '', /^0 delivered 250/);
  assert.equal(sessions, 2);
});

test('a session that dies with its gateway waits for the gateway, by its words', async () => {
  const why = { gateway: 'outside', host: '203.0.113.5:22', why: 'ECONNREFUSED' };
  const { said } = await cut('DATA', new Fault('transport.gateway-unreachable', why));
  assert.match(said[0] ?? '', /^0 deferred 451 4\.4\.1 .*: the gateway outside cannot be reached: ECONNREFUSED/);
});

test('a message whose end was sent when its gateway died is not sent again before the gateway is back', async () => {
  const { said, sessions } = await cut('end', 'open');
  assert.match(said[0] ?? '', /^0 deferred 451 4\.4\.2 the connection by the gateway outside was lost after the whole/);
  assert.equal(sessions, 1);
});
