import assert from 'node:assert/strict';
import { test } from 'node:test';
import { one, show, stage } from '../../../../test/support/relay-stage.ts';
import { ehlo, type Script } from '../../../../test/support/scripted-peer.ts';
import type { PairOptions } from '../../../../test/support/streams.ts';
import type { RelayTerms } from '../../routing/port.ts';

test('opportunistic TLS steps down to the same host in the clear', async () => {
  for (const [script, pair] of [
    [{ EHLO: ehlo(), STARTTLS: '454 4.7.0 not now' }, {}],
    [{ EHLO: ehlo(), STARTTLS: 'hang-up' }, {}],
    [{ EHLO: ehlo() }, { tls: new Error('handshake failure') }],
  ] as const) {
    const { attempt, dialled, journal } = stage({ '192.0.2.1': script }, { pair });
    assert.match(show(await attempt(one()))[0] ?? '', /delivered/);
    assert.deepEqual(dialled, ['192.0.2.1', '192.0.2.1']);
    assert.deepEqual(journal.names, ['delivery.tls-broken']);
  }
});

const TLS: readonly (readonly [string, Partial<RelayTerms>, Script, PairOptions, string])[] = [
  ['required, offered', { tls: 'required' }, { EHLO: ehlo() }, {}, '0 delivered'],
  ['required, not offered', { tls: 'required' }, {}, {}, '0 deferred 451 4.7.10'],
  ['required, refused', { tls: 'required' }, { EHLO: ehlo(), STARTTLS: '454 no' }, {}, '0 deferred 451 4.7.10'],
  [
    'required, handshake fails',
    { tls: 'required' },
    { EHLO: ehlo() },
    { tls: new Error('no') },
    '0 deferred 451 4.7.5',
  ],
  [
    'required, certificate unfit',
    { tls: 'required' },
    { EHLO: ehlo() },
    { tls: { version: '', cipher: '', verified: false } },
    '0 delivered',
  ],
  ['verified, certificate fits', { tls: 'verified' }, { EHLO: ehlo() }, {}, '0 delivered'],
  [
    'verified, certificate unfit',
    { tls: 'verified' },
    { EHLO: ehlo() },
    { tls: { version: '', cipher: '', verified: false, failure: 'expired' } },
    '0 deferred 451 4.7.5',
  ],
  ['implicit', { tls: 'implicit' }, {}, {}, '0 delivered'],
  [
    'implicit, certificate unfit',
    { tls: 'implicit' },
    {},
    { tls: { version: '', cipher: '', verified: false } },
    '0 deferred 451 4.7.5',
  ],
];
for (const [what, terms, script, pair, outcome] of TLS) {
  test(`TLS ${what}`, async () => {
    const { attempt, journal } = stage({ '192.0.2.1': script }, { terms, pair });
    const [shown] = show(await attempt(one()));
    assert.ok(shown?.startsWith(outcome), shown);
    await attempt(one());
    assert.deepEqual(journal.names, outcome.includes('deferred') ? ['delivery.tls-demanded-in-vain'] : []);
  });
}

test('a login that is refused defers, tells the operator once, and tries the next host', async () => {
  const login = { user: 'u', password: 'secret' };
  const bad = { EHLO: ehlo(['STARTTLS'], ['AUTH PLAIN']), AUTH: '535 5.7.8 wrong' };
  const { attempt, journal, peers } = stage({ '192.0.2.1': bad }, { terms: { tls: 'none', login } });
  const [shown] = show(await attempt(one()));
  assert.match(shown ?? '', /^0 deferred 451 4\.7\.8 .*535 5\.7\.8 wrong/);
  await attempt(one());
  assert.deepEqual(journal.names, ['delivery.login-refused']);
  assert.equal(peers[0]?.commands.includes('MAIL FROM:<s@x.test>'), false);
});
