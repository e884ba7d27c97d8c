import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { streamPair } from '../../test/support/streams.ts';
import { Fault } from '../events/fault.ts';
import { PROXY_LOOK_MS, PROXY_LOOK_MS_MAX, PROXY_REFUSAL_MS } from './limits.ts';
import type { DialRequest, ProxyTerms } from './port.ts';
import type { ProxyFault, ProxyTrouble } from './proxy-fault.ts';
import { ProxyHealth, type ProxyState } from './proxy-health.ts';
import type { Looked } from './proxy-look.ts';

const turn = (): Promise<void> => new Promise(setImmediate);
const PROXY: ProxyTerms = { name: 'a', kind: 'socks5', host: '192.0.2.1', port: 1080, tls: 'none', resolve: 'here' };
const REQUEST: DialRequest = {
  name: 'mx.example',
  address: '198.51.100.9',
  port: 25,
  timeoutMs: 30_000,
  ways: [PROXY],
};
const OTHER: DialRequest = { ...REQUEST, address: '198.51.100.10' };
const fault = (event: ProxyTrouble): ProxyFault => new Fault(event, { proxy: 'a', host: '192.0.2.1:1080', why: 'no' });
const DOWN = fault('transport.proxy-unreachable');
const REFUSED = fault('transport.proxy-refused');
const reached: Looked = {
  kind: 'target-unreachable',
  error: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }),
};

function room(answer: Looked = { kind: 'proxy-failed', fault: DOWN }) {
  const clock = new ManualClock();
  const told: string[] = [];
  const states: ProxyState[] = [];
  const looked: number[] = [];
  const stage: { answer: Looked } = { answer };
  const health = new ProxyHealth({
    clock,
    journal: { emit: (name) => void told.push(name) },
    look: async () => {
      looked.push(clock.now());
      return stage.answer;
    },
    changed: (state) => void states.push(state),
  });
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 1000) {
      clock.advance(Math.min(1000, left));
      await turn();
    }
  };
  return { clock, told, states, looked, stage, health, pass };
}

test('a proxy that failed is looked after with back-off, told of once, and works again by itself', async () => {
  const { clock, told, states, looked, stage, health, pass } = room();
  const start = clock.now();
  health.fails(PROXY, DOWN, REQUEST);
  assert.equal(states.at(-1)?.nextLookMs, start + PROXY_LOOK_MS);
  await pass(15_000);
  assert.deepEqual(
    looked.map((at) => at - start),
    [2000, 6000, 14_000],
  );
  assert.deepEqual(told, ['transport.proxy-unreachable']);
  await pass(600_000);
  const [before = 0, last = 0] = looked.slice(-2);
  assert.equal(last - before, PROXY_LOOK_MS_MAX);
  stage.answer = reached;
  await pass(PROXY_LOOK_MS_MAX);
  assert.deepEqual(told, ['transport.proxy-unreachable', 'transport.proxy-works-again']);
  assert.equal(states.at(-1)?.state, 'well');
  assert.equal(clock.pending, 0);
});

test('while a proxy rests, one at a time finds out whether it works, and all others learn why at once', () => {
  const { health } = room();
  assert.equal(health.pauses('a'), undefined);
  health.fails(PROXY, DOWN, REQUEST);
  assert.equal(health.pauses('a'), undefined);
  assert.equal(health.pauses('a'), DOWN);
  health.works('a', REQUEST);
  assert.equal(health.pauses('a'), undefined);
  assert.equal(health.pauses('a'), undefined);
  health.close();
});

test('a proxy that refuses one host is asked for all others, and still counts as refusing that one', async () => {
  const { health, states, clock } = room({ kind: 'proxy-failed', fault: REFUSED });
  health.fails(PROXY, REFUSED, REQUEST);
  for (let n = 0; n < 3; n += 1) assert.equal(health.pauses('a'), undefined);
  health.works('a', OTHER);
  assert.equal(states.at(-1)?.state, 'resting');
  health.works('a', REQUEST);
  assert.equal(states.at(-1)?.state, 'well');
  health.fails(PROXY, REFUSED, REQUEST);
  clock.advance(PROXY_REFUSAL_MS + 1);
  await turn();
  health.works('a', OTHER);
  assert.equal(states.at(-1)?.state, 'well');
  assert.equal(clock.pending, 0);
});

test('what is known of a proxy ends with its settings, and holds as long as they stay', () => {
  const { health, states, clock } = room();
  health.use({ a: { port: 1 }, b: {} });
  health.fails(PROXY, DOWN, REQUEST);
  health.use({ a: { port: 1 } });
  assert.deepEqual([states.at(-1)?.state, health.states().length], ['resting', 1]);
  health.use({ a: { port: 2 } });
  assert.deepEqual([states.at(-1)?.state, health.states().length, clock.pending], ['well', 0, 0]);
});

/** A look that makes the connection, and whether the host there says anything. */
const opens = (greeted: boolean): Looked => ({
  kind: 'open',
  stream: streamPair().client,
  greeted: Promise.resolve(greeted),
});
const HUNG_MS = 120_000;

test('after a session in silence a look comes before more mail for that host; a proxy that passes things on is not told of', async () => {
  const { health, told, states, looked } = room(opens(true));
  health.hangs(PROXY, REQUEST, HUNG_MS);
  assert.equal(health.pauses('a', REQUEST)?.event, 'transport.proxy-hangs');
  assert.equal(health.pauses('a', OTHER), undefined);
  await turn();
  assert.equal(health.pauses('a', REQUEST), undefined);
  assert.deepEqual([looked.length, told, states.at(-1)?.state], [1, [], 'well']);
  health.hangs(PROXY, REQUEST, HUNG_MS);
  health.passes('a');
  health.hangs(PROXY, REQUEST, HUNG_MS);
  await turn();
  assert.deepEqual([looked.length, told], [2, []], 'others came through it meanwhile: it is the host');
});

test('a proxy that makes connections and passes nothing on is told once, and looked after until something comes', async () => {
  const { health, told, states, looked, stage, clock, pass } = room(opens(false));
  health.hangs(PROXY, REQUEST, HUNG_MS);
  await turn();
  assert.deepEqual(told, ['transport.proxy-hangs']);
  health.works('a', REQUEST);
  assert.equal(health.pauses('a', REQUEST)?.event, 'transport.proxy-hangs', 'connections alone prove nothing');
  await pass(10_000);
  assert.equal(looked.length, 3);
  assert.deepEqual([told.length, states.at(-1)?.state], [1, 'resting']);
  stage.answer = opens(true);
  await pass(10_000);
  assert.deepEqual(told, ['transport.proxy-hangs', 'transport.proxy-works-again']);
  assert.deepEqual([states.at(-1)?.state, clock.pending], ['well', 0]);
});

test('mail of another host that comes through ends the hanging; a look that the proxy does not answer makes it its fault', async () => {
  const first = room(opens(false));
  first.health.hangs(PROXY, REQUEST, HUNG_MS);
  await turn();
  first.health.passes('a');
  assert.deepEqual(first.told, ['transport.proxy-hangs', 'transport.proxy-works-again']);
  const second = room();
  second.health.hangs(PROXY, REQUEST, HUNG_MS);
  await turn();
  assert.deepEqual(second.told, ['transport.proxy-unreachable']);
  assert.equal(second.health.pauses('a', OTHER), undefined);
  assert.equal(second.health.pauses('a', OTHER), DOWN);
  second.health.close();
});
