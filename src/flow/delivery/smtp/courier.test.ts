import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { claimOf, memoryContent } from '../../../../test/support/claims.ts';
import { one, show, stage, TERMS, TEXT } from '../../../../test/support/relay-stage.ts';
import { ehlo, type Script } from '../../../../test/support/scripted-peer.ts';
import type { Claim } from '../../queue/port.ts';
import { ADDRESSES_PER_ATTEMPT_MAX, CONNECTIONS_PER_ADDRESS_MAX, IDLE_CONNECTIONS_MAX } from '../limits.ts';
import type { AttemptResult } from '../port.ts';

test('a message is relayed and its session used again', async () => {
  const { attempt, peers, courier } = stage({ '192.0.2.1': {} });
  assert.deepEqual(show(await attempt(one())), ['0 delivered 250 2.0.0 queued as ABC', 'answered']);
  assert.deepEqual(show(await attempt(one())), ['0 delivered 250 2.0.0 queued as ABC', 'answered']);
  assert.equal(peers.length, 1);
  assert.equal(peers[0]?.contents[1]?.toString(), 'Subject: x\r\n\r\n..dot\r\n');
  courier.close();
  await new Promise(setImmediate);
  assert.equal(peers[0]?.commands.at(-1), 'QUIT');
});

test('the outcome names the host that took the message, and whether it owes the success report', async () => {
  const outcome = (await stage({ '192.0.2.1': {} }).attempt(one())).outcomes[0]?.outcome;
  assert.deepEqual(outcome, {
    kind: 'delivered',
    how: 'relayed',
    dsnPassed: true,
    reply: { code: 250, detail: '0.0', text: ['queued as ABC'] },
    remote: { name: 'mx1.y.test', address: '192.0.2.1' },
  });
});

const HOSTS: readonly (readonly [string, Script | string, string, 'next host' | 'stays'])[] = [
  ['a refused connection', 'ECONNREFUSED', '451 4.4.1', 'next host'],
  ['an unreachable network', 'ENETUNREACH', '451 4.4.1', 'next host'],
  ['a 4xx greeting', { greeting: '450 4.3.2 busy' }, '450 4.3.2', 'next host'],
  ['a 421 greeting', { greeting: { and: 'hang-up', say: '421 4.3.2 busy' } }, '421 4.3.2', 'next host'],
  ['a 554 greeting', { greeting: '554 no mail for you' }, '451 4.3.2', 'next host'],
  ['a 521 greeting', { greeting: '521 no mail here' }, '556 5.3.2', 'next host'],
  [
    '521 to EHLO and HELO (RFC 7504 §3)',
    { EHLO: '521 no mail here', HELO: '521 no mail here' },
    '556 5.3.2',
    'next host',
  ],
  ['a hang-up instead of a greeting', { greeting: 'hang-up' }, '451 4.4.2', 'next host'],
  ['no SMTP at all', { greeting: 'SSH-2.0' }, '451 4.5.0', 'next host'],
  ['4xx to EHLO', { EHLO: '451 later' }, '451 later', 'next host'],
  ['5xx to EHLO and HELO', { EHLO: '550 no', HELO: '550 no' }, '451 4.3.2', 'next host'],
  ['a hang-up at EHLO and HELO', { EHLO: 'hang-up', HELO: 'hang-up' }, '451 4.4.2', 'next host'],
  ['421 to MAIL', { MAIL: '421 4.3.2 bye' }, '421 4.3.2', 'next host'],
  ['421 to RCPT', { RCPT: '421 4.3.2 bye' }, '421 4.3.2', 'next host'],
  ['421 to DATA', { DATA: '421 4.3.2 bye' }, '421 4.3.2', 'next host'],
  ['a hang-up at MAIL', { MAIL: 'hang-up' }, '451 4.4.2', 'next host'],
  ['a hang-up at DATA', { DATA: 'hang-up' }, '451 4.4.2', 'next host'],
  ['421 at the end', { end: '421 4.3.2 bye' }, '421 4.3.2', 'stays'],
  ['a hang-up at the end', { end: 'hang-up' }, '451 4.4.2', 'stays'],
  ['4xx to MAIL', { MAIL: '450 4.7.1 grey' }, '450 4.7.1', 'stays'],
  ['5xx to MAIL', { MAIL: '550 5.7.1 never' }, '550 5.7.1', 'stays'],
  ['4xx to RCPT', { RCPT: '450 4.7.1 grey' }, '450 4.7.1', 'stays'],
  ['5xx to RCPT', { RCPT: '550 5.1.1 who' }, '550 5.1.1', 'stays'],
  ['4xx to DATA', { DATA: '451 4.3.0 no' }, '451 4.3.0', 'stays'],
  ['5xx to the end', { end: '554 5.7.1 spam' }, '554 5.7.1', 'stays'],
];

