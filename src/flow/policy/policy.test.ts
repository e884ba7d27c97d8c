import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Addresses } from '../../../test/support/reception.ts';
import { tableDirectory } from '../../../test/support/reception.ts';
import type { Mailbox } from '../../mail/mailbox.ts';
import { enhancedStatus } from '../../mail/reply.ts';
import type { Reply } from '../../mail/reply.ts';
import type { PolicySettings } from '../../settings/policy.ts';
import type { Answer, Resolver } from '../../world/ports/resolver.ts';
import { loginsCalmMin } from './limits.ts';
import { createPolicy } from './policy.ts';
import type { EtrnOutcome, Policy, PolicySession } from './policy.ts';

const closed: PolicySettings = {
  localNetworks: [],
  blockedNetworks: [],
  etrn: { hosts: [] },
  blockedSenders: [],
  refuseNullMxSenders: false,
  spf: { mode: 'off', receivedSpf: false, timeout: 5000 },
  dnsbl: [],
  uncheckedNetworks: [],
};
const stranger: PolicySession = { profile: 'mx', clientAddress: '198.51.100.7', account: undefined };
const customer: PolicySession = { profile: 'submission', clientAddress: '198.51.100.7', account: 'me@example.test' };
const show = (reply: Reply | undefined): string =>
  reply === undefined ? 'welcome' : `${reply.code} ${enhancedStatus(reply)}`;

type Extra = Partial<Pick<Parameters<typeof createPolicy>[0], 'etrn' | 'resolver' | 'hasRoute'>>;

function policyOf(
  settings: Partial<PolicySettings> = {},
  addresses: Addresses = {},
  events: string[] = [],
  etrn?: () => EtrnOutcome,
  extra: Extra = {},
): Policy {
  return createPolicy({
    settings: { ...closed, ...settings },
    directory: tableDirectory({ 'alice@example.test': ['alice@example.test'], ...addresses }),
    journal: { emit: (name) => void events.push(name) },
    ...(etrn === undefined ? {} : { etrn }),
    ...extra,
  });
}

type Exchange = { readonly preference: number; readonly exchange: string };

/** MX records by domain; of every other name no answer comes. */
function scriptedResolver(
  asked: string[],
  zone: Readonly<Record<string, readonly Exchange[]>>,
): Pick<Resolver, 'query'> {
  const query = (name: string): Promise<Answer<'MX'>> => {
    asked.push(name);
    const records = zone[name];
    if (records === undefined) return Promise.resolve({ kind: 'failure', reason: 'no answer' });
    return Promise.resolve({ kind: 'records', records, canonicalName: name, ttlSeconds: 60, authenticated: false });
  };
  return { query: query as Resolver['query'] };
}

const at = (localPart: string, domain: string): Mailbox => ({ localPart, domain });

async function decide(
  policy: Policy,
  session: PolicySession,
  mailbox: Mailbox,
  from: Mailbox | null = at('a', 'remote.test'),
): Promise<string> {
  return show((await policy.recipient(session, from, { mailbox })).reply);
}

test('Q304897, Q244346: third-party relay tests are all refused at RCPT, also where a mailbox would catch them', async () => {
  const policy = policyOf({}, { '"user%remote.test"@example.test': ['alice@example.test'] });
  const tricks: Mailbox[] = [
    at('user', 'remote.test'),
    at('user%remote.test', 'example.test'),
    at('user@remote.test', 'example.test'),
    at('remote.test!user', 'example.test'),
    at('@example.test:user@remote.test', 'example.test'),
    at('user%remote.test', 'remote.test'),
    at('IMCEASMTP-user+40remote+2Etest', 'example.test'),
    at('imceaex-_O=X', 'example.test'),
    at('user', '[192.0.2.99]'),
    at('user%remote.test', 'held.test'),
    at('user', ''),
  ];
  for (const mailbox of tricks)
    assert.match(await decide(policy, stranger, mailbox), /^550 5\.(7|1)\.1$/, JSON.stringify(mailbox));
  for (const from of [null, at('alice', 'example.test'), at('postmaster', 'example.test')]) {
    assert.equal(await decide(policy, stranger, at('user', 'remote.test'), from), '550 5.7.1');
  }
});

