import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { showEffects as show } from '../../../../test/support/client-effects.ts';
import { SmtpClient } from './client.ts';
import { TRANSACTION_RECIPIENTS_MAX } from './limits.ts';
import type { ClientOptions, MailTransaction } from './port.ts';

const OPTIONS: ClientOptions = {
  protocol: 'smtp',
  greetingName: 'me.test',
  tls: 'never',
  clearLogin: false,
  helo: false,
};
const CONTENT = Buffer.from('Subject: x\r\n\r\n.dot\r\n');
const MAIL: MailTransaction = {
  envelope: { reversePath: { localPart: 's', domain: 'x.test' }, body: '7bit', smtpUtf8: false },
  recipients: ['a', 'b'].map((localPart) => ({ mailbox: { localPart, domain: 'y.test' } })),
  sizeBytes: CONTENT.length,
  eightBit: false,
  whole: CONTENT,
};
const PLAIN_EHLO = '250-peer\r\n250-PIPELINING\r\n250 8BITMIME\r\n';
const CHUNKING_EHLO = '250-peer\r\n250-PIPELINING\r\n250 CHUNKING\r\n';
const BARE_EHLO = '250 peer\r\n';

function open(ehlo: string, options: Partial<ClientOptions> = {}): SmtpClient {
  const client = new SmtpClient({ ...OPTIONS, ...options });
  client.receive(Buffer.from('220 peer ESMTP\r\n'));
  assert.deepEqual(show(client.receive(Buffer.from(ehlo))), ['ready']);
  return client;
}

/** Runs one transaction against replies given one by one, and shows what happened after each. */
function run(
  ehlo: string,
  replies: readonly string[],
  mail: Partial<MailTransaction> = {},
  options: Partial<ClientOptions> = {},
): string[] {
  const client = open(ehlo, options);
  const seen = show(client.transact({ ...MAIL, ...mail }));
  for (const reply of replies)
    seen.push(
      ...show(
        reply === 'closed'
          ? client.closed()
          : reply === 'late'
            ? client.timedOut()
            : client.receive(Buffer.from(`${reply}\r\n`)),
      ),
    );
  return seen;
}

test('with PIPELINING the commands go in one write, and the content after 354', () => {
  assert.deepEqual(run(PLAIN_EHLO, ['250 s', '250 a', '550 5.1.1 b', '354 go', '250 2.0.0 done']), [
    '> MAIL FROM:<s@x.test>|RCPT TO:<a@y.test>|RCPT TO:<b@y.test>|DATA|',
    '> Subject: x||..dot|.|',
    'done accepted(250 2.0.0 done) refused(RCPT: 550 5.1.1 b) usable',
  ]);
});

test('with CHUNKING small content goes with the commands', () => {
  assert.deepEqual(run(CHUNKING_EHLO, ['250 s', '250 a', '250 b', '250 done']), [
    '> MAIL FROM:<s@x.test>|RCPT TO:<a@y.test>|RCPT TO:<b@y.test>|BDAT 20 LAST|Subject: x||.dot|',
    'done accepted(250 done) accepted(250 done) usable',
  ]);
});

test('with CHUNKING content that is not at hand waits for the recipients', () => {
  assert.deepEqual(run(CHUNKING_EHLO, ['250 s', '550 a', '250 b'], { whole: undefined }).slice(1), [
    '> BDAT 20 LAST|',
    'content',
  ]);
  assert.deepEqual(run(CHUNKING_EHLO, ['250 s', '550 a', '550 b'], { whole: undefined }).slice(1), [
    'done refused(RCPT: 550 a) refused(RCPT: 550 b) usable',
  ]);
});

test('without PIPELINING each command waits for its reply', () => {
  assert.deepEqual(run(BARE_EHLO, ['250 s', '550 a', '250 b', '354 go', '250 done']), [
    '> MAIL FROM:<s@x.test>|',
    '> RCPT TO:<a@y.test>|',
    '> RCPT TO:<b@y.test>|',
    '> DATA|',
    '> Subject: x||..dot|.|',
    'done refused(RCPT: 550 a) accepted(250 done) usable',
  ]);
});

