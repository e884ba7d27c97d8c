import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SmtpClient } from './client.ts';
import type { ClientEffect, ClientOptions, MailTransaction } from './port.ts';

const CONTENT = Buffer.from('Subject: x\r\n\r\n.dot\r\n');
const MAIL: MailTransaction = {
  envelope: { reversePath: null, body: '8bitmime', smtpUtf8: false, envelopeId: 'a b' },
  recipients: ['a', 'b', 'c'].map((localPart) => ({
    mailbox: { localPart, domain: 'y.test' },
    notify: ['failure'] as const,
  })),
  sizeBytes: CONTENT.length,
  eightBit: true,
  whole: CONTENT,
};
const TRANSACTIONS = 4;
const WORDS = [
  '220 peer\r\n',
  '250 ok\r\n',
  '250-peer\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-DSN\r\n250-8BITMIME\r\n250 SIZE 0\r\n',
  '250-peer\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n',
  '250-peer\r\n250-LIMITS RCPTMAX=1\r\n250 SIZE 1\r\n',
  '334 \r\n',
  '334 VXNlcm5hbWU6\r\n',
  '235 ok\r\n',
  '354 go\r\n',
  '421 bye\r\n',
  '450 later\r\n',
  '550-5.1.1 no\r\n550 5.1.1 no\r\n',
  '552 full\r\n',
  '999 what\r\n',
  '250-',
  '\r\n',
  '\0',
];
const OPTIONS: fc.Arbitrary<ClientOptions> = fc
  .record({
    protocol: fc.constantFrom('smtp', 'lmtp'),
    greetingName: fc.constant('me.test'),
    tls: fc.constantFrom('never', 'offered', 'needed', 'established'),
    clearLogin: fc.boolean(),
    helo: fc.boolean(),
    login: fc.constant({ user: 'u', password: 'p' }),
  })
  .map(({ login, ...options }) => (options.clearLogin ? { ...options, login } : options));

/** Drives a client as its driver does, through whatever a server says; returns the verdicts of each transaction. */
function drive(options: ClientOptions, said: readonly (number | Uint8Array)[], whole: boolean): number[] {
  const client = new SmtpClient(options);
  const ends: number[] = [];
  let ready = false;
  let over = false;
  const carryOut = (effects: readonly ClientEffect[]): void => {
    for (const effect of effects) {
      assert.ok(!over || effect.do === 'send', `${effect.do} after the end`);
      if (effect.do === 'start-tls') carryOut(client.tlsStarted());
      else if (effect.do === 'ready') ready = true;
      else if (effect.do === 'content') {
        client.frame(CONTENT);
        carryOut(client.contentEnd());
      } else if (effect.do === 'failed' || effect.do === 'close') over = true;
      else if (effect.do === 'done') {
        ends.push(effect.end.verdicts.filter(Boolean).length);
        over = !effect.end.usable;
        ready = effect.end.usable;
      } else if (effect.do === 'send') {
        assert.doesNotMatch(effect.bytes.toString('latin1').slice(0, -2), /(^|[^\r])\n/);
      }
    }
    if (ready && !over) {
      ready = false;
      if (ends.length < TRANSACTIONS)
        carryOut(client.transact(whole ? MAIL : { ...MAIL, whole: undefined, eightBit: false }));
      else carryOut(client.quit());
    }
  };
  for (const piece of said) {
    if (over) break;
    if (piece === -1) carryOut(client.timedOut());
    else carryOut(client.receive(typeof piece === 'number' ? Buffer.from(WORDS[piece] ?? '') : Buffer.from(piece)));
  }
  if (!over) carryOut(client.closed());
  assert.ok(over, 'a closed connection is the end');
  return ends;
}

test('whatever a server says, the client throws nothing, ends once, and has one verdict for each recipient', () => {
  const piece = fc.oneof(
    { weight: 12, arbitrary: fc.nat(WORDS.length - 1) },
    { weight: 1, arbitrary: fc.constant(-1) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 30 }) },
  );
  fc.assert(
    fc.property(OPTIONS, fc.array(piece, { maxLength: 25 }), fc.boolean(), (options, said, whole) => {
      for (const verdicts of drive(options, said, whole)) assert.equal(verdicts, MAIL.recipients.length);
    }),
    { numRuns: 1500 },
  );
});