test('Q197976: an unknown mailbox of ours is 550 5.1.1 at RCPT, a known one is taken', async () => {
  const policy = policyOf();
  assert.equal(await decide(policy, stranger, at('nobody', 'example.test')), '550 5.1.1');
  assert.equal(await decide(policy, stranger, at('Alice', 'example.test')), '250 2.1.5');
});

test('Q245041: only postmaster itself is postmaster, in any case, with and without a domain, also for blocked senders', async () => {
  const policy = policyOf({ blockedSenders: ['*.spam.test', 'spam.test'] });
  const spammer = at('x', 'mx.spam.test');
  for (const mailbox of [at('postmaster', 'example.test'), at('PostMaster', ''), at('POSTMASTER', 'hosted.test')]) {
    assert.equal(await decide(policy, stranger, mailbox, spammer), '250 2.1.5', JSON.stringify(mailbox));
  }
  assert.equal(
    await decide(policy, stranger, at('postmaster', 'mail.example.test'), spammer),
    '250 2.1.5',
    'of this host',
  );
  assert.equal(await decide(policy, stranger, at('postmaster', 'remote.test')), '550 5.7.1');
  for (const local of ['p', 'po', 'postmasters', 'post']) {
    assert.equal(await decide(policy, stranger, at(local, 'example.test')), '550 5.1.1');
  }
  assert.equal(await decide(policy, stranger, at('alice', 'example.test'), spammer), '550 5.7.1');
  assert.equal(await decide(policy, stranger, at('alice', 'example.test'), at('x', 'notspam.test')), '250 2.1.5');
});

test('what the directory says becomes the reply that fits', async () => {
  const events: string[] = [];
  const policy = policyOf(
    {},
    {
      'gone@example.test': { kind: 'disabled', why: 'left the company' },
      'circle@example.test': { kind: 'broken', why: 'circle -> circle' },
      'later@example.test': { kind: 'unavailable', why: 'directory down' },
      'shared@example.test': { kind: 'remote' },
    },
    events,
  );
  assert.equal(await decide(policy, stranger, at('gone', 'example.test')), '550 5.2.1');
  assert.equal(await decide(policy, stranger, at('circle', 'example.test')), '451 4.3.5');
  assert.equal(await decide(policy, stranger, at('later', 'example.test')), '451 4.3.0');
  assert.equal(await decide(policy, stranger, at('later', 'example.test')), '451 4.3.0');
  assert.equal(await decide(policy, stranger, at('shared', 'example.test')), '250 2.1.5');
  assert.deepEqual(events, ['policy.directory-unavailable'], 'told once, when it begins');
});

test('Q251283: loopback relays only where the settings say so; a login, a local network and a relay domain do', async () => {
  const loopback = { ...stranger, clientAddress: '127.0.0.1' };
  assert.equal(await decide(policyOf(), loopback, at('user', 'remote.test')), '550 5.7.1');
  const policy = policyOf({ localNetworks: ['127.0.0.0/8'] });
  assert.equal(await decide(policy, loopback, at('user', 'remote.test')), '250 2.1.5');
  assert.equal(await decide(policy, stranger, at('user', 'remote.test')), '550 5.7.1');
  assert.equal(await decide(policy, customer, at('user', 'remote.test')), '250 2.1.5');
  assert.equal(await decide(policy, stranger, at('user', 'held.test')), '250 2.1.5');
  assert.equal(await decide(policy, { ...loopback, profile: 'lmtp' }, at('user', 'remote.test')), '550 5.7.1');
});

