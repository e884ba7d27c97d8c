import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandedHop } from '../../mail/next-hop.ts';
import { StillClock } from '../../../test/support/reception.ts';
import { applyEdits } from '../../mail/edits.ts';
import type { EnvelopeOptions } from '../../mail/envelope.ts';
import type { Mailbox } from '../../mail/mailbox.ts';
import type { AcceptedRecipient } from './deliveries.ts';
import { createRewrite } from '../routing/rewrite.ts';
import { createPreparation } from './preparation.ts';
import type { PreparationOptions, Prepared, SessionOrigin } from './preparation.ts';

const at = (localPart: string, domain = 'example.test'): Mailbox => ({ localPart, domain });
const to = (mailbox: Mailbox, ...targets: Mailbox[]): AcceptedRecipient => ({
  recipient: { mailbox },
  targets: targets.length === 0 ? [mailbox] : targets,
});
const origin: SessionOrigin = {
  profile: 'mx',
  clientAddress: '198.51.100.7',
  greetingName: 'client.test',
  extended: true,
  tls: undefined,
  account: undefined,
};
const submission: SessionOrigin = { ...origin, profile: 'submission', account: 'me@example.test' };
const envelope: EnvelopeOptions = { reversePath: at('me'), body: '7bit', smtpUtf8: false };

interface Given extends Partial<PreparationOptions> {
  readonly origin?: SessionOrigin;
  readonly recipients?: readonly AcceptedRecipient[];
  readonly envelope?: EnvelopeOptions;
  readonly eightBit?: boolean;
}

function prepare(content: string, given: Given = {}): { prepared: Prepared; result: string } {
  const preparation = createPreparation({
    serverName: 'mail.example.test',
    reception: { headerSizeMax: 64 * 1024, hopsMax: 10 },
    expiryMs: { urgent: 10, normal: 20, bulk: 30 },
    router: { nextHop: ({ domain }) => (domain === 'example.test' ? 'local' : `mx:${domain}`) },
    clock: new StillClock(),
    ...given,
  });
  const session = given.origin ?? origin;
  const header = preparation.scanner(session);
  const octets = Buffer.from(content, 'utf8');
  header.feed(octets);
  const prepared = preparation.prepare({
    id: 'k-1.1',
    origin: session,
    envelope: given.envelope ?? envelope,
    recipients: given.recipients ?? [to(at('alice'))],
    header,
    sizeBytes: octets.length,
    eightBit: given.eightBit ?? false,
  });
  return { prepared, result: prepared.kind === 'ready' ? applyEdits(octets, prepared.message.edits).toString() : '' };
}

function message(content: string, given: Given = {}) {
  const { prepared } = prepare(content, given);
  assert.equal(prepared.kind, 'ready');
  return prepared.message;
}

test('RFC 6409 §8: a submission gets Date, From and Message-ID where they are missing, and only there', () => {
  const { result, prepared } = prepare('Subject: x\r\n\r\nbody\r\n', { origin: submission });
  assert.match(
    result,
    /^Received: [\s\S]*\r\nDate: [^\r]+ \+0000\r\nFrom: <me@example\.test>\r\nMessage-ID: <k-1\.1@mail\.example\.test>\r\nSubject: x\r\n\r\nbody\r\n$/,
  );
  assert.equal(prepared.kind === 'ready' && prepared.message.messageId, 'k-1.1@mail.example.test');
  const full = 'Date: x\r\nFROM: y\r\nmessage-id: <1@y>\r\n\r\n';
  assert.match(
    prepare(full, { origin: submission }).result,
    /\+0000\r\nDate: x\r\nFROM: y\r\nmessage-id: <1@y>\r\n\r\n$/,
  );
  assert.doesNotMatch(prepare('Subject: x\r\n\r\n').result, /Message-ID|Date:/i);
});

test('Q161943: Bcc leaves a submission, with its folds and however it is written; relayed mail keeps its octets', () => {
  const content =
    'bcc: a@b\r\nFrom: x\r\nDate: x\r\nMessage-ID: <1>\r\nBCC: c@d,\r\n e@f\r\nResent-Bcc : g\r\nReturn-Path: <h>\r\nTo: z\r\n\r\nBcc: body\r\n';
  assert.match(
    prepare(content, { origin: submission }).result,
    /\+0000\r\nFrom: x\r\nDate: x\r\nMessage-ID: <1>\r\nTo: z\r\n\r\nBcc: body\r\n$/,
  );
  assert.ok(prepare(content).result.endsWith(content));
});

