import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { type MemoryStream, memoryNetwork, type PairOptions } from '../../test/support/streams.ts';
import { Fault } from '../events/fault.ts';
import type { Journal } from '../events/journal.ts';
import { renderText } from '../events/render.ts';
import type { DialOptions } from '../world/ports/network.ts';
import { zoneResolver } from '../world/sim/resolver.ts';
import { createDialer } from './dialer.ts';
import { PROXY_KIND_MS, PROXY_REST_MS, PROXY_SILENCE_MS } from './limits.ts';
import type { DialRequest, ProxyTerms, Way } from './port.ts';

const turn = (): Promise<void> => new Promise(setImmediate);
const SOCKS: ProxyTerms = { name: 'a', kind: 'socks5', host: '192.0.2.1', port: 1080, tls: 'none', resolve: 'here' };
const HTTP: ProxyTerms = { ...SOCKS, name: 'b', kind: 'http-connect', host: '192.0.2.2', port: 3128 };
const REQUEST: DialRequest = { name: 'mx.example', address: '198.51.100.9', port: 25, timeoutMs: 30_000, ways: [] };

/** What a scripted proxy does with what it got: an answer, an end, or nothing. */
type Answers = Readonly<Record<string, readonly (string | Buffer | 'silence' | 'hang-up')[] | Error>>;

/** A dialer whose far ends answer by address, one answer for each chunk they get. */
function stage(answers: Answers, options: { zone?: string; pair?: PairOptions } = {}) {
  const clock = new ManualClock();
  const said: string[] = [];
  const dialled: DialOptions[] = [];
  const got: string[] = [];
  const journal: Journal = { emit: (name, data) => void said.push(renderText({ name, data })) };
  const network = memoryNetwork((server: MemoryStream, to) => {
    dialled.push(to);
    const script = answers[to.address];
    if (script === undefined) return Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    if (script instanceof Error) return script;
    const left = [...script];
    server.start({
      data(chunk) {
        got.push(chunk.toString('latin1'));
        const next = left.shift() ?? 'silence';
        if (next === 'hang-up') server.destroy();
        else if (next !== 'silence') server.write(next);
      },
      end() {},
      drain() {},
      closed() {},
    });
    return undefined;
  }, options.pair);
  const heard: string[] = [];
  const dialer = createDialer({
    world: { clock, network },
    resolver: zoneResolver(options.zone ?? ''),
    journal,
    dialled: (way, outcome) => void heard.push(`${way === 'direct' ? way : way.name} ${outcome}`),
  });
  /** How a dial came out, in words. */
  const dial = async (request: Partial<DialRequest>): Promise<string> => {
    try {
      const stream = await dialer.dial({ ...REQUEST, ...request });
      let text = '';
      stream.start({
        data(chunk) {
          text += chunk.toString();
        },
        end() {},
        drain() {},
        closed() {},
      });
      await turn();
      return `open ${text}`.trim();
    } catch (error) {
      if (error instanceof Fault) return error.event;
      assert.ok(error instanceof Error && 'code' in error);
      return `${String(error.code)}: ${error.message}`;
    }
  };
  return { clock, said, dialled, got, dial, heard };
}

const NO_TLS = { tls: new Error('no TLS') };
const OPEN = [
  Buffer.from('0500', 'hex'),
  Buffer.concat([Buffer.from('05000001000000000000', 'hex'), Buffer.from('220 mx')]),
];
const OPEN_HTTP = ['HTTP/1.1 200 OK\r\n\r\n220 mx'];

test('direct: the source address of the family, and none for a UNIX socket', async () => {
  const { dial, dialled } = stage({ '198.51.100.9': [], '2001:db8::9': [], '/run/lmtp': [] });
  const sources = { source4: '192.0.2.4', source6: '2001:db8::4' };
  for (const address of ['198.51.100.9', '2001:db8::9']) assert.equal(await dial({ address, ...sources }), 'open');
  assert.equal(await dial({ address: '/run/lmtp', port: 0, ways: [SOCKS], ...sources }), 'open');
  assert.deepEqual(
    dialled.map(({ localAddress }) => localAddress),
    ['192.0.2.4', '2001:db8::4', undefined],
  );
});

test('who dials hears which way was taken, and the service what became of each', async () => {
  const taken: Way[] = [];
  const { dial, heard } = stage({ '192.0.2.2': OPEN_HTTP, '198.51.100.9': [] });
  const hears = (way: Way): void => void taken.push(way);
  assert.equal(await dial({ ways: [HTTP], taken: hears }), 'open 220 mx');
  assert.equal(await dial({ ways: [SOCKS, 'direct'], taken: hears }), 'open');
  assert.deepEqual(taken, [HTTP, 'direct']);
  await dial({ address: '198.51.100.66' });
  assert.deepEqual(heard, ['b open', 'a failed', 'direct open', 'direct unreachable']);
});

