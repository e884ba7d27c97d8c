import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookWith, settingsOf } from '../../../../test/support/doctor-parts.ts';
import { introductionAnswer } from '../../../flow/reception/introductions.ts';
import { SeededRandom } from '../../../world/sim/random.ts';
import { zoneResolver } from '../../../world/sim/resolver.ts';
import type { OutsideAnswer, OutsideLook } from '../../actions/outside.ts';
import type { Settings } from '../../../settings/index.ts';
import type { Verdict } from '../verdict.ts';
import { mailHostsLeadHere } from './outside.ts';

const ZONE =
  'our.test MX 10 mail.our.test\nour.test MX 20 filter.test\nmail.our.test A 203.0.113.9\nfilter.test A 203.0.113.50\n';
const INNER = ZONE.replace('203.0.113.9', '100.64.3.2');

function settings(doctor = ''): Settings {
  return settingsOf(
    `server: { name: mail.our.test, data: /srv/ims }
domains: { our.test: { mailboxes: { postmaster: {} } } }
routing: { proxies: { rented: { kind: socks5, host: 203.0.113.1 } } }
${doctor === '' ? '' : `doctor: ${doctor}\n`}`,
    '{ profile: mx, address: 0.0.0.0, port: 25 }',
  );
}

type Say = (look: OutsideLook, introduced: string) => OutsideAnswer;

/** What the check finds where names are as in the zone, and looks from outside are answered by `say`. */
function look(zone: string, doctor: string, say: Say, running = true): Promise<Verdict> {
  let introduced = '';
  return lookWith(mailHostsLeadHere, {
    settings: settings(doctor),
    answers: {
      'listeners.introduce': (input) => {
        const { word, key } = input as { word: string; key: string };
        introduced = introductionAnswer(key, word, 'mx');
        return running ? { workers: 2, of: 2 } : undefined;
      },
      'outside.look': (input) => say(input as OutsideLook, introduced),
    },
    more: { resolver: zoneResolver(zone), random: new SeededRandom(1) },
  });
}

const never: Say = () => assert.fail('nothing is asked outside');
const ours: Say = (_look, introduced) => ({
  kind: 'greeting',
  banner: '220 mail.our.test ESMTP IMS',
  answer: `250 2.0.0 ${introduced}`,
});

test('Q193863: an inner address that our own name servers tell proves nothing', async () => {
  const found = await look(INNER, '', never);
  assert.equal(found.kind, 'not-applicable');
  assert.match('because' in found ? found.because : '', /set doctor\.outsideResolver or doctor\.outsideProbe/);
  assert.equal((await look(ZONE, '', never)).kind, 'healthy');
});

test('without a name server outside, the far side looks the mail hosts up', async () => {
  const asked: string[] = [];
  const found = await look(INNER, '{ outsideProbe: rented }', (one, introduced) => {
    if (one.what === 'greeting') asked.push(one.host);
    return ours(one, introduced);
  });
  assert.equal(found.kind, 'healthy');
  assert.deepEqual(asked.sort(), ['filter.test', 'mail.our.test']);
});

test('a mail host of others is none of ours to be: only our own names must lead here', async () => {
  const front: Say = (one, introduced) =>
    one.what === 'greeting' && one.host === 'filter.test'
      ? { kind: 'greeting', banner: '220 filter.test ESMTP', answer: '250 ok' }
      : ours(one, introduced);
  assert.equal((await look(ZONE, '{ outsideProbe: rented }', front)).kind, 'healthy');
  const foreign = await look(ZONE, '{ outsideProbe: rented }', () => ({
    kind: 'greeting',
    banner: '220 nas.lan ESMTP',
    answer: '250 ok',
  }));
  assert.equal(foreign.kind, 'unhealthy');
  assert.match('cause' in foreign ? foreign.cause : '', /meet another server \(220 nas\.lan ESMTP\)/);
});

test('a port that nobody outside can reach is told with what the router is to do', async () => {
  const found = await look(ZONE, '{ outsideProbe: rented }', () => ({ kind: 'closed', why: 'ETIMEDOUT' }));
  assert.equal(found.kind, 'unhealthy');
  assert.match('cure' in found ? found.cure : '', /forward TCP port 25 to .* port 25/);
});

test('a proxy that fails, and a service that does not run, tell nothing', async () => {
  const failing: Say = () => ({ kind: 'way-failed', why: 'the proxy rented cannot be reached: ECONNREFUSED' });
  assert.equal((await look(ZONE, '{ outsideProbe: rented }', failing)).kind, 'unknown');
  assert.equal((await look(ZONE, '{ outsideProbe: rented }', never, false)).kind, 'unknown');
});

test('a name server outside is asked by the way that the settings name', async () => {
  const records = { A: ['192.168.7.7'], AAAA: [], MX: [{ preference: 10, exchange: 'mail.our.test' }] };
  const found = await look(ZONE, '{ outsideProbe: rented, outsideResolver: 203.0.113.53 }', (one) => {
    assert.ok(one.what === 'addresses' && one.server === '203.0.113.53' && one.way === 'rented');
    return { kind: 'addresses', records: records[one.type] };
  });
  assert.equal(found.kind, 'unhealthy');
  assert.match('cure' in found ? found.cure : '', /^Change the A record of mail\.our\.test from 192\.168\.7\.7 to /);
});
