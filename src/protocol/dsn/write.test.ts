import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lintReport } from '../../../test/support/dsn-lint.ts';
import { type Dsn, writeDsn } from './write.ts';

const AT = Date.UTC(2026, 0, 2, 3, 4, 5);
const ORIGINAL = Buffer.from('From: alice@example.test\r\nSubject: hello\r\n\r\nHello.\r\n');

const report = (changes: Partial<Dsn> = {}): Dsn => ({
  to: { localPart: 'alice', domain: 'example.test' },
  subject: 'Undelivered mail returned to sender',
  messageId: 'dsn.1@mail.example.test',
  atMs: AT,
  originalMessageId: 'one@example.test',
  human: ['What happened.'],
  reportingMta: 'mail.example.test',
  envelopeId: 'QQ314159',
  arrivedAtMs: AT - 60_000,
  recipients: [
    {
      final: { localPart: 'bob', domain: 'example.com' },
      original: 'rfc822;Bob@Example.com',
      action: 'failed',
      status: '5.1.1',
      remote: { name: 'mx.example.com', address: '192.0.2.1' },
      reply: { code: 550, detail: '1.1', text: ['no such mailbox,', 'really'] },
      lastAttemptAtMs: AT,
    },
  ],
  returned: { extent: 'full', content: ORIGINAL, eightBit: 'allowed' },
  ...changes,
});

const lint = (dsn: Dsn) => {
  const written = writeDsn(dsn);
  const read = lintReport(written.content);
  assert.deepEqual(read.faults, []);
  return { written, read };
};

test('a report has the parts and fields of RFC 3464', () => {
  const { read, written } = lint(report());
  assert.deepEqual(
    read.parts.map((p) => p.type),
    ['text/plain; charset=us-ascii', 'message/delivery-status', 'message/rfc822'],
  );
  assert.equal(read.header.get('references'), '<one@example.test>');
  assert.deepEqual(
    [...(read.status[0] ?? [])],
    [
      ['original-envelope-id', 'QQ314159'],
      ['reporting-mta', 'dns; mail.example.test'],
      ['arrival-date', 'Fri, 02 Jan 2026 03:03:05 +0000'],
    ],
  );
  assert.deepEqual(
    [...(read.status[1] ?? [])],
    [
      ['original-recipient', 'rfc822;Bob@Example.com'],
      ['final-recipient', 'rfc822;bob@example.com'],
      ['action', 'failed'],
      ['status', '5.1.1'],
      ['remote-mta', 'dns; mx.example.com'],
      ['diagnostic-code', 'smtp; 550 5.1.1 no such mailbox, really'],
      ['last-attempt-date', 'Fri, 02 Jan 2026 03:04:05 +0000'],
    ],
  );
  // The returned message is whole but for the line end that belongs to the boundary.
  assert.deepEqual(read.parts[2]?.content, ORIGINAL.subarray(0, -2));
  assert.equal(written.body, '7bit');
  assert.deepEqual(writeDsn(report()), written);
});

test('a remote host that is known by its address is reported as an address literal, a socket as what it is', () => {
  const [recipient] = report().recipients;
  assert.ok(recipient !== undefined);
  for (const [name, printed] of [
    ['192.0.2.1', 'dns; [192.0.2.1]'],
    ['2001:DB8::1', 'dns; [IPv6:2001:db8::1]'],
    ['/run/lmtp.sock', 'x-unix-socket; /run/lmtp.sock'],
  ] as const) {
    const { read } = lint(report({ recipients: [{ ...recipient, remote: { name, address: name } }] }));
    assert.equal(read.status[1]?.get('remote-mta'), printed);
  }
});

test('Q188013: a multipart/alternative original comes back untouched, even with a boundary like ours', () => {
  const guess = /boundary="([^"]+)"/.exec(writeDsn(report()).content.toString())?.[1] ?? '';
  const content = Buffer.from(
    `MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="${guess}"\r\n\r\n--${guess}\r\n\r\na\r\n--${guess}--\r\n`,
  );
  const { read } = lint(report({ returned: { extent: 'full', content, eightBit: 'allowed' } }));
  assert.deepEqual(read.parts[2]?.content, content.subarray(0, -2));
});