test('through SOCKS and HTTP: the tunnel begins behind the answer; names go to proxies that look them up', async () => {
  const { dial, got, said } = stage({ '192.0.2.1': OPEN, '192.0.2.2': OPEN_HTTP });
  assert.equal(await dial({ ways: [SOCKS] }), 'open 220 mx');
  assert.equal(await dial({ ways: [HTTP] }), 'open 220 mx');
  assert.equal(await dial({ ways: [{ ...SOCKS, resolve: 'proxy' }] }), 'open 220 mx');
  assert.equal(await dial({ name: '[198.51.100.9]', ways: [{ ...HTTP, resolve: 'proxy' }] }), 'open 220 mx');
  assert.equal(got[1], '\x05\x01\x00\x01\xc6\x33\x64\x09\x00\x19');
  assert.match(got[2] ?? '', /^CONNECT 198\.51\.100\.9:25 /);
  assert.equal(got[4], '\x05\x01\x00\x03\x0amx.example\x00\x19');
  assert.match(got[5] ?? '', /^CONNECT 198\.51\.100\.9:25 /);
  assert.deepEqual(said, []);
});

test('the faults of a proxy are told apart, each by its own event with its words', async () => {
  const cases: readonly (readonly [ProxyTerms, Answers[string] | undefined, string, RegExp])[] = [
    [SOCKS, undefined, 'transport.proxy-unreachable', /proxy a \(192\.0\.2\.1:1080\) cannot be reached: ECONNREFUSED/],
    [SOCKS, ['hang-up'], 'transport.proxy-silent', /did not answer: it closed the connection/],
    [
      SOCKS,
      [Buffer.from('05ff', 'hex')],
      'transport.proxy-login-refused',
      /it asks for a login, and none is configured/,
    ],
    [
      SOCKS,
      ['HTTP/1.1 400 Bad Request\r\n'],
      'transport.proxy-wrong-protocol',
      /not SOCKS 5: 'HTTP\/1\.1 400 Bad Request'/,
    ],
    [
      SOCKS,
      [Buffer.from('0500', 'hex'), Buffer.from('0502', 'hex')],
      'transport.proxy-refused',
      /connection not allowed by ruleset/,
    ],
    [HTTP, undefined, 'transport.proxy-unreachable', /ECONNREFUSED/],
    [HTTP, ['HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n'], 'transport.proxy-login-refused', /407 No/],
    [HTTP, [Buffer.from('05ff', 'hex')], 'transport.proxy-wrong-protocol', /not HTTP/],
    [HTTP, ['HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\n25!'], 'transport.proxy-refused', /403 Forbidden; 25!/],
    [HTTP, ['hang-up'], 'transport.proxy-silent', /it closed the connection/],
  ];
  for (const [proxy, script, event, words] of cases) {
    const { dial, said } = stage(script === undefined ? {} : { [proxy.host]: script }, { pair: NO_TLS });
    assert.equal(await dial({ ways: [proxy] }), event);
    assert.equal(said.length, 1);
    assert.match(said[0] ?? '', words);
  }
});

test('a proxy that is silent in its configured kind is asked in the other, and in TLS', async () => {
  const hidden: ProxyTerms = { ...HTTP, host: '192.0.2.3' };
  const silent = stage({ '192.0.2.1': ['hang-up'], '192.0.2.3': ['hang-up'] });
  assert.equal(await silent.dial({ ways: [hidden] }), 'transport.proxy-wrong-protocol');
  assert.match(silent.said[0] ?? '', /it speaks TLS, and tls of this proxy is none/);
  const answers = [['hang-up'], ['HTTP/1.0 400 Bad Request\r\n'], ['hang-up']] as const;
  let dialled = 0;
  const http = stage(
    {
      get '192.0.2.1'() {
        return answers[dialled++ % 3];
      },
    } as Answers,
    { pair: NO_TLS },
  );
  assert.equal(await http.dial({ ways: [SOCKS] }), 'transport.proxy-wrong-protocol');
  assert.match(http.said[0] ?? '', /it answers in HTTP, not in SOCKS 5/);
});

test('a host that the proxy cannot reach is the host’s trouble, with the proxy’s words', async () => {
  const socks = stage({
    '192.0.2.1': [Buffer.from('0500', 'hex'), Buffer.from('0505', 'hex')],
    '192.0.2.2': OPEN_HTTP,
  });
  assert.equal(
    await socks.dial({ ways: [SOCKS, HTTP] }),
    'ECONNREFUSED: ECONNREFUSED; the proxy a says: connection refused',
  );
  assert.deepEqual([socks.said, socks.dialled.length], [[], 1]);
  const http = stage({ '192.0.2.2': ['HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n'] });
  assert.equal(await http.dial({ ways: [HTTP] }), 'ETIMEDOUT: ETIMEDOUT; the proxy b says: 504 Gateway Timeout');
});