const REFUSALS: readonly (readonly [string, string, readonly string[], string])[] = [
  ['4xx to MAIL', PLAIN_EHLO, ['451 s', '503 a', '503 b', '503 d'], 'refused(MAIL: 451 s) refused(MAIL: 451 s) usable'],
  ['5xx to MAIL', PLAIN_EHLO, ['550 s', '503 a', '503 b', '503 d'], 'refused(MAIL: 550 s) refused(MAIL: 550 s) usable'],
  ['5xx to MAIL, one by one', BARE_EHLO, ['550 s'], 'refused(MAIL: 550 s) refused(MAIL: 550 s) usable'],
  [
    '354 although MAIL was refused',
    PLAIN_EHLO,
    ['550 s', '250 a', '250 b', '354 d'],
    'refused(MAIL: 550 s) refused(MAIL: 550 s) over',
  ],
  [
    '4xx and 5xx to RCPT',
    PLAIN_EHLO,
    ['250 s', '450 a', '550 b', '554 d'],
    'refused(RCPT: 450 a) refused(RCPT: 550 b) usable',
  ],
  [
    'all recipients refused, one by one',
    BARE_EHLO,
    ['250 s', '450 a', '550 b'],
    'refused(RCPT: 450 a) refused(RCPT: 550 b) usable',
  ],
  [
    '552 to RCPT means 452',
    PLAIN_EHLO,
    ['250 s', '250 a', '552 b', '354 d', '250 e'],
    'accepted(250 e) refused(RCPT: 452 b) usable',
  ],
  ['4xx to DATA', PLAIN_EHLO, ['250 s', '250 a', '250 b', '451 d'], 'refused(DATA: 451 d) refused(DATA: 451 d) usable'],
  ['5xx to DATA', PLAIN_EHLO, ['250 s', '250 a', '550 b', '554 d'], 'refused(DATA: 554 d) refused(RCPT: 550 b) usable'],
  [
    '4xx to the end',
    PLAIN_EHLO,
    ['250 s', '250 a', '250 b', '354 d', '451 e'],
    'refused(end of data: 451 e) refused(end of data: 451 e) usable',
  ],
  [
    '5xx to the end',
    PLAIN_EHLO,
    ['250 s', '250 a', '250 b', '354 d', '554 e'],
    'refused(end of data: 554 e) refused(end of data: 554 e) usable',
  ],
  [
    '421 to the end',
    PLAIN_EHLO,
    ['250 s', '250 a', '250 b', '354 d', '421 e'],
    'refused(end of data: 421 e) refused(end of data: 421 e) over',
  ],
  ['421 to MAIL', PLAIN_EHLO, ['421 s'], 'unanswered(refused) unanswered(refused) over'],
  ['421 to RCPT', PLAIN_EHLO, ['250 s', '550 a', '421 b'], 'refused(RCPT: 550 a) unanswered(refused) over'],
  ['421 to DATA', PLAIN_EHLO, ['250 s', '550 a', '250 b', '421 d'], 'refused(RCPT: 550 a) unanswered(refused) over'],
  [
    'BDAT refused',
    CHUNKING_EHLO,
    ['250 s', '250 a', '250 b', '554 d'],
    'refused(end of data: 554 d) refused(end of data: 554 d) usable',
  ],
  [
    'BDAT after no recipient',
    CHUNKING_EHLO,
    ['250 s', '550 a', '550 b', '503 d'],
    'refused(RCPT: 550 a) refused(RCPT: 550 b) usable',
  ],
  ['closed after MAIL', PLAIN_EHLO, ['250 s', 'closed'], 'unanswered(closed) unanswered(closed) over'],
  [
    'closed after the final dot',
    PLAIN_EHLO,
    ['250 s', '250 a', '550 b', '354 d', 'closed'],
    'unanswered(closed after content) refused(RCPT: 550 b) over',
  ],
  [
    'no answer after the final dot',
    PLAIN_EHLO,
    ['250 s', '250 a', '250 b', '354 d', 'late'],
    'unanswered(timed-out after content) unanswered(timed-out after content) over',
  ],
  [
    'closed after a joined BDAT',
    CHUNKING_EHLO,
    ['closed'],
    'unanswered(closed after content) unanswered(closed after content) over',
  ],
  ['nonsense after RCPT', PLAIN_EHLO, ['250 s', 'hello'], 'unanswered(invalid) unanswered(invalid) over'],
  ['354 to RCPT', PLAIN_EHLO, ['250 s', '354 a'], 'unanswered(invalid) unanswered(invalid) over'],
  ['250 to DATA', PLAIN_EHLO, ['250 s', '250 a', '250 b', '250 d'], 'unanswered(invalid) unanswered(invalid) over'],
];

