import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EnvelopeOptions } from '../../../mail/envelope.ts';
import { mailCommand, rcptCommand, xtext } from './commands.ts';
import { noExtensions, parseExtensions } from './extensions.ts';

const envelope: EnvelopeOptions = { reversePath: { localPart: 'a', domain: 'x.test' }, body: '7bit', smtpUtf8: false };
const all = parseExtensions({
  code: 250,
  text: [
    'peer',
    'PIPELINING',
    'size 1000',
    '8bitmime',
    'DSN',
    'SMTPUTF8',
    'CHUNKING',
    'STARTTLS',
    'AUTH PLAIN',
    'AUTH=LOGIN',
    'LIMITS RCPTMAX=20 MAILMAX=5 RCPTDOMAINMAX=3 X=1',
  ],
});
const content = { sizeBytes: 10, eightBit: false };
const plain = { smtpUtf8: false, authenticated: false };
const utf8 = { smtpUtf8: true, authenticated: false };

test('an EHLO answer is read without case, with the old form of AUTH and with LIMITS', () => {
  assert.deepEqual(all, {
    pipelining: true,
    chunking: true,
    eightBitMime: true,
    binaryMime: false,
    smtpUtf8: true,
    dsn: true,
    startTls: true,
    size: true,
    sizeMax: 1000,
    auth: ['PLAIN', 'LOGIN'],
    recipientsMax: 20,
    messagesMax: 5,
    recipientDomainsMax: 3,
  });
});

test('SIZE without a number or with 0 is no limit', () => {
  for (const line of ['SIZE', 'SIZE 0', 'SIZE x', 'SIZE 99999999999999999999']) {
    assert.equal(parseExtensions({ code: 250, text: ['peer', line] }).sizeMax, undefined);
  }
});

test('parameters go only to a peer that offers them', () => {
  const options = { ...envelope, body: '8bitmime', smtpUtf8: true, returned: 'headers', envelopeId: 'a+b c' } as const;
  const recipient = {
    mailbox: { localPart: 'b', domain: 'y.test' },
    notify: ['success', 'failure'],
    original: 'rfc822;b=c@y.test',
  } as const;
  assert.equal(mailCommand(options, content, noExtensions, plain), 'MAIL FROM:<a@x.test>\r\n');
  assert.equal(rcptCommand(recipient, noExtensions), 'RCPT TO:<b@y.test>\r\n');
  assert.equal(
    mailCommand(options, content, all, utf8),
    'MAIL FROM:<a@x.test> SIZE=10 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb+20c\r\n',
  );
  assert.equal(rcptCommand(recipient, all), 'RCPT TO:<b@y.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b+3Dc@y.test\r\n');
  assert.equal(rcptCommand({ mailbox: recipient.mailbox, notify: [] }, all), 'RCPT TO:<b@y.test> NOTIFY=NEVER\r\n');
});

test('a peer that knows us by login is not told of a submitter (RFC 4954 §5)', () => {
  const authenticated = { smtpUtf8: false, authenticated: true };
  assert.equal(
    mailCommand(envelope, content, { ...noExtensions, auth: ['PLAIN'] }, authenticated),
    'MAIL FROM:<a@x.test> AUTH=<>\r\n',
  );
  assert.equal(mailCommand(envelope, content, { ...noExtensions, auth: ['PLAIN'] }, plain), 'MAIL FROM:<a@x.test>\r\n');
  assert.equal(mailCommand(envelope, content, noExtensions, authenticated), 'MAIL FROM:<a@x.test>\r\n');
});

test('the null reverse-path and quoted local parts are printed as RFC 5321 has them', () => {
  assert.equal(mailCommand({ ...envelope, reversePath: null }, content, noExtensions, plain), 'MAIL FROM:<>\r\n');
  assert.equal(
    rcptCommand({ mailbox: { localPart: 'a b"c', domain: 'y.test' } }, noExtensions),
    'RCPT TO:<"a b\\"c"@y.test>\r\n',
  );
});

test('a domain goes in A-labels to a peer without SMTPUTF8', () => {
  const recipient = { mailbox: { localPart: 'b', domain: 'bücher.test' } };
  assert.equal(rcptCommand(recipient, noExtensions), 'RCPT TO:<b@xn--bcher-kva.test>\r\n');
  assert.equal(rcptCommand(recipient, all), 'RCPT TO:<b@bücher.test>\r\n');
});

test('a path with a line end is never sent', () => {
  assert.throws(() => rcptCommand({ mailbox: { localPart: 'b>\r\nRCPT TO:<c', domain: 'y.test' } }, noExtensions));
});

test('xtext encodes what RFC 3461 asks for', () => {
  assert.equal(xtext('a+b=c d'), 'a+2Bb+3Dc+20d');
  assert.equal(xtext('plain@x.test'), 'plain@x.test');
});

test('ORCPT of the type utf-8 follows RFC 6533', () => {
  const recipient = { mailbox: { localPart: 'b', domain: 'y.test' }, original: 'utf-8;grün+x@y.test' };
  assert.equal(
    rcptCommand(recipient, { ...all, smtpUtf8: false }),
    'RCPT TO:<b@y.test> ORCPT=utf-8;gr\\x{FC}n\\x{2B}x@y.test\r\n',
  );
  assert.equal(rcptCommand(recipient, all), 'RCPT TO:<b@y.test> ORCPT=utf-8;grün\\x{2B}x@y.test\r\n');
});

test('ORCPT that came in the form for ASCII is relayed as it came, not encoded twice', () => {
  const recipient = { mailbox: { localPart: 'b', domain: 'y.test' }, original: 'utf-8;gr\\x{FC}n@y.test' };
  assert.equal(
    rcptCommand(recipient, { ...all, smtpUtf8: false }),
    'RCPT TO:<b@y.test> ORCPT=utf-8;gr\\x{FC}n@y.test\r\n',
  );
  assert.equal(rcptCommand(recipient, all), 'RCPT TO:<b@y.test> ORCPT=utf-8;grün@y.test\r\n');
});
