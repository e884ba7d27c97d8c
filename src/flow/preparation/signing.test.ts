import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { StillClock } from '../../../test/support/reception.ts';
import { type FoundSignature, holds, signaturesOf } from '../../../test/support/signatures.ts';
import { applyEdits } from '../../mail/edits.ts';
import type { Mailbox } from '../../mail/mailbox.ts';
import { keyRecord, readSigningKey } from '../../protocol/dkim-signing/key.ts';
import { createRewrite } from '../routing/rewrite.ts';
import { createPreparation, type SessionOrigin } from './preparation.ts';
import { createSigner } from './signing.ts';

const PKCS8 = { type: 'pkcs8', format: 'pem' } as const;
const pem = generateKeyPairSync('ed25519').privateKey.export(PKCS8).toString();
const read = readSigningKey(pem);
assert.ok(read.ok);
const record = keyRecord(read.key);
const told: string[] = [];
const journal = { emit: (name: string) => void told.push(name), wants: () => true };
const key = { selector: 's1', keyFile: '/k', key: pem };
const signer = createSigner({
  domains: { 'Example.test': { dkim: key }, 'plain.test': {}, 'broken.test': { dkim: { ...key, key: 'x' } } },
  clock: new StillClock(),
  journal,
});
assert.ok(signer !== undefined);

const at = (localPart: string, domain = 'example.test'): Mailbox => ({ localPart, domain });
const trusted: SessionOrigin = {
  profile: 'mx',
  clientAddress: '127.0.0.1',
  greetingName: 'client.test',
  extended: true,
  tls: undefined,
  account: undefined,
};
const stranger: SessionOrigin = { ...trusted, clientAddress: '198.51.100.7' };
const user: SessionOrigin = { ...stranger, profile: 'submission', account: 'me@example.test' };

interface Given {
  readonly origin?: SessionOrigin;
  readonly to?: Mailbox;
  readonly from?: Mailbox;
  readonly rewrite?: Readonly<Record<string, string>>;
  readonly cuts?: readonly number[];
  readonly headerSizeMax?: number;
}

/** What of a message goes into the queue. */
async function queued(content: string | Buffer, given: Given = {}): Promise<Buffer> {
  const rewrite = given.rewrite === undefined ? undefined : createRewrite(given.rewrite);
  const preparation = createPreparation({
    serverName: 'mail.example.test',
    reception: { headerSizeMax: given.headerSizeMax ?? 256 * 1024, hopsMax: 10 },
    expiryMs: { urgent: 10, normal: 20, bulk: 30 },
    router: { nextHop: ({ domain }) => (domain === 'example.test' ? 'local' : `mx:${domain}`) },
    clock: new StillClock(),
    trusts: (address) => address === '127.0.0.1',
    ...(signer === undefined ? {} : { signer }),
    ...(rewrite === undefined ? {} : { rewrite }),
  });
  const origin = given.origin ?? trusted;
  const header = preparation.scanner(origin);
  const body = preparation.body(origin, header);
  const octets = Buffer.isBuffer(content) ? content : Buffer.from(content, 'utf8');
  const edges = [0, ...(given.cuts ?? []).map((cut) => cut % (octets.length + 1)), octets.length].sort((a, b) => a - b);
  for (let i = 1; i < edges.length; i += 1) {
    const chunk = octets.subarray(edges[i - 1], edges[i]);
    if (!header.done) header.feed(chunk);
    body?.feed(chunk);
  }
  const mailbox = given.to ?? at('far', 'far.test');
  const prepared = preparation.prepare({
    id: 'k-1.1',
    origin,
    envelope: { reversePath: given.from ?? at('me'), body: '7bit', smtpUtf8: false },
    recipients: [{ recipient: { mailbox }, targets: [mailbox] }],
    header,
    sizeBytes: octets.length,
    eightBit: false,
    body,
  });
  assert.equal(prepared.kind, 'ready');
  const message = (await prepared.signed)?.message ?? prepared.message;
  return applyEdits(octets, message.edits);
}

/** The signatures of what is queued, all of which hold. */
async function signed(content: string | Buffer, given: Given = {}): Promise<readonly FoundSignature[]> {
  const result = await queued(content, given);
  const found = signaturesOf(result);
  for (const one of found) assert.ok(holds(one, record), result.toString());
  return found;
}
const isSigned = async (content: string | Buffer, given: Given = {}): Promise<boolean> =>
  (await signed(content, given)).length > 0;

const MAIL = 'From: Me <me@example.test>\r\nTo: far@far.test\r\nSubject: x\r\n\r\nbody\r\n';

test('mail of our users that leaves is signed on top, as the domain of its From field', async () => {
  const [one, none] = await signed(MAIL);
  assert.ok(one !== undefined && none === undefined);
  assert.deepEqual(
    ['d', 's', 'a', 'c', 't'].map((tag) => one.tags.get(tag)),
    ['example.test', 's1', 'ed25519-sha256', 'relaxed/relaxed', String(Math.floor(new StillClock().wall() / 1000))],
  );
  assert.match((await queued(MAIL)).toString(), /^DKIM-Signature: v=1; [\s\S]*\r\nReceived: from /);
  assert.ok(await isSigned(MAIL, { origin: user }));
  const front: SessionOrigin = { ...trusted, forwarded: { address: '198.51.100.9', source: 'LOCAL' } };
  assert.ok(await isSigned(MAIL, { origin: front }), 'a trusted host says that its own users wrote it');
  assert.ok(await isSigned(MAIL.replace('@example', '@office.example'), { from: at('x', 'y.test') }), 'a domain below');
});

