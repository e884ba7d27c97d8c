import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GatewaySettings } from '../../settings/gateways.ts';
import { gatewaySettings } from '../../settings/gateways.ts';
import type { ByteStream, Endpoint } from '../../world/ports/network.ts';
import type { Resolver } from '../../world/ports/resolver.ts';
import type { SecureShell, ShellConnection, ShellFailure, ShellSession } from '../../world/ports/secure-shell.ts';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { GATEWAY_TOLD_MAX, IDLE_MS, REFUSED_RETRY_MS } from './limits.ts';
import type { Gateways } from './port.ts';
import { createGateways } from './gateways.ts';

const KEY = 'SHA256:uNiVztksCsDhcc0u9e8BrtLJ4W3mGhaUpN3pVyDpJtk';
const turns = async (): Promise<void> => {
  for (let i = 0; i < 30; i += 1) await new Promise((resolve) => setImmediate(resolve));
};
const noNames: Resolver = { query: async () => ({ kind: 'failure', reason: 'no name server here' }) };

/** A stream of which only the ends matter. */
const streamOf = (ends: { local: Endpoint; peer: Endpoint; client: Endpoint }): ByteStream =>
  ({ ...ends, destroy() {}, start() {}, pendingBytes: 0 }) as unknown as ByteStream;

/** A far side that does as it is told. */
class FarSide implements SecureShell {
  failure: ShellFailure | undefined;
  refusesPort = false;
  loopbackOnly = false;
  forbids = true;
  banner = '';
  attempts = 0;
  sessions: FarSession[] = [];

  async publicKey(): Promise<string | undefined> {
    return undefined;
  }

  async connect(): ReturnType<SecureShell['connect']> {
    this.attempts += 1;
    if (this.failure !== undefined) return this.failure;
    const session = new FarSession(this);
    this.sessions.push(session);
    return { kind: 'connected', session };
  }
}

const notConnected = (code: string): Error =>
  Object.assign(new Error('Connection refused'), { refusal: 'not-connected', code });

class FarSession implements ShellSession {
  readonly address = '203.0.113.5';
  readonly software = 'OpenSSH_9.2';
  channels = 0;
  closed = false;
  take: (connection: ShellConnection) => void = () => undefined;
  end: (why: string) => void = () => undefined;
  readonly bound = new Set<string>();
  readonly opened: string[] = [];
  readonly #far: FarSide;
  /** A server reads its rules when a session begins. */
  readonly #rules: Pick<FarSide, 'loopbackOnly' | 'forbids'>;

  constructor(far: FarSide) {
    this.#far = far;
    this.#rules = { loopbackOnly: far.loopbackOnly, forbids: far.forbids };
  }