for (const [what, ehlo, replies, end] of REFUSALS) {
  test(`transaction: ${what}`, () => {
    assert.equal(run(ehlo, replies).at(-1), `done ${end}`);
  });
}

test('354 after all recipients were refused is answered by the dot alone', () => {
  assert.deepEqual(run(PLAIN_EHLO, ['250 s', '550 a', '550 b', '354 d', '554 no recipients']).slice(1), [
    '> .|',
    'done refused(RCPT: 550 a) refused(RCPT: 550 b) usable',
  ]);
});

test('a reply while content is being sent ends the transaction', () => {
  const client = open(PLAIN_EHLO);
  client.transact({ ...MAIL, whole: undefined });
  assert.deepEqual(show(client.receive(Buffer.from('250 s\r\n250 a\r\n250 b\r\n354 d\r\n'))), ['content']);
  assert.equal(client.sendingContent, true);
  assert.equal(client.frame(CONTENT).toString(), 'Subject: x\r\n\r\n..dot\r\n');
  assert.equal(
    show(client.receive(Buffer.from('552 5.3.4 too much\r\n')))[0],
    'done refused(end of data: 552 5.3.4 too much) refused(end of data: 552 5.3.4 too much) over',
  );
  assert.equal(client.sendingContent, false);
  assert.deepEqual(client.contentEnd(), []);
});

test('LMTP answers for each recipient that it accepted', () => {
  const lhlo = PLAIN_EHLO;
  const mail = { recipients: ['a', 'b', 'c'].map((localPart) => ({ mailbox: { localPart, domain: 'y.test' } })) };
  assert.equal(
    run(lhlo, ['250 s', '250 a', '550 b', '250 c', '354 d', '250 for a', '452 4.2.2 for c'], mail, {
      protocol: 'lmtp',
    }).at(-1),
    'done accepted(250 for a) refused(RCPT: 550 b) refused(end of data: 452 4.2.2 for c) usable',
  );
  assert.equal(
    run(lhlo, ['250 s', '250 a', '550 b', '250 c', '354 d', '250 for a', 'closed'], mail, { protocol: 'lmtp' }).at(-1),
    'done accepted(250 for a) refused(RCPT: 550 b) unanswered(closed after content) over',
  );
});

test('an unfinished transaction is followed by RSET, a finished one is not', () => {
  const client = open(PLAIN_EHLO);
  client.transact(MAIL);
  client.receive(Buffer.from('250 s\r\n550 a\r\n550 b\r\n554 d\r\n'));
  assert.match(show(client.transact(MAIL))[0] ?? '', /^> RSET\|MAIL/);
  client.receive(Buffer.from('250 r\r\n250 s\r\n250 a\r\n250 b\r\n354 d\r\n'));
  client.receive(Buffer.from('250 done\r\n'));
  assert.match(show(client.transact(MAIL))[0] ?? '', /^> MAIL/);
});

const NEEDS: readonly (readonly [string, string, Partial<MailTransaction>])[] = [
  ['8BITMIME', BARE_EHLO, { eightBit: true }],
  ['SIZE', '250-peer\r\n250 SIZE 10\r\n', {}],
  ['SMTPUTF8', BARE_EHLO, { recipients: [{ mailbox: { localPart: 'ü', domain: 'y.test' } }] }],
  ['SMTPUTF8', BARE_EHLO, { envelope: { ...MAIL.envelope, smtpUtf8: true }, eightBit: true }],
  ['BINARYMIME', PLAIN_EHLO, { envelope: { ...MAIL.envelope, body: 'binarymime' } }],
];
for (const [lacks, ehlo, mail] of NEEDS) {
  test(`nothing is sent to a peer without ${lacks} that needs it`, () => {
    assert.match(run(ehlo, [], mail).join(), new RegExp(`^done (impossible\\(${lacks}\\) )+usable$`));
  });
}