test('who may not speak for the domain is not signed for', async () => {
  for (const [why, content, given] of [
    ['a stranger', MAIL, { origin: stranger }],
    ['one behind a gateway', MAIL, { origin: { ...trusted, stranger: true } }],
    [
      'what a trusted host passes on from elsewhere',
      MAIL,
      { origin: { ...trusted, forwarded: { address: '198.51.100.9' } } },
    ],
    ['local delivery by LMTP', MAIL, { origin: { ...trusted, profile: 'lmtp' } }],
    ['mail that stays here', MAIL, { to: at('bob') }],
    ['another domain', MAIL.replace('example.test', 'plain.test'), {}],
    ['a domain whose key cannot be used', MAIL.replace('example.test', 'broken.test'), {}],
    ['a domain that ends alike', MAIL.replace('example.test', 'notexample.test'), {}],
    ['a user of another domain', MAIL, { origin: { ...user, account: 'x@plain.test' }, from: at('x', 'plain.test') }],
    ['two From fields', `From: you@example.test\r\n${MAIL}`, {}],
    ['no From field', 'Subject: x\r\n\r\n', {}],
    ['a header with lines that are no fields', `nonsense\r\n${MAIL}`, {}],
  ] as const)
    assert.equal(await isSigned(content, given), false, why);
});

test('what preparation adds and rewrites is covered as it leaves', async () => {
  const bare = 'Subject: x\r\n\r\nbody\r\n';
  const [one] = await signed(bare, { origin: user });
  assert.match(one?.input.toString() ?? '', /^from:<me@example\.test>\r\nsubject:x\r\ndate:.*\r\nmessage-id:</);
  const inner = MAIL.replaceAll('example.test', 'inner.lan');
  const [rewritten] = await signed(inner, { rewrite: { 'inner.lan': 'example.test' }, from: at('me', 'inner.lan') });
  assert.match(rewritten?.input.toString() ?? '', /^from:Me <me@example\.test>\r\n/);
  assert.ok(await isSigned(MAIL.replace('To:', 'Bcc: hidden@far.test\r\nTo:'), { origin: user }));
});

test('odd bodies and headers: empty, without an empty line, without a last line end, long, 8-bit, with dots', async () => {
  const head = MAIL.slice(0, MAIL.indexOf('\r\n\r\n') + 2);
  const long = `To: ${Array.from({ length: 5000 }, (_, n) => `user${n}@far.test`).join(',\r\n ')}\r\n`;
  for (const content of [
    head,
    `${head}\r\n`,
    `${head}\r\n\r\n\r\n`,
    `${head}\r\nno line end`,
    `${head}\r\n.\r\n..\r\n \t\r\n`,
    `${head}\r\n\u00e9\u00e8 \t x\r\n`,
    `${long}From: me@example.test\r\n\r\nx\r\n`,
    `From:\r\n\t"M. E." <me@example.test>\r\n \r\nSubject: =?utf-8?q?x?=\r\n\r\nx\r\n`,
    Buffer.concat([Buffer.from(`${head}\r\n`), Buffer.alloc(3_000_000, 'abcdefghi \r\n')]),
  ])
    assert.ok(await isSigned(content), content.toString('latin1').slice(0, 200));
});

test('more fields than a header section may have kept are refused, and those of one name are all covered', async () => {
  const many = (count: number): string => `${'To: x@far.test\r\n'.repeat(count)}${MAIL}`;
  const [one] = await signed(many(300));
  assert.equal(
    one?.tags
      .get('h')
      ?.split(':')
      .filter((name) => name.trim() === 'to').length,
    302,
  );
  await assert.rejects(queued(many(1000)), /refused/);
});

test('the same signature, however the content is cut into chunks', async () => {
  const content = MAIL.replace('body', 'two  words\r\n\r\n\r\nand\tmore \r\n\r\n');
  const whole = (await signed(content))[0]?.signature.toString('hex');
  assert.ok(whole !== undefined);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(500), { maxLength: 20 }), async (cuts) => {
      assert.equal((await signed(content, { cuts }))[0]?.signature.toString('hex'), whole);
    }),
    { numRuns: 100 },
  );
});

test('without a key nothing is asked of messages', () => {
  assert.equal(createSigner({ domains: { 'plain.test': {} }, clock: new StillClock(), journal }), undefined);
});

test('a report of our own is signed by the domain above our name', async () => {
  const report = Buffer.from('From: Mail <MAILER-DAEMON@mail.example.test>\r\nSubject: x\r\n\r\nbody\r\n');
  const [one] = signaturesOf(await signer.signOwn(report));
  assert.ok(one !== undefined && holds(one, record));
  const other = Buffer.from('From: <MAILER-DAEMON@mail.far.test>\r\n\r\nbody\r\n');
  assert.equal(await signer.signOwn(other), other);
});

test('3261: a key that does not sign is told once, and mail goes without its signature', async () => {
  const broken = { domain: 'example.test', selector: 's1', key: { ...read.key, key: createPublicKey(read.key.key) } };
  const signable = { fields: [{ name: 'from', octets: Buffer.from('From: me@example.test\r\n') }], bodyHash: 'x' };
  told.length = 0;
  assert.deepEqual(await signer.sign([broken], signable), { fields: '', by: [] });
  assert.deepEqual(await signer.sign([broken], signable), { fields: '', by: [] });
  assert.deepEqual(told, ['preparation.signing-failed']);
});
