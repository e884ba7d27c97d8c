import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mailboxes } from '../../../../test/support/arbitrary-mailboxes.ts';
import { needsSmtpUtf8 } from '../../../mail/mailbox.ts';
import { mailLineMax, originalRecipientMax, parametersMax, rcptLineMax } from '../limits.ts';
import { parseMailArguments, printMailArguments, type MailArguments } from './mail-arguments.ts';
import { parseParameters } from './parameters.ts';
import { parseRcptArguments, printRcptArguments } from './rcpt-arguments.ts';
import { decodeXtext, encodeXtext } from './xtext.ts';

const printable = fc.string({
  unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)),
  minLength: 1,
  maxLength: 30,
});

test('xtext comes back, and hides no control characters', () => {
  fc.assert(fc.property(printable, (text) => assert.equal(decodeXtext(encodeXtext(text)), text)));
  for (const bad of ['a b', 'a=b', '+', '+4', '+4g', '+4a', '+0D', '+0A', '+00', '+7F', '+FF', 'ä'])
    assert.equal(decodeXtext(bad), undefined, bad);
});

test('what MAIL says is read back as printed', () => {
  const options = fc.record(
    { returned: fc.constantFrom('full' as const, 'headers' as const), envelopeId: printable },
    { requiredKeys: [], noNullPrototype: true },
  );
  fc.assert(
    fc.property(
      fc.option(mailboxes),
      options,
      fc.boolean(),
      fc.option(fc.nat(), { nil: undefined }),
      fc.boolean(),
      (reversePath, more, eightBit, declaredSize, utf8) => {
        const smtpUtf8 = utf8 || (reversePath !== null && needsSmtpUtf8(reversePath));
        const value: MailArguments = {
          envelope: { reversePath, body: eightBit ? '8bitmime' : '7bit', smtpUtf8, ...more },
          declaredSize,
        };
        const text = printMailArguments(value);
        const read = parseMailArguments(text);
        assert.deepEqual(read, { ok: true, value }, text);
      },
    ),
  );
});

test('what RCPT says is read back as printed', () => {
  const notify = fc.subarray(['success', 'failure', 'delay'] as const);
  const original = printable.map((text) => `rfc822;${text}`);
  const recipients = fc.record(
    { mailbox: mailboxes, notify, original },
    { requiredKeys: ['mailbox'], noNullPrototype: true },
  );
  fc.assert(
    fc.property(recipients, (recipient) => {
      assert.deepEqual(parseRcptArguments(printRcptArguments(recipient), true), { ok: true, value: recipient });
    }),
  );
  const unitext = { mailbox: { localPart: 'a', domain: 'b.test' }, original: 'utf-8;ä@b.test' };
  assert.deepEqual(parseRcptArguments(printRcptArguments(unitext), true), { ok: true, value: unitext });
});

test('parameters have a limit, and ORCPT has one', () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => ` P${i}`).join('');
  assert.ok(parseParameters(many(parametersMax)).ok);
  assert.equal(parseParameters(many(parametersMax + 1)).ok, false);
  const orcpt = (length: number) =>
    parseRcptArguments(`TO:<a@b.test> ORCPT=rfc822;${'a'.repeat(length - 7)}`, false).ok;
  assert.ok(orcpt(originalRecipientMax));
  assert.equal(orcpt(originalRecipientMax + 1), false);
  assert.ok(mailLineMax > 512 && rcptLineMax > 1012);
});

test('hostile arguments are read in linear time', () => {
  for (const unit of ['<', '"', '\\', '@', '[', ':', '.', 'a@', ' A=', 'a.', ';', '+2B']) {
    parseMailArguments(`FROM:<${unit.repeat(4000)}`);
    parseRcptArguments(`TO:<a@b.test> ORCPT=${unit.repeat(4000)}`, true);
  }
});

test('AUTH= is read and not used, also of a submitter beyond ASCII (RFC 4954 §5)', () => {
  for (const good of ['<>', 'a@x.test', 'e+3Dmc2@example.test', 'gr+C3+BCn@example.test'])
    assert.equal(parseMailArguments(`FROM:<a@x.test> AUTH=${good}`).ok, true, good);
  for (const bad of ['', 'a', '+', '+G0@x.test', 'gr+C3+B@x.test'])
    assert.equal(parseMailArguments(`FROM:<a@x.test> AUTH=${bad}`).ok, false, bad);
});

test('ORCPT of the type utf-8 means the same in both forms, and hides no control characters (RFC 6533 §3)', () => {
  const original = (text: string, smtpUtf8: boolean): string | undefined => {
    const parsed = parseRcptArguments(`TO:<b@y.test> ORCPT=${text}`, smtpUtf8);
    return parsed.ok ? parsed.value.original : undefined;
  };
  const meant = 'utf-8;grün+x@y.test';
  assert.equal(original('utf-8;gr\\x{FC}n\\x{2B}x@y.test', false), meant);
  assert.equal(original('utf-8;grün\\x{2B}x@y.test', true), meant);
  assert.equal(original('utf-8;grün@y.test', false), undefined);
  assert.equal(original('rfc822;grün@y.test', true), undefined);
  for (const hidden of ['\\x{0D}', '\\x{0A}', '\\x{7F}', '+0A'])
    assert.equal(original(`utf-8;a${hidden}b`, true), undefined, hidden);
  const recipient = { mailbox: { localPart: 'b', domain: 'y.test' }, original: meant };
  assert.deepEqual(parseRcptArguments(printRcptArguments(recipient), false), { ok: true, value: recipient });
});