test('silence: before its greeting the proxy hangs, after it the host; half a refusal is told after a moment', async () => {
  const { dial, clock } = stage(
    { '192.0.2.1': ['silence'], '192.0.2.2': ['HTTP/1.1 403 Forbidden\r\n\r\nhalf'] },
    { pair: NO_TLS },
  );
  const hangs = dial({ ways: [SOCKS] });
  await turn();
  clock.advance(30_000);
  await turn();
  clock.advance(PROXY_KIND_MS);
  assert.equal(await hangs, 'transport.proxy-silent');
  const half = dial({ ways: [HTTP] });
  await turn();
  clock.advance(1000);
  assert.equal(await half, 'transport.proxy-refused');
  const slow = stage({ '192.0.2.1': [Buffer.from('0500', 'hex'), 'silence'] });
  const waits = slow.dial({ ways: [SOCKS] });
  await turn();
  slow.clock.advance(30_000);
  assert.match(await waits, /^ETIMEDOUT/);
  assert.equal(slow.clock.pending + clock.pending, 0);
});

test('the next way is taken where a proxy fails; one that failed is asked last until it rests no more', async () => {
  const answers: Record<string, readonly Buffer[] | Error> = {};
  const { dial, dialled, clock, said } = stage({ ...answers, '192.0.2.2': OPEN_HTTP, '198.51.100.9': [] });
  assert.equal(await dial({ ways: [SOCKS, HTTP] }), 'open 220 mx');
  assert.equal(await dial({ ways: [SOCKS, HTTP] }), 'open 220 mx');
  assert.deepEqual(
    dialled.map(({ address }) => address),
    ['192.0.2.1', '192.0.2.2', '192.0.2.2'],
  );
  clock.advance(PROXY_REST_MS);
  assert.equal(await dial({ ways: [SOCKS, 'direct'] }), 'open');
  assert.deepEqual(
    dialled.slice(3).map(({ address }) => address),
    ['192.0.2.1', '198.51.100.9'],
  );
  assert.equal(said.length, 1);
});

test('without direct among the ways nothing goes out past the proxies', async () => {
  const { dial, dialled } = stage({ '198.51.100.9': [] });
  assert.equal(await dial({ ways: [SOCKS, HTTP] }), 'transport.proxy-unreachable');
  assert.deepEqual(
    dialled.map(({ address }) => address),
    ['192.0.2.1', '192.0.2.2'],
  );
});

test('a proxy that comes and goes is told of when it changes, and not more often than its silence', async () => {
  const script: { now: Answers[string] } = { now: new Error('x') };
  const { dial, said, clock } = stage({
    get '192.0.2.1'() {
      return script.now;
    },
  });
  const works = async (does: boolean): Promise<void> => {
    script.now = does ? OPEN : Object.assign(new Error('x'), { code: 'ECONNREFUSED' });
    await dial({ ways: [SOCKS] });
  };
  await works(false);
  await works(false);
  await works(true);
  await works(false);
  await works(true);
  assert.deepEqual(
    said.map((line) => /cannot be reached|works again/.exec(line)?.[0]),
    ['cannot be reached', 'works again'],
  );
  clock.advance(PROXY_SILENCE_MS);
  await works(false);
  assert.equal(said.length, 3);
});

test('a proxy’s own name is looked up, and its certificate judged where that is asked', async () => {
  const zone = 'proxy.test A 192.0.2.7\n';
  const named: ProxyTerms = { ...HTTP, host: 'proxy.test' };
  assert.equal(await stage({ '192.0.2.7': OPEN_HTTP }, { zone }).dial({ ways: [named] }), 'open 220 mx');
  const lost = stage({});
  assert.equal(await lost.dial({ ways: [named] }), 'transport.proxy-unreachable');
  assert.match(lost.said[0] ?? '', /its name proxy\.test has no address/);
  const bad = { version: 'TLSv1.3', cipher: 'x', verified: false, failure: 'self-signed certificate' };
  const judged = stage({ '192.0.2.7': OPEN_HTTP }, { zone, pair: { tls: bad } });
  assert.equal(await judged.dial({ ways: [{ ...named, tls: 'required' }] }), 'open 220 mx');
  assert.equal(await judged.dial({ ways: [{ ...named, tls: 'verified' }] }), 'transport.proxy-unreachable');
  assert.match(judged.said[0] ?? '', /its certificate is not valid for proxy\.test: self-signed certificate/);
});

test('a host that demands a PROXY header gets one first', async () => {
  const { dial, got } = stage({ '198.51.100.9': [], '192.0.2.2': OPEN_HTTP });
  await dial({ proxyHeader: 'v1' });
  await dial({ proxyHeader: 'v2' });
  await dial({ proxyHeader: 'v1', ways: [HTTP] });
  await turn();
  assert.equal(got[0], 'PROXY TCP4 192.0.2.99 198.51.100.9 50000 25\r\n');
  assert.equal(
    Buffer.from(got[1] ?? '', 'latin1').toString('hex'),
    '0d0a0d0a000d0a515549540a2111000cc0000263c6336409c3500019',
  );
  assert.equal(got[3], 'PROXY UNKNOWN\r\n');
});