  async bind(address: string, port: number): Promise<number> {
    if (this.#far.refusesPort && port !== 0) throw new Error('Unable to bind');
    this.bound.add(`${address}:${port}`);
    return port;
  }

  async unbind(address: string, port: number): Promise<void> {
    this.bound.delete(`${address}:${port}`);
  }

  async open(host: string, port: number): Promise<ByteStream> {
    this.opened.push(`${host}:${port}`);
    const ends = { address: host, port };
    if (host.startsWith('127.') || host === this.address) {
      if (this.bound.size === 0 && this.#far.banner === '') throw notConnected('ECONNREFUSED');
      if (this.#rules.loopbackOnly && host !== '127.0.0.1') throw notConnected('ECONNREFUSED');
      if (this.bound.size > 0) this.arrive({ address: '127.0.0.1', port: 4 });
    } else if (host === '198.51.100.9') throw notConnected('EHOSTUNREACH');
    else if (host === '198.51.100.8' && this.#rules.forbids)
      throw Object.assign(new Error('open failed'), { refusal: 'prohibited', code: '' });
    const stream = streamOf({ local: ends, peer: ends, client: ends });
    const { banner } = this.#far;
    stream.start = (sink) => {
      if (banner !== '') queueMicrotask(() => sink.data(Buffer.from(`${banner}\r\n`)));
    };
    return stream;
  }

  run(): Promise<never> {
    return Promise.reject(new Error('no commands here'));
  }

  onConnection(take: (connection: ShellConnection) => void): void {
    this.take = take;
  }

  onEnd(end: (why: string, cut: number) => void): void {
    this.end = (why) => end(why, this.channels);
  }

  /** Says whether the connection was taken. */
  arrive(origin: Endpoint, boundPort = 25): boolean {
    let taken = false;
    this.take({
      boundAddress: '0.0.0.0',
      boundPort,
      origin,
      accept: (ends) => {
        taken = true;
        return streamOf(ends);
      },
      refuse() {},
    });
    return taken;
  }

  close(): void {
    this.closed = true;
    this.end('we closed it');
  }
}

interface Scene {
  readonly clock: ManualClock;
  readonly far: FarSide;
  readonly told: [string, Readonly<Record<string, unknown>>][];
  readonly accepted: { readonly stream: ByteStream; readonly listener: string }[];
  readonly gateways: Gateways;
}

const settingsOf = (more: Partial<GatewaySettings> = {}): GatewaySettings => ({
  ...gatewaySettings.parse({ host: '203.0.113.5', keyFile: '/k', hostKey: KEY, listen: [{ listener: 'mx' }] }),
  key: 'a key',
  ...more,
});

function scene(worker = 0, workers = 1): Scene {
  const clock = new ManualClock();
  const far = new FarSide();
  const told: Scene['told'] = [];
  const accepted: Scene['accepted'] = [];
  const gateways = createGateways({
    clock,
    journal: { emit: (name, data) => void told.push([name.replace('transport.gateway-', ''), data]) },
    shell: far,
    resolver: noNames,
    ownBanner: '220 mail.example.com ',
    worker,
    workers,
    accept: (stream, listener) => void accepted.push({ stream, listener }),
  });
  return { clock, far, told, accepted, gateways };
}

const names = ({ told }: Scene): string[] => told.map(([name]) => name);
const whyOf = ({ told }: Scene): string => String(told.at(-1)?.[1]['why']);
const WAY = { kind: 'ssh-gateway', name: 'out', resolve: 'here' } as const;
const request = (address: string) =>
  ({ name: 'mx.example.org', address, port: 25, timeoutMs: 5000, ways: [WAY] }) as const;

test('a port is bound, proved from within, and its clients keep their addresses', async () => {
  const s = scene();
  s.gateways.use({ out: settingsOf() });
  await turns();
  assert.deepEqual(s.told, [['works', { gateway: 'out', host: '203.0.113.5:22', listening: '0.0.0.0:25 for mx' }]]);
  assert.deepEqual(s.far.sessions[0]?.opened, ['127.0.0.2:25']);
  assert.equal(s.accepted.length, 0, 'our own look is no client');
  s.far.sessions[0]?.arrive({ address: '198.51.100.7', port: 4321 });
  const [one] = s.accepted;
  assert.deepEqual(one?.stream.client, { address: '198.51.100.7', port: 4321 });
  assert.deepEqual(one?.stream.peer, { address: '203.0.113.5', port: 22 });
  assert.deepEqual(one?.stream.local, { address: '203.0.113.5', port: 25 });
  assert.equal(s.gateways.states()[0]?.ports[0]?.state, 'bound');
});

test('a program on the gateway is not taken for a program of this host', async () => {
  const s = scene();
  s.gateways.use({ out: settingsOf({ publicAddress: '192.0.2.9' }) });
  await turns();
  for (const address of ['127.0.0.1', '::1', '0.0.0.0', 'UNKNOWN']) s.far.sessions[0]?.arrive({ address, port: 5 });
  assert.deepEqual(
    s.accepted.map(({ stream }) => stream.client.address),
    ['192.0.2.9', '192.0.2.9', '192.0.2.9', '192.0.2.9'],
  );
});

test('connections beyond the limit, and for ports that are not ours, are refused', async () => {
  const s = scene();
  s.gateways.use({ out: settingsOf({ connectionsMax: 3 }) });
  await turns();
  const [session] = s.far.sessions;
  assert.equal(session?.arrive({ address: '198.51.100.7', port: 1 }), true);
  assert.equal(session?.arrive({ address: '198.51.100.7', port: 1 }, 26), false);
  if (session !== undefined) session.channels = 3;
  assert.equal(session?.arrive({ address: '198.51.100.7', port: 1 }), false);
});

test('each gateway is listened on by one worker', async () => {
  const settings = { a: settingsOf(), b: settingsOf(), c: settingsOf() };
  const owned = await Promise.all(
    [0, 1].map(async (worker) => {
      const s = scene(worker, 2);
      s.gateways.use(settings);
      await turns();
      return s.gateways.states().flatMap(({ name, ports }) => (ports.length > 0 ? [name] : []));
    }),
  );
  assert.deepEqual(owned, [['a', 'c'], ['b']]);
});

test('GatewayPorts no is found, and the useless port given back', async () => {
  const s = scene();
  s.far.loopbackOnly = true;
  s.gateways.use({ out: settingsOf() });
  await turns();
  assert.deepEqual(names(s), ['forwarding-refused']);
  assert.match(whyOf(s), /GatewayPorts is no/);
  assert.equal(s.far.sessions[0]?.bound.size, 0);
});

test('a port that nobody holds and nobody gives is told apart from one that is taken', async () => {
  const s = scene();
  s.far.refusesPort = true;
  s.gateways.use({ out: settingsOf() });
  await turns();
  assert.match(whyOf(s), /ports below 1024 are root's/);
  s.far.banner = '220 vps ESMTP Postfix';
  s.clock.advance(1000);
  await turns();
  assert.deepEqual(names(s), ['forwarding-refused', 'port-taken']);
  assert.match(whyOf(s), /answers "220 vps ESMTP Postfix"/);
  s.far.banner = '220 mail.example.com ESMTP IMS';
  s.clock.advance(2000);
  await turns();
  assert.match(whyOf(s), /another session of ours holds the port; it cannot be ended from here: no commands here/);
});

test('rules that have changed are found by a new session, which takes the place of the old one', async () => {
  const s = scene();
  s.far.loopbackOnly = true;
  s.gateways.use({ out: settingsOf() });
  await turns();
  const look = async (): Promise<void> => {
    s.clock.advance(REFUSED_RETRY_MS);
    await turns();
  };
  await look();
  assert.deepEqual([s.far.sessions.length, s.far.sessions[1]?.closed], [2, true]);
  assert.equal(s.far.sessions[0]?.closed, false);
  s.far.loopbackOnly = false;
  await look();
  assert.deepEqual([s.far.sessions.length, s.far.sessions[0]?.closed], [4, true]);
  assert.deepEqual(names(s), ['forwarding-refused', 'works']);
  await s.gateways.dial(WAY, request('198.51.100.8'));
  assert.match(s.gateways.states()[0]?.trouble?.why ?? '', /may not connect to port 25/);
  s.far.forbids = false;
  await look();
  assert.equal((await s.gateways.dial(WAY, request('198.51.100.8'))).kind, 'open');
  assert.equal(s.gateways.states()[0]?.trouble, undefined);
});

test('failures to log in are told apart; those that a person must mend are not tried every second', async () => {
  const failures: [ShellFailure, string, RegExp][] = [
    [{ kind: 'unreachable', why: 'ETIMEDOUT' }, 'unreachable', /ETIMEDOUT/],
    [{ kind: 'wrong-protocol', why: 'it began with "220 x"' }, 'wrong-protocol', /220 x/],
    [
      { kind: 'host-key', shown: 'SHA256:other', type: 'ssh-rsa' },
      'host-key',
      /SHA256:other \(ssh-rsa\), and hostKey is SHA256:uN/,
    ],
    [{ kind: 'key-refused', why: 'it takes password' }, 'key-refused', /password/],
    [{ kind: 'key-unusable', why: 'no key' }, 'key-unusable', /no key/],
  ];
  for (const [failure, name, why] of failures) {
    const s = scene();
    s.far.failure = failure;
    s.gateways.use({ out: settingsOf() });
    await turns();
    assert.deepEqual(names(s), [name]);
    assert.match(whyOf(s), why);
    for (let second = 0; second < 10; second += 1) {
      s.clock.advance(1000);
      await turns();
    }
    assert.equal(s.far.attempts > 5, name === 'unreachable', `${name}: ${s.far.attempts} attempts in 10 s`);
    assert.deepEqual(names(s), [name], 'what lasts is told once');
    s.far.failure = undefined;
    s.clock.advance(REFUSED_RETRY_MS);
    await turns();
    assert.deepEqual(names(s), [name, 'works']);
  }
});

test('a session that is lost is made again; one that comes and goes is told of a few times only', async () => {
  const s = scene();
  s.gateways.use({ out: settingsOf() });
  await turns();
  for (let loss = 0; loss < 20; loss += 1) {
    s.far.sessions.at(-1)?.end('Keepalive timeout');
    s.clock.advance(200);
    await turns();
  }
  assert.equal(s.far.sessions.length, 21);
  assert.equal(names(s).filter((name) => name === 'lost').length, GATEWAY_TOLD_MAX);
  assert.equal(s.gateways.states()[0]?.state, 'up');
});

test('dialling: the far host, the gateway and its rules are told apart', async () => {
  const s = scene(1, 2);
  s.gateways.use({ out: settingsOf() });
  await turns();
  assert.equal(s.far.attempts, 0, 'a worker that does not listen connects when mail goes out');
  assert.equal((await s.gateways.dial(WAY, request('198.51.100.1'))).kind, 'open');
  const unreachable = await s.gateways.dial(WAY, request('198.51.100.9'));
  assert.ok(unreachable.kind === 'target-unreachable' && unreachable.error.code === 'EHOSTUNREACH');
  const prohibited = await s.gateways.dial(WAY, request('198.51.100.8'));
  assert.ok(prohibited.kind === 'gateway-failed');
  assert.equal(prohibited.fault.event, 'transport.gateway-forwarding-refused');
  const unknown = await s.gateways.dial({ ...WAY, name: 'gone' }, request('198.51.100.1'));
  assert.equal(unknown.kind, 'gateway-failed');
});

test('a session for outgoing mail alone ends when it is not used, and that is no trouble', async () => {
  const s = scene(1, 2);
  s.gateways.use({ out: settingsOf() });
  await s.gateways.dial(WAY, request('198.51.100.1'));
  const before = names(s).length;
  s.clock.advance(IDLE_MS + 1);
  await turns();
  assert.equal(s.far.sessions[0]?.closed, true);
  assert.equal(names(s).length, before);
});

test('mail that waits for a gateway has it tried until it works', async () => {
  const s = scene(1, 2);
  s.far.failure = { kind: 'unreachable', why: 'ECONNREFUSED' };
  s.gateways.use({ out: settingsOf() });
  assert.equal((await s.gateways.dial(WAY, request('198.51.100.1'))).kind, 'gateway-failed');
  s.far.failure = undefined;
  s.clock.advance(1000);
  await turns();
  assert.equal(s.gateways.states()[0]?.state, 'up');
});

test('a session for outgoing mail that is lost is made again, so that mail which was cut goes on', async () => {
  const s = scene(1, 2);
  s.gateways.use({ out: settingsOf() });
  await s.gateways.dial(WAY, request('198.51.100.1'));
  const [first = assert.fail()] = s.far.sessions;
  first.channels = 1;
  first.end('ECONNRESET');
  assert.deepEqual(names(s).at(-1), 'lost');
  s.clock.advance(1000);
  await turns();
  assert.equal(s.gateways.states()[0]?.state, 'up');
  s.far.sessions[1]?.end('ECONNRESET');
  s.clock.advance(1000);
  await turns();
  assert.equal(s.far.sessions.length, 2, 'one that carried nothing is made when it is needed');
});

test('settings that stay the same do not disturb a session; others begin a new one, and none ends it', async () => {
  const s = scene();
  s.gateways.use({ out: settingsOf() });
  await turns();
  s.gateways.use({ out: settingsOf() });
  await turns();
  assert.equal(s.far.sessions.length, 1);
  s.gateways.use({ out: settingsOf({ keepAlive: 9000 }) });
  await turns();
  assert.equal(s.far.sessions.length, 2);
  assert.equal(s.far.sessions[0]?.closed, true);
  s.gateways.use({});
  assert.equal(s.far.sessions[1]?.closed, true);
  assert.deepEqual(s.gateways.states(), []);
});

test('a service that stops gives its ports back and takes no more', async () => {
  const s = scene();
  s.gateways.use({ out: settingsOf() });
  await turns();
  await s.gateways.stopListening();
  const [session] = s.far.sessions;
  assert.equal(session?.bound.size, 0);
  assert.equal(session?.arrive({ address: '198.51.100.7', port: 1 }), false);
  s.gateways.close();
  assert.equal(session?.closed, true);
});