test('8-bit originals go as 8bit, or by their header where that is to be avoided', () => {
  const content = Buffer.from('Subject: hello\r\n\r\nna\u00efve\r\n');
  const allowed = lint(report({ returned: { extent: 'full', content, eightBit: 'allowed' } }));
  assert.equal(allowed.written.body, '8bitmime');
  assert.deepEqual(allowed.read.parts[2]?.content, content.subarray(0, -2));
  const avoided = lint(report({ returned: { extent: 'full', content, eightBit: 'avoided' } }));
  assert.equal(avoided.written.body, '7bit');
  assert.equal(avoided.read.parts[2]?.type, 'text/rfc822-headers');
  assert.equal(avoided.read.parts[2]?.content.toString(), 'Subject: hello');
});

test('UTF-8 headers come back as message/global, in octets that every host carries', () => {
  const content = Buffer.from('Subject: gr\u00fc\u00df\r\n\r\nbody\r\n');
  const { read, written } = lint(report({ returned: { extent: 'full', content, eightBit: 'avoided' } }));
  assert.equal(read.parts[2]?.type, 'message/global');
  assert.deepEqual(read.parts[2]?.content, content);
  assert.equal(written.body, '7bit');
  const headers = lint(report({ returned: { extent: 'headers', content, eightBit: 'avoided' } }));
  assert.equal(headers.read.parts[2]?.type, 'message/global-headers');
  assert.equal(headers.read.parts[2]?.content.toString(), 'Subject: gr\u00fc\u00df\r\n');
});

test('addresses beyond ASCII make a global status part (RFC 6533)', () => {
  const [recipient] = report().recipients;
  assert.ok(recipient !== undefined);
  const { original: _, ...rest } = recipient;
  const { read } = lint(
    report({
      recipients: [
        { ...rest, final: { localPart: 'j\u00f6rg', domain: 'example.com' }, original: 'utf-8;j\\x{F6}rg@example.com' },
        recipient,
      ],
    }),
  );
  assert.equal(read.parts[1]?.type, 'message/global-delivery-status');
  assert.equal(read.status[1]?.get('final-recipient'), 'utf-8;j\u00f6rg@example.com');
  assert.equal(read.status[1]?.get('original-recipient'), 'utf-8;j\u00f6rg@example.com');
  assert.equal(read.status[2]?.get('final-recipient'), 'rfc822;bob@example.com');
});

test('a sender whose local part has UTF-8 makes a report for SMTPUTF8; one whose domain has it does not', () => {
  assert.equal(writeDsn(report({ to: { localPart: 'j\u00f6rg', domain: 'example.test' } })).smtpUtf8, true);
  const { written, read } = lint(report({ to: { localPart: 'jorg', domain: 'b\u00fccher.example' } }));
  assert.equal(written.smtpUtf8, false);
  assert.equal(read.header.get('to'), '<jorg@xn--bcher-kva.example>');
});

test('Q230288: an impossible status becomes a valid one that fits the action', () => {
  const [recipient] = report().recipients;
  assert.ok(recipient !== undefined);
  for (const status of ['-1', '', '2.0.0', '5.1', '5.1.1111', '9.9.9', '5.01.001']) {
    const { read } = lint(report({ recipients: [{ ...recipient, status }] }));
    assert.match(read.status[1]?.get('status') ?? '', /^5\.\d+\.\d+$/);
  }
});

test('Q152921: whatever the remote host, the sender and the content say, the report is well-formed', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.constantFrom('a\r\nStatus: 2.0.0\r\n\r\n', 'x'.repeat(3000), 'word '.repeat(500)),
  );
  const octets = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((a) => Buffer.from(a)),
    hostile.map((t) => Buffer.from(`Subject: ${t}\r\n\r\n${t}`)),
  );
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          text: hostile,
          name: fc.constantFrom('mx.example.com', ''),
          original: hostile,
          code: fc.integer({ min: 400, max: 599 }),
        }),
        { minLength: 1, maxLength: 5 },
      ),
      octets,
      fc.constantFrom('full' as const, 'headers' as const),
      fc.constantFrom('allowed' as const, 'avoided' as const),
      hostile,
      (said, content, extent, eightBit, words) => {
        const recipients = said.map(({ text, name, original, code }) => ({
          final: { localPart: 'bob', domain: 'example.com' },
          original: `rfc822;a${original}`,
          action: 'failed' as const,
          status: `${Math.floor(code / 100)}.1.1`,
          ...(name === '' ? {} : { remote: { name, address: '192.0.2.1' } }),
          reply: { code, detail: '1.1', text: [text] },
        }));
        const dsn = report({
          recipients,
          envelopeId: `e${words}`,
          originalMessageId: words,
          human: ['plain'],
          returned: { extent, content, eightBit },
        });
        lint(dsn);
      },
    ),
    { numRuns: 300 },
  );
});
