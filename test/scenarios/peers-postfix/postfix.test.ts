import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeSelfSigned } from '../../../src/service/supervisor/certificate.ts';
import { testConfiguration } from '../../support/configurations.ts';
import { startDnsServer, type TestDnsServer } from '../../support/dns-server.ts';
import { mailWith, queued, sendPlain } from '../../support/mailboxes.ts';
import { needsPostfix, startPostfix, type Postfix } from '../../support/postfix.ts';
import { until } from '../../support/programs.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const skip = needsPostfix();
const EIGHT_BIT =
  'Subject: Grüße\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n';
let postfix: Postfix;
let service: TestService;
let dns: TestDnsServer;
let mx: number;

before(async () => {
  if (skip !== false) return;
  mx = await freePort();
  const port = await freePort();
  const { certificatePem, keyPem } = await makeSelfSigned('postfix.test', Date.now());
  postfix = await startPostfix({
    port,
    domains: ['post.test', 'mxed.test'],
    files: { 'both.pem': `${keyPem}${certificatePem}` },
    // Mail for us leaves over STARTTLS or not at all.
    parameters: `transport_maps = inline:{ { example.test = smtp:[127.0.0.1]:${mx} } }
smtpd_tls_security_level = may
smtpd_tls_chain_files = {dir}/both.pem
smtpd_tls_received_header = yes
smtp_tls_security_level = encrypt
smtpd_recipient_restrictions = check_recipient_access inline:{ { hard@post.test = 550 5.1.1 hard luck }, { soft@post.test = 450 4.2.0 come again } }, permit
`,
  });
  dns = await startDnsServer('mxed.test. MX 10 mail.mxed.test.\nmail.mxed.test. A 127.0.0.1\n');
  service = await startService((directory) =>
    testConfiguration({
      directory,
      ports: { mx },
      workers: 2,
      more: `policy: { localNetworks: [127.0.0.0/8] }
names: { servers: ['${dns.server}'] }
routing:
  port: ${port}
  smartHosts: { postfix: { hosts: [{ host: 127.0.0.1, port: ${port} }], tls: required } }
  addressSpaces: [{ match: post.test, via: postfix }]
`,
    }),
  );
});
after(async () => {
  await service?.remove();
  await postfix?.remove();
  await dns?.close();
});

function received(words: RegExp): Promise<string> {
  return until(
    () => `Postfix has no mail with ${words}`,
    async () => (await postfix.mail()).find((mail) => words.test(mail)),
  );
}

/** What follows the header, as the client sent it. */
const bodyOf = (mail: string): string => mail.slice(mail.indexOf('\n\n') + 2);

