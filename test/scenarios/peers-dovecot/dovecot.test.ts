import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { testConfiguration } from '../../support/configurations.ts';
import { type Dovecot, needsDovecot, startDovecot } from '../../support/dovecot.ts';
import { mailWith, queued, sendPlain } from '../../support/mailboxes.ts';
import { until } from '../../support/programs.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const skip = needsDovecot();
let dovecot: Dovecot;
let service: TestService;
let mx: number;

before(async () => {
  if (skip !== false) return;
  mx = await freePort();
  dovecot = await startDovecot(await freePort(), ['carol@kept.test', 'dave@kept.test', 'erin@local.test']);
  // Ours know more mailboxes than Dovecot has.
  service = await startService((directory) =>
    testConfiguration({
      directory,
      ports: { mx },
      workers: 2,
      more: `  kept.test: { lmtp: tcp, mailboxes: { carol: {}, dave: {}, ghost: {} } }
  local.test: { mailboxes: { erin: { delivery: { lmtp: socket } } } }
routing:
  smartHosts:
    tcp: { protocol: lmtp, tls: none, hosts: [{ host: 127.0.0.1, port: ${dovecot.port} }] }
    socket: { protocol: lmtp, tls: none, hosts: [{ host: '${dovecot.path}' }] }
`,
    }),
  );
});
after(async () => {
  await service?.remove();
  await dovecot?.remove();
});

function kept(user: string, words: RegExp): Promise<string> {
  return until(
    () => `${user} has no mail with ${words}`,
    async () => (await dovecot.mail(user)).find((mail) => words.test(mail)),
  );
}

test('a domain kept by Dovecot, over TCP: one refused mailbox is returned, the others have the message', {
  skip,
}, async () => {
  const to = ['carol@kept.test', 'ghost@kept.test', 'DAVE+list@Kept.test'];
  await sendPlain(mx, { from: 'alice@example.test', to, content: 'Subject: three\r\n\r\n.x\r\n' });
  for (const user of ['carol@kept.test', 'dave@kept.test']) {
    const mail = await kept(user, /Subject: three/);
    assert.match(mail, /^Return-Path: <alice@example\.test>/);
    assert.match(mail, /\r?\n\r?\n\.x\r?\n$/);
  }
  const report = await mailWith(service, 'alice', /Final-Recipient: rfc822;ghost@kept\.test/);
  assert.match(report, /Status: 5\.1\.1/);
  assert.match(report, /550 5\.1\.1 <ghost@kept\.test> User doesn't exist/);
  assert.doesNotMatch(report, /Final-Recipient: rfc822;(?:carol|dave)/i);
});

test('one mailbox kept by Dovecot, over a UNIX socket', { skip }, async () => {
  await sendPlain(mx, { from: '', to: ['erin@local.test'], content: 'Subject: socket\r\n\r\nx\r\n' });
  assert.match(await kept('erin@local.test', /Subject: socket/), /^Return-Path: <>/);
});

test('many messages over few connections: each is kept once', { skip }, async () => {
  await Promise.all(
    Array.from({ length: 60 }, (_, i) =>
      sendPlain(mx, {
        from: 'far@away.test',
        to: ['carol@kept.test', 'dave@kept.test'],
        content: `Subject: n${i}.\r\n\r\n${'x'.repeat(70)}\r\n`,
      }),
    ),
  );
  await until('an empty queue', async () => (await queued(service)).length === 0);
  for (const user of ['carol@kept.test', 'dave@kept.test']) {
    const subjects = (await dovecot.mail(user))
      .map((mail) => /^Subject: (n\d+)\.\r?$/m.exec(mail)?.[1])
      .filter((subject) => subject !== undefined);
    assert.equal(subjects.length, 60);
    assert.equal(new Set(subjects).size, 60);
  }
});

test('a Dovecot that is down keeps the mail waiting, not returned', { skip }, async () => {
  await dovecot.remove();
  await sendPlain(mx, {
    from: 'alice@example.test',
    to: ['carol@kept.test', 'erin@local.test'],
    content: 'Subject: down\r\n\r\nx\r\n',
  });
  const rows = await until('two deliveries wait', async () => {
    const now = await queued(service);
    return now.length === 2 && now.every(({ attempts, claimed }) => attempts > 0 && !claimed) && now;
  });
  for (const { recipients } of rows) assert.equal(recipients?.[0]?.state, 'waiting');
});