test('Q273907: an alias of ours does not lead to a domain where mail may not go', async () => {
  const policy = policyOf(
    { remoteDomainsAllowed: ['partner.test', '*.partner.test'] },
    {
      'fwd@example.test': ['x@other.test'],
      'ok@example.test': ['x@mx.partner.test'],
      'both@example.test': ['alice@example.test', 'x@other.test'],
    },
  );
  assert.equal(await decide(policy, stranger, at('fwd', 'example.test')), '550 5.7.1');
  assert.equal(await decide(policy, stranger, at('both', 'example.test')), '550 5.7.1');
  assert.equal(await decide(policy, stranger, at('ok', 'example.test')), '250 2.1.5');
  assert.equal(await decide(policy, customer, at('x', 'partner.test')), '250 2.1.5');
  const { reply } = await policy.recipient(customer, null, { mailbox: at('x', 'other.test') });
  assert.match(reply.text.join(), /other\.test.*remoteDomainsAllowed/);
});

test('Q155920: a blocked network is refused with 554, an exception within it is not, and the narrower rule wins both ways', () => {
  const events: string[] = [];
  const policy = policyOf(
    { blockedNetworks: ['203.0.113.0/24', '192.0.2.9'], localNetworks: ['203.0.113.8/32', '192.0.2.0/24'] },
    {},
    events,
  );
  const from = (clientAddress: string): string => show(policy.connection({ ...stranger, clientAddress }));
  assert.equal(from('203.0.113.7'), '554 5.7.1');
  assert.equal(from('203.0.113.8'), 'welcome');
  assert.equal(from('192.0.2.9'), '554 5.7.1');
  assert.equal(from('192.0.2.8'), 'welcome');
  assert.deepEqual(events, ['policy.client-blocked', 'policy.client-blocked']);
});

test('a logged-in sender is its own or null; others are not asked', async () => {
  const policy = policyOf();
  const options = { body: '7bit', smtpUtf8: false } as const;
  assert.equal(show(await policy.sender(customer, { ...options, reversePath: at('me', 'example.test') })), '250 2.1.0');
  assert.equal(
    show(await policy.sender(customer, { ...options, reversePath: at('boss', 'example.test') })),
    '553 5.7.1',
  );
  assert.equal(show(await policy.sender(customer, { ...options, reversePath: null })), '250 2.1.0');
  assert.equal(
    show(await policy.sender(stranger, { ...options, reversePath: at('boss', 'example.test') })),
    '250 2.1.0',
  );
});

test('ETRN is for hosts allowed and domains held: 250 to 253 as it goes, else 459, and 501 for what is no domain', async () => {
  const asked = { ...stranger, clientAddress: '192.0.2.5' };
  const of = async (outcome: EtrnOutcome, argument = 'held.test', session = asked): Promise<string> =>
    show(await policyOf({ etrn: { hosts: ['192.0.2.0/24'] } }, {}, [], () => outcome).etrn(session, argument));
  assert.equal(await of({ kind: 'started', messages: 0 }), '250 2.0.0');
  assert.equal(await of({ kind: 'started', messages: 5 }), '253 2.0.0');
  assert.equal(await of({ kind: 'nothing' }, '@HELD.test'), '251 2.0.0');
  assert.equal(await of({ kind: 'unable' }), '458 4.3.0');
  assert.match(await of({ kind: 'nothing' }, 'other.test'), /^459/);
  assert.match(await of({ kind: 'nothing' }, 'held.test', stranger), /^459/);
  assert.match(await of({ kind: 'nothing' }, '#queue'), /^501/);
});

test('a network that cannot be read is told when the room is made', () => {
  const events: string[] = [];
  policyOf({ localNetworks: ['10.0.0.0/40'], blockedNetworks: ['x'] }, {}, events);
  assert.deepEqual(events, ['policy.network-unreadable', 'policy.network-unreadable']);
});