test('to Postfix as smart host over STARTTLS: it arrives as it left', { skip }, async () => {
  const body = '.a dot\r\n..two\r\n\r\ntrailing blanks  \r\n\tand a tab\r\n.\tdot\r\n\r\n';
  await sendPlain(mx, {
    from: 'alice@example.test',
    to: ['one@post.test'],
    content: `Subject: smart host\r\nX-Odd:\r\n  folded\r\n\r\n${body}`,
  });
  const mail = await received(/Subject: smart host/);
  assert.equal(bodyOf(mail), body.replaceAll('\r\n', '\n'));
  assert.match(mail, /^Return-Path: <alice@example\.test>\n/);
  assert.match(mail, /\nDelivered-To: one@post\.test\n/);
  assert.match(mail, /from mail\.example\.test [^\n]*\n\t\(using TLSv1\.3 with cipher/);
  assert.match(mail, /\nX-Odd:\n {2}folded\n/);
});

test('to Postfix by the MX of a domain', { skip }, async () => {
  await sendPlain(mx, { from: 'alice@example.test', to: ['two@mxed.test'], content: 'Subject: by MX\r\n\r\nx\r\n' });
  await received(/Delivered-To: two@mxed\.test\n[\s\S]*Subject: by MX/);
  assert.ok(dns.asked.some((question) => /mxed\.test MX$/.test(question)));
});

test('from Postfix over STARTTLS into a mailbox', { skip }, async () => {
  await sendPlain(postfix.port, {
    from: 'far@post.test',
    to: ['bob@example.test'],
    content: 'Subject: from Postfix\r\n\r\n.x\r\n',
  });
  const mail = await mailWith(service, 'bob', /Subject: from Postfix/);
  assert.match(mail, /^Return-Path: <far@post\.test>/);
  assert.match(mail, /from postfix\.test [\s\S]*with ESMTPS/);
  assert.match(mail, /\r?\n\r?\n\.x\r?\n$/);
});

test('8BITMIME and SMTPUTF8, both ways', { skip }, async () => {
  const content = `${EIGHT_BIT}Zwölf Boxkämpfer 🥊\r\n`;
  await sendPlain(mx, {
    from: 'alice@example.test',
    to: ['eight@post.test'],
    content: content.replace('Grüße', 'eight'),
    mail: 'BODY=8BITMIME',
  });
  assert.equal(
    Buffer.from(bodyOf(await received(/Subject: eight/)), 'latin1').toString('utf8'),
    'Zwölf Boxkämpfer 🥊\n',
  );
  await sendPlain(mx, { from: 'alice@example.test', to: ['grün@post.test'], content, mail: 'BODY=8BITMIME SMTPUTF8' });
  const outbound = Buffer.from(await received(/Delivered-To: gr\xc3\xbcn@post\.test/), 'latin1').toString('utf8');
  assert.match(outbound, /\nSubject: Grüße\n/);
  await sendPlain(postfix.port, {
    from: 'grün@post.test',
    to: ['alice@example.test'],
    content,
    mail: 'BODY=8BITMIME SMTPUTF8',
  });
  const inbound = await mailWith(service, 'alice', /^Return-Path: <grün@post\.test>/);
  assert.match(inbound, /with UTF8SMTPS/);
  assert.match(inbound, /Zwölf Boxkämpfer 🥊/);
});

test('RFC 3461: NOTIFY=SUCCESS is handed on, and the report of Postfix comes back; ours goes to Postfix', {
  skip,
}, async () => {
  const dsn = { rcpt: 'NOTIFY=SUCCESS ORCPT=rfc822;first@post.test', mail: 'RET=HDRS ENVID=there' };
  await sendPlain(mx, {
    from: 'bob@example.test',
    to: ['dsn@post.test'],
    content: 'Subject: please tell\r\n\r\nx\r\n',
    ...dsn,
  });
  const report = await mailWith(service, 'bob', /Original-Envelope-Id: there/);
  assert.match(report, /Reporting-MTA: dns; ?postfix\.test/);
  assert.match(report, /Original-Recipient: rfc822; ?first@post\.test/);
  assert.match(report, /Action: (?:delivered|relayed)/);
  await sendPlain(postfix.port, {
    from: 'teller@post.test',
    to: ['alice@example.test'],
    content: 'Subject: tell me\r\n\r\nx\r\n',
    mail: 'RET=HDRS ENVID=here',
    rcpt: 'NOTIFY=SUCCESS',
  });
  const ours = await received(/Original-Envelope-Id: here/);
  assert.match(ours, /^Return-Path: <>\n/);
  assert.match(ours, /Reporting-MTA: dns; ?mail\.example\.test/);
  assert.match(ours, /Action: delivered/);
});

test('250 recipients in one transaction: each gets it once', { skip }, async () => {
  const to = Array.from({ length: 250 }, (_, i) => `many${i}@post.test`);
  await sendPlain(mx, { from: 'alice@example.test', to, content: 'Subject: to many\r\n\r\nx\r\n' });
  const many = async (): Promise<string[]> =>
    (await postfix.mail()).filter((mail) => mail.includes('\nSubject: to many'));
  const all = await until('250 copies', async () => {
    const now = await many();
    return now.length >= 250 && now;
  });
  assert.deepEqual(new Set(all.map((mail) => /Delivered-To: (\S+)/.exec(mail)?.[1])), new Set(to));
  assert.equal(all.length, 250);
});

test('one recipient is taken, one refused for good, one for now: each by its own reply', { skip }, async () => {
  await sendPlain(mx, {
    from: 'bob@example.test',
    to: ['good@post.test', 'hard@post.test', 'soft@post.test'],
    content: 'Subject: mixed\r\n\r\nx\r\n',
  });
  await received(/Delivered-To: good@post\.test/);
  const report = await mailWith(service, 'bob', /Final-Recipient: rfc822; ?hard@post\.test/);
  assert.match(report, /Status: 5\.1\.1/);
  assert.match(report, /Diagnostic-Code: smtp; ?550 5\.1\.1 [^\n]*\s+hard luck/);
  assert.doesNotMatch(report, /Final-Recipient: rfc822; ?(?:good|soft)@/);
  const waiting = await until('soft@post.test waits', async () => {
    const rows = await queued(service, '--recipient', 'soft@post.test');
    return rows.find((row) => row.attempts > 0 && !row.claimed);
  });
  const states = new Map(waiting.recipients?.map((recipient) => [recipient.mailbox, recipient]));
  assert.equal(states.get('soft@post.test')?.state, 'waiting');
  assert.match(JSON.stringify(states.get('soft@post.test')?.lastReply), /come again/);
  assert.notEqual(states.get('good@post.test')?.state, 'waiting');
  const bounced = await service.ims('queue', 'bounce', '--recipient', 'soft@post.test', '--yes');
  assert.equal(bounced.code, 0, bounced.stderr);
  await mailWith(service, 'bob', /Final-Recipient: rfc822; ?soft@post\.test/);
});

test('from Postfix to an unknown mailbox and a known one: the one is refused, and Postfix tells its sender', {
  skip,
}, async () => {
  await sendPlain(postfix.port, {
    from: 'asker@post.test',
    to: ['nobody@example.test', 'alice@example.test'],
    content: 'Subject: half\r\n\r\nx\r\n',
  });
  await mailWith(service, 'alice', /Subject: half/);
  const report = await received(/Final-Recipient: rfc822; nobody@example\.test/);
  assert.match(report, /Status: 5\.1\.1/);
});
