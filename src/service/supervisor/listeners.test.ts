import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import type { Journal } from '../../events/journal.ts';
import type { ListenersSettings } from '../../settings/listeners.ts';
import type { Briefing } from '../messages.ts';
import { Listeners } from './listeners.ts';

/** Opens listeners on a system where binding some addresses fails. */
function opened(addresses: readonly string[], failing: Readonly<Record<string, string>>) {
  const told: string[] = [];
  const bound: string[] = [];
  const journal = { emit: (name: string) => told.push(name) } as unknown as Journal;
  const listeners = new Listeners({
    clock: new ManualClock(),
    journal,
    bind: (address, port) => {
      const errno = failing[address];
      if (errno !== undefined) throw Object.assign(new Error(errno), { code: errno });
      return { handle: {} as never, address, port, close: () => undefined };
    },
    inherited: [],
    onBound: (_name, { address }) => bound.push(address),
    onChanged: () => undefined,
  });
  listeners.open({ mx: { profile: 'mx', tls: 'none', address: addresses, port: 25 } } as unknown as ListenersSettings);
  listeners.close();
  return { told, bound };
}

test('without IPv6 a listener on every address takes every IPv4 address, and says so', () => {
  const { told, bound } = opened(['::'], { '::': 'EAFNOSUPPORT' });
  assert.deepEqual(bound, ['0.0.0.0']);
  assert.deepEqual(told, ['supervisor.listener-ipv4-only']);
});

test('a bind that a layer answers without binding that port is no bound listener, and the layer is named', () => {
  const told: unknown[] = [];
  const closed: number[] = [];
  const listeners = new Listeners({
    clock: new ManualClock(),
    journal: { emit: (name: string, data: unknown) => told.push([name, data]) } as unknown as Journal,
    bind: (address, port) => ({ handle: {} as never, address, port: 0, close: () => closed.push(port) }),
    inherited: [],
    layer: 'a proxy client (/lib/libwsp.so)',
    onBound: () => assert.fail('nothing is bound'),
    onChanged: () => undefined,
  });
  listeners.open({ mx: { profile: 'mx', tls: 'none', address: '::', port: 25 } } as unknown as ListenersSettings);
  const [state] = listeners.states();
  listeners.close();
  assert.deepEqual(closed, [25]);
  assert.equal(state?.state, 'failed');
  assert.match(state?.cause ?? '', /the port is not bound.*a proxy client \(\/lib\/libwsp\.so\)/);
  assert.equal(told.length, 1);
  assert.match(JSON.stringify(told), /"supervisor.listener-not-bound".*"errno":"EBADE".*libwsp/);
});

test('where IPv4 has its own place, or the address is taken, nothing else is bound', () => {
  assert.deepEqual(opened(['0.0.0.0', '::'], { '::': 'EAFNOSUPPORT' }), {
    told: ['supervisor.listener-not-bound'],
    bound: ['0.0.0.0'],
  });
  assert.deepEqual(opened(['::'], { '::': 'EADDRINUSE' }), { told: ['supervisor.listener-not-bound'], bound: [] });
});

test('every IPv4 and every IPv6 address on one port are told as a pair, once', () => {
  assert.deepEqual(opened(['0.0.0.0', '::'], {}), {
    told: ['supervisor.listeners-side-by-side'],
    bound: ['0.0.0.0', '::'],
  });
});

test('a place that could not be bound is given up once the configuration asks for it no longer', () => {
  const clock = new ManualClock();
  let tries = 0;
  let changes = 0;
  const listeners = new Listeners({
    clock,
    journal: { emit: () => undefined } as unknown as Journal,
    bind: (address, port) => {
      if (address === '0.0.0.0') return { handle: {} as never, address, port, close: () => undefined };
      tries += 1;
      throw Object.assign(new Error('x'), { code: 'EADDRNOTAVAIL' });
    },
    inherited: [],
    onBound: () => undefined,
    onChanged: () => {
      changes += 1;
    },
  });
  const asked = (...address: readonly string[]) =>
    ({ mx: { profile: 'mx', tls: 'none', address, port: 25 } }) as unknown as ListenersSettings;
  listeners.open(asked('0.0.0.0', '::1'));
  assert.match(listeners.states()[1]?.cause ?? '', /or its IPv6 is turned off/);
  listeners.giveUp(asked('0.0.0.0', '::1'));
  assert.equal(listeners.states().length, 2);
  const used = { settings: { listeners: asked('0.0.0.0', '::1') } } as unknown as Briefing;
  assert.deepEqual(listeners.withoutGivenUp(used, asked('0.0.0.0')).settings.listeners, asked('0.0.0.0'));
  changes = 0;
  listeners.giveUp(asked('192.0.2.10'));
  assert.deepEqual(
    listeners.states().map(({ address, state }) => `${address} ${state}`),
    ['0.0.0.0 bound'],
    'what is bound stays until a restart',
  );
  const before = tries;
  clock.advance(600_000);
  assert.deepEqual([tries - before, changes], [0, 1]);
  listeners.close();
});