test('Q190041: a Message-ID of a host with a long name is whole', () => {
  const serverName = `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.example.test`;
  const { messageId } = message('Subject: x\r\n\r\n', { origin: submission, serverName });
  assert.equal(messageId, `k-1.1@${serverName}`);
  assert.ok(messageId.length < 998);
});

test('Q143375: somebody in two aliases of one message gets one copy', () => {
  const { deliveries } = message('A: b\r\n\r\n', {
    recipients: [
      to(at('team'), at('alice'), at('bob')),
      to(at('all'), at('bob'), at('alice'), at('x', 'far.test')),
      to(at('alice')),
    ],
  });
  assert.deepEqual(
    deliveries.map(({ nextHop, recipients }) => [nextHop, recipients.map(({ mailbox }) => mailbox.localPart)]),
    [
      ['local', ['alice', 'bob']],
      ['mx:far.test', ['x']],
    ],
  );
});

test('Q246051: an alias that expands beyond the recipient limit is delivered in deliveries of 100', () => {
  const targets = Array.from({ length: 2345 }, (_, n) => at(`u${n}`, `d${n % 2}.test`));
  const { deliveries } = message('A: b\r\n\r\n', { recipients: [to(at('huge'), ...targets)] });
  assert.ok(deliveries.every(({ recipients }) => recipients.length <= 100));
  assert.equal(
    deliveries.reduce((sum, { recipients }) => sum + recipients.length, 0),
    2345,
  );
});

test('RFC 3461 §5.2.7: NOTIFY and ORCPT pass through an alias of one, SUCCESS stays with an alias of several', () => {
  const recipient = { mailbox: at('alias'), notify: ['success', 'failure'] as const };
  const one = message('A: b\r\n\r\n', { recipients: [{ recipient, targets: [at('x', 'far.test')] }] });
  assert.deepEqual(one.deliveries[0]?.recipients, [
    { mailbox: at('x', 'far.test'), notify: ['success', 'failure'], original: 'rfc822;alias@example.test' },
  ]);
  const only = prepare('A: b\r\n\r\n', {
    recipients: [{ recipient: { mailbox: at('team'), notify: ['success'] }, targets: [at('a'), at('b')] }],
  }).prepared;
  assert.equal(only.kind, 'ready');
  const told = only.message.deliveries[1];
  assert.equal(told?.nextHop, expandedHop);
  assert.deepEqual(
    told?.recipients.map(({ mailbox }) => mailbox),
    [at('team')],
  );
  assert.deepEqual(
    only.message.deliveries[0]?.recipients.map(({ notify }) => notify),
    [[], []],
  );
  const kept = message('A: b\r\n\r\n', {
    recipients: [{ recipient: { mailbox: at('alias'), original: 'rfc822;first@remote.test' }, targets: [at('b')] }],
  });
  assert.equal(kept.deliveries[0]?.recipients[0]?.original, 'rfc822;first@remote.test');
});

test('the class follows the header as far as the sender may: mass mail goes last, only our users go first', () => {
  const of = (field: string, given: Given = {}): string => message(`${field}\r\n\r\n`, given).class;
  assert.equal(of('Precedence: bulk'), 'bulk');
  assert.equal(of('Precedence: LIST'), 'bulk');
  assert.equal(of('Priority: urgent'), 'normal');
  assert.equal(of('Priority: urgent', { origin: submission }), 'urgent');
  assert.equal(of('X-Priority: 1 (Highest)', { origin: submission }), 'urgent');
  assert.equal(of('X-Priority: 10', { origin: submission }), 'normal');
  assert.equal(of('Priority: non-urgent'), 'bulk');
  assert.equal(of('Precedence: bulk', { envelope: { ...envelope, reversePath: null } }), 'normal');
  const bulk = message('Precedence: bulk\r\n\r\n');
  assert.equal(bulk.expiresAtMs - bulk.arrivedAtMs, 30);
});

test('limits: too many hops is 554 5.4.6, too large a header 552 5.3.4', () => {
  const hops = prepare(`${'Received: x\r\n'.repeat(11)}\r\n`).prepared;
  assert.deepEqual(hops.kind === 'refused' && [hops.why, hops.reply.code, hops.reply.detail], ['hops', 554, '4.6']);
  const size = prepare(`X: ${'y'.repeat(70_000)}\r\n\r\n`).prepared;
  assert.deepEqual(size.kind === 'refused' && [size.why, size.reply.code, size.reply.detail], ['size', 552, '3.4']);
});

