import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookWith, runningService, settingsOf } from '../../../../test/support/doctor-parts.ts';
import type { ByteSink, ByteStream } from '../../../world/ports/network.ts';
import { zoneResolver } from '../../../world/sim/resolver.ts';
import type { Check } from '../check.ts';
import type { Verdict } from '../verdict.ts';
import { proxiesPass } from './proxies.ts';
import { smartHostsAnswer } from './smart-hosts.ts';

const settings = settingsOf(`routing:
  proxies: { lab: { kind: socks5, host: 192.0.2.80, port: 1080 } }
  smartHosts: { relay: { hosts: [{ host: 198.51.100.33, port: 587 }], proxy: lab } }
`);

/** A SOCKS proxy that answers each time that it is written to. */
function look(check: Check, answers: readonly string[]) {
  let at = 0;
  const proxy = {
    start(sink: ByteSink) {
      this.sink = sink;
    },
    sink: undefined as ByteSink | undefined,
    write() {
      const answer = answers[at];
      at += 1;
      if (answer !== undefined) queueMicrotask(() => this.sink?.data(Buffer.from(answer, 'hex')));
      return true;
    },
    pause: () => undefined,
    resume: () => undefined,
    unread: () => undefined,
    destroy: () => undefined,
  };
  return lookWith(check, {
    settings,
    host: { addresses: ['127.0.0.1', '192.0.2.10'] },
    service: runningService([]),
    more: {
      network: {
        datagram: () => Promise.reject(new Error('not asked')),
        dial: () =>
          answers.length === 0
            ? Promise.reject(Object.assign(new Error('ECONNREFUSED'), { code: 'ECONNREFUSED' }))
            : Promise.resolve(proxy as unknown as ByteStream),
      },
    },
  });
}

/** A SOCKS proxy that connects to every host; each greets with this, or closes. */
function socksThatGreets(greeting: string) {
  const answers = [Buffer.from('0500', 'hex'), Buffer.from('05000001000000000000', 'hex')];
  return {
    sink: undefined as ByteSink | undefined,
    start(sink: ByteSink) {
      this.sink = sink;
      if (answers.length === 0) queueMicrotask(() => (greeting === '' ? sink.end() : sink.data(Buffer.from(greeting))));
    },
    write() {
      const answer = answers.shift();
      if (answer !== undefined) queueMicrotask(() => this.sink?.data(answer));
      return true;
    },
    pause: () => undefined,
    resume: () => undefined,
    unread: () => undefined,
    destroy: () => undefined,
  };
}

test('Q319881: what a proxy says is told in its words, with what to do', async () => {
  assert.equal((await lookWith(proxiesPass, {})).kind, 'not-applicable');
  const denied = await look(proxiesPass, ['0500', '05020001000000000000']);
  assert.ok(denied.kind === 'unhealthy' && denied.event === 3654);
  assert.match(denied.cause, /works, and refuses to connect us .*connection not allowed by ruleset/);
  const login = await look(proxiesPass, ['05ff']);
  assert.ok(login.kind === 'unhealthy' && login.event === 3652 && /Set user and password/.test(login.cure));
  assert.match(login.cause, /asks for a login, and none is configured/);
  const down = await look(proxiesPass, []);
  assert.ok(down.kind === 'unhealthy' && down.event === 3650 && /cannot be reached/.test(down.cause));
});

test('a proxy behind which one host answers in the place of all is named with what it says', async () => {
  const through = (greeting: string): unknown =>
    lookWith(proxiesPass, {
      settings: settingsOf(`routing:
  proxy: lab
  proxies: { lab: { kind: socks5, host: 192.0.2.80, port: 1080 } }
`),
      host: { addresses: ['127.0.0.1', '192.0.2.10'] },
      service: runningService([]),
      answers: {
        'queue.list': () => ({ rows: [{ nextHop: 'mx:good.test', attempts: 3 }], total: 1, offset: 0, missing: [] }),
      },
      more: {
        resolver: zoneResolver('good.test MX 10 mx.good.test\nmx.good.test A 198.51.100.25\n'),
        network: {
          datagram: () => Promise.reject(new Error('not asked')),
          dial: () => Promise.resolve(socksThatGreets(greeting) as unknown as ByteStream),
        },
      },
    });
  const verdict = (await through('220 filter.example ESMTP\r\n')) as Verdict;
  assert.ok(verdict.kind === 'unhealthy', JSON.stringify(verdict));
  assert.match(
    verdict.cause,
    /the proxy lab .* are intercepted: '220 filter\.example ESMTP' answers in the place of 203/,
  );
  assert.equal(((await through('')) as Verdict).kind, 'healthy');
});

test('a smart host behind a proxy that fails is not blamed', async () => {
  const verdict = await look(smartHostsAnswer, ['0500', '05020001000000000000']);
  assert.ok(verdict.kind === 'unknown' && /the proxy lab refused to connect/.test(verdict.because));
});

test('a smart host whose short name only a search list completes is told with its whole name', async () => {
  const verdict = await lookWith(smartHostsAnswer, {
    settings: settingsOf(
      'routing:\n  smartHosts: { store: { protocol: lmtp, tls: none, hosts: [{ host: store, port: 24 }] } }\n',
    ),
    more: { resolver: zoneResolver('store.corp.test A 192.0.2.24') },
    host: {
      addresses: ['127.0.0.1'],
      texts: { '/etc/resolv.conf': 'search a.test corp.test.\nnameserver 192.0.2.53\n' },
    },
  });
  assert.ok(verdict.kind === 'unhealthy' && /no address in the name service/.test(verdict.cause));
  assert.match(verdict.cure, /^Write store\.corp\.test as host/);
});

test('a smart host that only the hosts file knows is tried at the address there, as mail goes to it', async () => {
  const routing =
    'routing:\n  smartHosts: { store: { protocol: lmtp, tls: none, hosts: [{ host: store.internal, port: 24 }] } }\n';
  const host = { addresses: ['127.0.0.1'], texts: { '/etc/hosts': '192.0.2.24 Store.internal # the store\n' } };
  const tried = await lookWith(smartHostsAnswer, { settings: settingsOf(routing), host });
  assert.ok(tried.kind === 'unhealthy' && !/no address in the name service/.test(tried.cause));
  const without = settingsOf(`${routing}names: { hostsFile: '' }\n`);
  const unread = await lookWith(smartHostsAnswer, { settings: without, host });
  assert.ok(unread.kind === 'unhealthy' && /no address in the name service/.test(unread.cause));
});