test('RFC 7505 §4.2: a stranger whose domain takes no mail is refused, where that is asked for', async () => {
  const asked: string[] = [];
  const resolver = scriptedResolver(asked, {
    'null.test': [{ preference: 0, exchange: '' }],
    'well.test': [{ preference: 10, exchange: 'mx.well.test' }],
  });
  const from = async (policy: Policy, session: PolicySession, reversePath: Mailbox | null): Promise<string> =>
    show(await policy.sender(session, { reversePath, body: '7bit', smtpUtf8: false }));
  const on = policyOf({ refuseNullMxSenders: true, localNetworks: ['192.0.2.0/24'] }, {}, [], undefined, { resolver });
  assert.equal(await from(on, stranger, at('a', 'null.test')), '550 5.7.27');
  assert.equal(await from(on, stranger, at('a', 'well.test')), '250 2.1.0');
  assert.equal(await from(on, stranger, at('a', 'unknown.test')), '250 2.1.0', 'no answer refuses nobody');
  const count = asked.length;
  assert.equal(await from(on, stranger, null), '250 2.1.0');
  assert.equal(await from(on, stranger, at('a', 'example.test')), '250 2.1.0');
  assert.equal(await from(on, stranger, at('a', '[192.0.2.9]')), '250 2.1.0');
  assert.equal(await from(on, { ...stranger, clientAddress: '192.0.2.1' }, at('a', 'null.test')), '250 2.1.0');
  assert.equal(await from(policyOf({}, {}, [], undefined, { resolver }), stranger, at('a', 'null.test')), '250 2.1.0');
  assert.equal(asked.length, count, 'nobody else is asked about');
});

test('RFC 6409 §4.2: our users are told of a recipient whose domain is one label, unless a rule routes it', async () => {
  const policy = policyOf({}, {}, [], undefined, { hasRoute: ({ domain }) => domain === 'intranet' });
  assert.equal(await decide(policy, customer, at('bob', 'mailhost')), '554 5.1.2');
  assert.equal(await decide(policy, customer, at('bob', 'intranet')), '250 2.1.5');
  assert.equal(await decide(policy, customer, at('bob', 'remote.test')), '250 2.1.5');
  assert.equal(await decide(policy, customer, at('bob', '[192.0.2.1]')), '250 2.1.5');
  assert.equal(await decide(policy, stranger, at('bob', 'mailhost')), '550 5.7.1');
});

test('RFC 5321 §4.5.1: the postmaster of the address spoken to is ours', async () => {
  const policy = policyOf({}, { 'postmaster@': ['alice@example.test'] });
  const at4 = { ...stranger, localAddress: '192.0.2.25' };
  assert.equal(await decide(policy, at4, at('Postmaster', '[192.0.2.25]')), '250 2.1.5');
  assert.equal(await decide(policy, at4, at('postmaster', '[192.0.2.26]')), '550 5.7.1');
  assert.equal(await decide(policy, at4, at('alice', '[192.0.2.25]')), '550 5.7.1');
  assert.equal(
    await decide(policy, { ...stranger, localAddress: '2001:db8::25' }, at('postmaster', '[ipv6:2001:db8::25]')),
    '250 2.1.5',
  );
  assert.equal(
    await decide(policy, { ...stranger, localAddress: '/run/lmtp' }, at('postmaster', '[192.0.2.25]')),
    '550 5.7.1',
  );
});

test('logins that cannot be checked now are 454, told once while it lasts', async () => {
  let events: string[] = [];
  let busy = true;
  const policy = createPolicy({
    settings: closed,
    directory: {
      ...tableDirectory({}),
      login: async () => (busy ? { kind: 'unavailable', why: 'too many at once' } : { kind: 'refused' }),
    },
    journal: { emit: (name) => void events.push(name) },
  });
  const { reply } = await policy.login(customer, 'me@example.test', 'secret');
  assert.equal(show(reply), '454 4.7.0');
  assert.deepEqual(events, ['policy.login-unavailable', 'policy.login-put-off']);
  for (const checked of [1, loginsCalmMin]) {
    events = [];
    busy = false;
    for (let n = 0; n < checked; n += 1) await policy.login(customer, 'me@example.test', 'secret');
    busy = true;
    await policy.login(customer, 'me@example.test', 'secret');
    assert.equal(events.includes('policy.login-unavailable'), checked === loginsCalmMin);
  }
});
