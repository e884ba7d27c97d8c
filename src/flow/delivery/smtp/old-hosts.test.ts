import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../../test/support/manual-clock.ts';
import { ehlo } from '../../../../test/support/scripted-peer.ts';
import { one, stage } from '../../../../test/support/relay-stage.ts';
import { OLD_HOST_MS, OLD_HOSTS_MAX } from '../limits.ts';
import { OldHosts } from './old-hosts.ts';

test('a host is remembered for a while', () => {
  const clock = new ManualClock();
  const hosts = new OldHosts(clock);
  hosts.add('a');
  assert.equal(hosts.has('a'), true);
  clock.advance(OLD_HOST_MS);
  assert.equal(hosts.has('a'), false);
});

test('no more hosts are remembered than allowed; the oldest is forgotten', () => {
  const hosts = new OldHosts(new ManualClock());
  for (let n = 0; n <= OLD_HOSTS_MAX; n += 1) hosts.add(String(n));
  assert.deepEqual([hosts.has('0'), hosts.has('1')], [false, true]);
});

test('Q100352: a host that hangs up on EHLO is greeted with HELO, and the next time at once', async () => {
  let ehlos = 0;
  const old = {
    EHLO: () => {
      ehlos += 1;
      return 'hang-up' as const;
    },
  };
  const { attempt, clock } = stage({ '192.0.2.1': old });
  for (let n = 0; n < 2; n += 1) {
    assert.equal((await attempt(one())).outcomes[0]?.outcome.kind, 'delivered');
    clock.advance(10_000); // the idle connection ends
  }
  assert.equal(ehlos, 1);
  clock.advance(OLD_HOST_MS);
  await attempt(one());
  assert.equal(ehlos, 2);
});

test('a filter that swallows EHLO without a word costs one time-out: HELO follows in the same attempt, and the next time at once', async () => {
  const { attempt, clock, peers } = stage({ '192.0.2.1': { EHLO: 'silence' } });
  const first = attempt(one());
  await new Promise(setImmediate);
  clock.advance(3000);
  assert.equal((await first).outcomes[0]?.outcome.kind, 'delivered');
  clock.advance(10_000); // the idle connection ends
  assert.equal((await attempt(one())).outcomes[0]?.outcome.kind, 'delivered');
  assert.equal(peers[2]?.commands[0], 'HELO me.test');
});

test('a host that answers EHLO is not remembered', async () => {
  const { attempt, peers } = stage({ '192.0.2.1': { EHLO: ehlo(['STARTTLS']) } });
  await attempt(one());
  assert.equal(peers[0]?.commands[0], 'EHLO me.test');
});