test('QUIT waits for its answer', () => {
  const client = open(PLAIN_EHLO);
  assert.deepEqual(show(client.quit()), ['> QUIT|']);
  assert.deepEqual(show(client.receive(Buffer.from('221 bye\r\n'))), ['close']);
  assert.deepEqual(show(client.closed()), []);
});

test('chunking of the replies never changes what a transaction comes to', () => {
  const cases = REFUSALS.map(([, ehlo, replies]) => ({
    ehlo,
    replies: replies.filter((reply) => reply !== 'closed' && reply !== 'late'),
  }));
  fc.assert(
    fc.property(
      fc.constantFrom(...cases),
      fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 }),
      ({ ehlo, replies }, sizes) => {
        const client = open(ehlo);
        const seen = show(client.transact(MAIL));
        // No piece holds the end of one reply and the beginning of the next: that is another matter, see below.
        for (const bytes of replies.map((reply) => Buffer.from(`${reply}\r\n`))) {
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = sizes[i % sizes.length] ?? 1;
            seen.push(...show(client.receive(bytes.subarray(at, at + size))));
            at += size;
          }
        }
        seen.push(...show(client.closed()));
        const expected = run(ehlo, [...replies, 'closed']);
        const once = expected.findIndex((line) => line.startsWith('done'));
        assert.deepEqual(seen.slice(0, once + 1), expected.slice(0, once + 1));
      },
    ),
  );
});

test('a transaction takes no more recipients than allowed', () => {
  const recipients = Array.from({ length: TRANSACTION_RECIPIENTS_MAX + 1 }, () => ({
    mailbox: { localPart: 'a', domain: 'y.test' },
  }));
  assert.throws(() => open(PLAIN_EHLO).transact({ ...MAIL, recipients }));
});

test('a reply that comes in one piece with the one before cannot answer what was said in between', () => {
  // 250 before the content was even sent; one by one, a reply too many after each command.
  assert.equal(
    run(PLAIN_EHLO, ['250 s\r\n250 a\r\n250 b\r\n354 go\r\n250 2.0.0 done']).at(-1),
    'done unanswered(invalid after content) unanswered(invalid after content) over',
  );
  assert.equal(run(BARE_EHLO, ['250 s\r\n250 extra']).at(-1), 'done unanswered(invalid) unanswered(invalid) over');
  const client = new SmtpClient(OPTIONS);
  assert.deepEqual(show(client.receive(Buffer.from('220 peer\r\n250 peer\r\n'))), [
    '> EHLO me.test|',
    'failed invalid',
  ]);
  const ready = new SmtpClient(OPTIONS);
  ready.receive(Buffer.from('220 peer\r\n'));
  assert.deepEqual(
    show(ready.receive(Buffer.from('250 peer\r\n250 peer\r\n'))),
    ['failed refused'],
    'never ready for a transaction',
  );
});

test('a refusal of the content that comes in one piece with the 354 is one, and the content is not sent', () => {
  const shown = run(PLAIN_EHLO, ['250 s\r\n250 a\r\n550 b\r\n354 go\r\n550 5.7.1 not this']);
  assert.equal(shown.at(-1), 'done refused(end of data: 550 5.7.1 not this) refused(RCPT: 550 b) over');
  assert.ok(!shown.some((line) => line.includes('Subject')), shown.join('\n'));
});

test('421 to a command that the content was pipelined behind says that it was not taken', () => {
  assert.equal(run(CHUNKING_EHLO, ['421 busy']).at(-1), 'done unanswered(refused) unanswered(refused) over');
});

test('replies are counted when they are complete', () => {
  const client = open(PLAIN_EHLO);
  const before = client.replies;
  for (const piece of ['2', '5', '0-', 'a\r\n']) client.receive(Buffer.from(piece));
  assert.equal(client.replies, before);
});