test('Q195215: 8-bit content declared 7-bit goes on as what it is', () => {
  const prepared = message('Subject: \u00e4\r\n\r\n', { eightBit: true });
  assert.equal(prepared.envelope.body, '8bitmime');
  assert.equal(prepared.eightBit, true);
  assert.equal(message('Subject: a\r\n\r\n').envelope, envelope);
});

test('content that is all body gets the empty line that keeps it out of the header', () => {
  assert.match(prepare('no header at all\r\nsecond: line? no, body\r\n').result, /\+0000\r\n(\r\n)?no header/);
  assert.match(prepare('just words\r\n').result, /\+0000\r\n\r\njust words\r\n$/);
  assert.match(prepare('\r\nbody\r\n').result, /\+0000\r\n\r\nbody\r\n$/);
  assert.match(prepare('').result, /\+0000\r\n$/);
});

test('rewriting sees the fields of the author and changes envelope and content', () => {
  const rewrite = createRewrite({ 'example.test': 'outside.test' });
  assert.ok(rewrite);
  const content = 'From: me@example.test\r\n\r\n';
  const { prepared, result } = prepare(content, { rewrite, recipients: [to(at('x', 'far.test'))] });
  assert.deepEqual(prepared.kind === 'ready' && prepared.message.envelope.reversePath, at('me', 'outside.test'));
  assert.match(result, /\+0000\r\nFrom: me@outside\.test\r\n\r\n$/);
  assert.ok(prepare(content, { rewrite }).result.endsWith(content), 'mail that stays here keeps its addresses');
});

test('for names the only recipient, and nobody where there are several (RFC 5321 §7.6)', () => {
  assert.match(prepare('A: b\r\n\r\n').result, /\tfor <alice@example\.test>;/);
  assert.match(
    prepare('A: b\r\n\r\n', { recipients: [to(at('alias'), at('x'), at('y'))] }).result,
    /\tfor <alias@example\.test>;/,
  );
  assert.doesNotMatch(prepare('A: b\r\n\r\n', { recipients: [to(at('a')), to(at('b'))] }).result, /for </);
});

test('Q178436: what an alias forwards is marked, and refused when it comes back to the alias', () => {
  const alias = to(at('info'), at('x', 'far.test'));
  const { result } = prepare('Subject: x\r\n\r\n', { recipients: [alias] });
  assert.match(result, /^Delivered-To: info@example\.test\r\nReceived: /);
  const back = prepare(result, { recipients: [to(at('INFO'), at('x', 'far.test'))] }).prepared;
  assert.equal(back.kind === 'refused' && back.why, 'loop');
  assert.equal(prepare(result, { recipients: [to(at('other'), at('x', 'far.test'))] }).prepared.kind, 'ready');
  assert.equal(
    prepare(result, { recipients: [to(at('info'))] }).prepared.kind,
    'ready',
    'a mailbox looks for itself at delivery',
  );
  assert.doesNotMatch(prepare('Subject: x\r\n\r\n', { recipients: [alias, to(at('bob'))] }).result, /Delivered-To/);
});

test('RFC 8601 §5: results of checks in our name are taken out, those of others stay', () => {
  const field = (id: string): string => `Authentication-Results: ${id}; spf=pass smtp.mailfrom=bank.test\r\n`;
  const forged = [
    'mail.example.test',
    'MAIL.Example.Test',
    '\r\n\t(a (b) \\) c) mail.example.test 1',
    '"mail.\\example.test"',
    'mail.example.test.',
  ];
  for (const id of forged) {
    const { result } = prepare(`A: b\r\n${field(id)}Subject: x\r\n\r\n${field(id)}`);
    assert.ok(result.endsWith(`\r\nA: b\r\nSubject: x\r\n\r\n${field(id)}`), id);
  }
  const others = field('mx.other.test') + field('mail.example.test.evil') + field('') + field('(mail.example.test) x');
  assert.ok(prepare(`${others}\r\n`).result.endsWith(`${others}\r\n`));
  const ours = field('mail.example.test');
  assert.ok(!prepare(`${ours}\r\n`, { origin: submission }).result.includes('spf='));
  assert.ok(
    prepare(`${ours}\r\n`, { origin: { ...origin, profile: 'lmtp' } }).result.includes(ours),
    'a local filter may say it',
  );
});