for (const [what, script, reply, next] of HOSTS) {
  test(`${what}: ${next}`, async () => {
    const alone = show(await stage({ '192.0.2.1': script }).attempt(one()));
    const kind = reply.startsWith('5') ? 'failed' : 'deferred';
    assert.ok(alone[0]?.startsWith(`0 ${kind} ${reply}`), alone[0]);
    const two = stage({ '192.0.2.1': script, '192.0.2.2': {} });
    const outcome = show(await two.attempt(one()))[0] ?? '';
    if (next === 'next host') assert.match(outcome, /^0 delivered/);
    else {
      assert.equal(outcome, alone[0]);
      assert.equal(two.dialled.includes('192.0.2.2'), false);
    }
  });
}

test('a next hop is refused or unreachable by what its hosts did', async () => {
  const nextHop = async (script: Script | string): Promise<string> =>
    (await stage({ '192.0.2.1': script }).attempt(one())).nextHop;
  assert.equal(await nextHop('ETIMEDOUT'), 'unreachable');
  assert.equal(await nextHop({ greeting: '421 busy' }), 'refused');
  assert.equal(await nextHop({ MAIL: '421 busy' }), 'refused');
  assert.equal(await nextHop({ end: '421 busy' }), 'refused');
  assert.equal(await nextHop({ RCPT: '550 no' }), 'answered');
});

test('a connection lost after the final dot is said to be a possible duplicate', async () => {
  const [outcome] = show(await stage({ '192.0.2.1': { end: 'hang-up' } }).attempt(one()));
  assert.match(outcome ?? '', /may have been delivered/);
});

test('no content is sent when all recipients are refused', async () => {
  const { attempt, peers } = stage({ '192.0.2.1': { RCPT: '550 5.1.1 who', DATA: '554 no recipients' } });
  await attempt(one());
  assert.equal(peers[0]?.contents.length, 0);
});

test('one outcome a recipient, each its own', async () => {
  const { attempt } = stage({
    '192.0.2.1': { 'RCPT TO:<b@y.test>': '450 4.2.2 full', 'RCPT TO:<c@y.test>': '550 5.1.1 who' },
  });
  assert.deepEqual(show(await attempt(claimOf(['a@y.test', 'b@y.test', 'c@y.test'], memoryContent(TEXT)))), [
    '0 delivered 250 2.0.0 queued as ABC',
    '1 deferred 450 4.2.2 full',
    '2 failed 550 5.1.1 who',
    'answered',
  ]);
});

test('recipients are split into transactions of one session, by our bound and by the peer’s', async () => {
  const recipients = ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}@y.test`);
  for (const [terms, script] of [
    [{ recipientsPerTransactionMax: 2 }, {}],
    [{}, { EHLO: ehlo(['STARTTLS'], ['LIMITS RCPTMAX=2']) }],
  ] as const) {
    const { attempt, peers } = stage({ '192.0.2.1': script }, { terms });
    assert.equal(
      (await attempt(claimOf(recipients, memoryContent(TEXT)))).outcomes.filter(
        ({ outcome }) => outcome.kind === 'delivered',
      ).length,
      5,
    );
    assert.equal(peers.length, 1);
    assert.equal(peers[0]?.contents.length, 3);
  }
});

test('recipients over the peer’s unstated limit go in the next transaction', async () => {
  let named = 0;
  const script: Script = {
    MAIL: () => {
      named = 0;
      return '250 ok';
    },
    RCPT: () => (++named > 2 ? '452 4.5.3 too many' : '250 ok'),
  };
  const { attempt, peers } = stage({ '192.0.2.1': script });
  const result = await attempt(
    claimOf(['a@y.test', 'b@y.test', 'c@y.test', 'd@y.test', 'e@y.test'], memoryContent(TEXT)),
  );
  assert.equal(
    result.outcomes.every(({ outcome }) => outcome.kind === 'delivered'),
    true,
  );
  assert.equal(peers[0]?.contents.length, 3);
});

test('a session takes no more messages than allowed, by us and by the peer', async () => {
  for (const [terms, script] of [
    [{ messagesPerConnectionMax: 2 }, {}],
    [{}, { EHLO: ehlo(['STARTTLS'], ['LIMITS MAILMAX=2']) }],
  ] as const) {
    const { attempt, peers } = stage({ '192.0.2.1': script }, { terms });
    for (let i = 0; i < 5; i++) await attempt(one());
    assert.deepEqual(
      peers.map((peer) => peer.contents.length),
      [2, 2, 1],
    );
  }
});

test('an idle session ends with QUIT after its time', async () => {
  const { attempt, peers, clock } = stage({ '192.0.2.1': {} });
  await attempt(one());
  clock.advance(101);
  await new Promise(setImmediate);
  assert.equal(peers[0]?.commands.at(-1), 'QUIT');
  await attempt(one());
  assert.equal(peers.length, 2);
  assert.ok(clock.pending <= 2);
});

test('an idle session that the peer gave up is replaced without an outcome for it', async () => {
  let messages = 0;
  const { attempt, peers } = stage({ '192.0.2.1': { MAIL: () => (++messages === 2 ? 'hang-up' : '250 ok') } });
  await attempt(one());
  assert.match(show(await attempt(one()))[0] ?? '', /delivered/);
  assert.equal(peers.length, 2);
});

test('sessions on other terms are not shared', async () => {
  const { attempt, courier, peers } = stage({ '192.0.2.1': {} });
  await attempt(one());
  const hosts = [{ name: 'mx1.y.test', addresses: ['192.0.2.1'], port: 25 }];
  await courier.attempt(one(), { kind: 'relay', hosts, terms: { ...TERMS, greetingName: 'other.test' }, reason: '' });
  await courier.attempt({ ...one(), nextHop: 'mx:z.test' }, { kind: 'relay', hosts, terms: TERMS, reason: '' });
  assert.equal(peers.length, 3);
});

test('a server that hangs up on EHLO is greeted with HELO', async () => {
  const { attempt, peers } = stage({ '192.0.2.1': { EHLO: 'hang-up' } });
  assert.match(show(await attempt(one()))[0] ?? '', /delivered/);
  assert.deepEqual(peers[1]?.commands.slice(0, 2), ['HELO me.test', 'MAIL FROM:<s@x.test>']);
});

const IMPOSSIBLE: readonly (readonly [string, Claim, string])[] = [
  ['8-bit content', claimOf(['a@y.test'], memoryContent('ü\r\n')), '554 5.6.3'],
  ['an internationalised address', claimOf(['ü@y.test'], memoryContent(TEXT)), '553 5.6.7'],
  ['a message that is too large', claimOf(['a@y.test'], memoryContent('x'.repeat(20))), '552 5.3.4'],
];
for (const [what, claim, reply] of IMPOSSIBLE) {
  test(`${what} fails without being sent, and the session stays`, async () => {
    const { attempt, peers } = stage({ '192.0.2.1': { EHLO: '250-peer\r\n250 SIZE 15' } });
    const [shown] = show(await attempt(claim));
    assert.ok(shown?.startsWith(`0 failed ${reply}`), shown);
    assert.deepEqual(peers[0]?.commands, ['EHLO me.test']);
    assert.match(show(await attempt(claimOf(['a@y.test'], memoryContent('x\r\n'))))[0] ?? '', /delivered/);
    assert.equal(peers.length, 1);
  });
}

test('LMTP has an outcome for each recipient from its own reply', async () => {
  let n = 0;
  const { attempt } = stage(
    { '192.0.2.1': { end: () => (++n === 2 ? '452 4.2.2 full' : '250 2.0.0 ok') } },
    { terms: { protocol: 'lmtp' } },
  );
  assert.deepEqual(show(await attempt(claimOf(['a@y.test', 'b@y.test', 'c@y.test'], memoryContent(TEXT)))), [
    '0 delivered 250 2.0.0 ok',
    '1 deferred 452 4.2.2 full',
    '2 delivered 250 2.0.0 ok',
    'answered',
  ]);
});

test('content streams with back-pressure', async () => {
  const bytes = Buffer.from(`${'.line of some length\r\n'.repeat(20_000)}`);
  for (const [script, size] of [
    [{}, bytes.length + 20_000],
    [{ EHLO: ehlo(['STARTTLS'], ['CHUNKING']) }, bytes.length],
  ] as const) {
    const { attempt, peers } = stage({ '192.0.2.1': script }, { pair: { highWater: 1000 } });
    assert.match(
      show(await attempt(claimOf(['a@y.test'], memoryContent(bytes, { streamed: true }))))[0] ?? '',
      /delivered/,
    );
    assert.equal(peers[0]?.contents[0]?.length, size);
  }
});

test('content that cannot be read defers, with an event', async () => {
  const { attempt, journal } = stage({ '192.0.2.1': {} });
  const broken = {
    ...memoryContent(TEXT, { streamed: true }),
    async *chunks(): AsyncGenerator<Buffer> {
      yield Buffer.from('Subj');
      throw new Error('EIO');
    },
  };
  assert.match(show(await attempt(claimOf(['a@y.test'], broken)))[0] ?? '', /^0 deferred 451 4\.3\.0/);
  assert.deepEqual(journal.names, ['delivery.content-unreadable']);
});

for (const [step, ms] of [
  ['greeting', 2000],
  ['EHLO', 3000],
  ['MAIL', 3000],
  ['RCPT', 4000],
  ['DATA', 5000],
  ['end', 7000],
] as const) {
  test(`a server that is silent at ${step} is given up after its time`, async () => {
    const { attempt, clock } = stage({ '192.0.2.1': { [step]: 'silence', HELO: '421 4.3.2 no' } });
    let result: AttemptResult | undefined;
    const attempted = attempt(one()).then((found) => (result = found));
    await new Promise(setImmediate);
    clock.advance(ms - 1);
    await new Promise(setImmediate);
    assert.equal(result, undefined);
    clock.advance(2);
    await attempted;
    // Silence at EHLO may be that of a filter: HELO was tried.
    assert.match(show(await attempted)[0] ?? '', step === 'EHLO' ? /^0 deferred 421/ : /^0 deferred 451 4\.4\.2/);
    assert.equal(clock.pending, 0);
  });
}

test('chunking of what a server says never changes the outcomes', async () => {
  const scripts: Script[] = [
    {},
    { EHLO: ehlo(['STARTTLS'], ['CHUNKING']) },
    { EHLO: ehlo(['PIPELINING', 'STARTTLS']) },
    { 'RCPT TO:<a@y.test>': '550-5.1.1 a\r\n550 5.1.1 b' },
    { end: '451 x' },
  ];
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...scripts), fc.integer({ min: 1, max: 40 }), async (script, size) => {
      const cut = (bytes: Buffer): Buffer[] =>
        Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
      const claim = claimOf(['a@y.test', 'b@y.test'], memoryContent(TEXT));
      const whole = show(await stage({ '192.0.2.1': script }).attempt(claim));
      assert.deepEqual(show(await stage({ '192.0.2.1': script }, { pair: { cut } }).attempt(claim)), whole);
    }),
  );
});

test('an attempt tries no more addresses than allowed', async () => {
  const scripts = Object.fromEntries(
    Array.from({ length: ADDRESSES_PER_ATTEMPT_MAX + 5 }, (_, i) => [`192.0.2.${i + 1}`, 'ECONNREFUSED']),
  );
  const { attempt, dialled } = stage(scripts);
  assert.equal((await attempt(one())).nextHop, 'unreachable');
  assert.equal(dialled.length, ADDRESSES_PER_ATTEMPT_MAX);
});

test('an attempt uses no more connections to one address than allowed, and defers the rest', async () => {
  const { attempt, peers } = stage(
    { '192.0.2.1': {} },
    { terms: { messagesPerConnectionMax: 1, recipientsPerTransactionMax: 1 } },
  );
  const recipients = Array.from({ length: CONNECTIONS_PER_ADDRESS_MAX + 3 }, (_, i) => `a${i}@y.test`);
  const result = await attempt(claimOf(recipients, memoryContent(TEXT)));
  assert.equal(peers.length, CONNECTIONS_PER_ADDRESS_MAX);
  assert.equal(result.outcomes.length, recipients.length);
  assert.equal(result.outcomes.filter(({ outcome }) => outcome.kind === 'deferred').length, 3);
});

test('no more idle sessions are kept than allowed', async () => {
  const { attempt, peers } = stage({ '192.0.2.1': {} });
  const claims = Array.from({ length: IDLE_CONNECTIONS_MAX + 3 }, (_, i) => ({ ...one(), nextHop: `mx:${i}.test` }));
  for (const claim of claims) await attempt(claim);
  await new Promise(setImmediate);
  assert.equal(peers.filter((peer) => peer.commands.at(-1) === 'QUIT').length, 3);
});

test('no hosts at all defer', async () => {
  assert.deepEqual(show(await stage({}).attempt(one())), [
    '0 deferred 451 4.4.1 no host to deliver to is known at present',
    'unreachable',
  ]);
});

test('503 to MAIL on a connection that was used before asks for a new connection and returns nothing', async () => {
  let mails = 0;
  const forgetful = {
    MAIL: () => {
      mails += 1;
      return mails === 2 ? '503 5.5.1 sender already specified' : '250 2.1.0 ok';
    },
  };
  const { attempt, peers } = stage({ '192.0.2.1': forgetful });
  for (let n = 0; n < 2; n += 1) assert.equal((await attempt(one())).outcomes[0]?.outcome.kind, 'delivered');
  assert.equal(peers.length, 2);
});
