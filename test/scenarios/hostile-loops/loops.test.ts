/** Two servers that send mail to each other without end, if they are let; and reports that nobody may ever get. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type TestDnsServer, startDnsServer } from '../../support/dns-server.ts';
import { lintReport } from '../../support/dsn-lint.ts';
import { mailIn, queued, sendPlain } from '../../support/mailboxes.ts';
import { until } from '../../support/programs.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const ZONE = `
example.test. MX 10 mail.example.test.
mail.example.test. A 127.0.0.41
other.test. MX 10 mail.other.test.
mail.other.test. A 127.0.0.42
`;
const HOPS_MAX = 12;
let dns: TestDnsServer;
let port: number;
let here: TestService;
let there: TestService;
let mx: number;

function configuration(directory: string, domain: string, address: string, other: string): string {
  return `server: { name: mail.${domain}, data: ${directory}/data }
listeners:
  mx: { profile: mx, address: ${address}, port: ${port}, tls: none }
  probe: { profile: mx, address: 127.0.0.1, port: ${address.endsWith('41') ? mx : mx + 1}, tls: none }
domains:
  ${domain}:
    mailboxes: { alice: {}, grün: {} }
    aliases:
      postmaster: alice
      ping: [ping@${other}]
      left: [left@${other}, right@${other}]
      right: [left@${other}, right@${other}]
      both: [alice, both@${other}]
      away: [nobody@${other}]
policy: { localNetworks: [127.0.0.1/32] }
reception: { hopsMax: ${HOPS_MAX} }
names: { servers: ['${dns.server}'], timeout: 500ms, tries: 2 }
routing: { port: ${port} }
`;
}

before(async () => {
  dns = await startDnsServer(ZONE);
  port = await freePort();
  mx = await freePort();
  here = await startService((directory) => configuration(directory, 'example.test', '127.0.0.41', 'other.test'));
  there = await startService((directory) => configuration(directory, 'other.test', '127.0.0.42', 'example.test'));
});
after(async () => {
  for (const service of [here, there]) await service?.remove();
  await dns?.close();
});

const CONTENT = 'Subject: round and round\r\n\r\nbody\r\n';

/** Waits until both queues are empty. */
const quiet = (): Promise<boolean> =>
  until('mail still goes', async () => (await queued(here)).length + (await queued(there)).length === 0, 30_000).then(
    () => true,
  );

/** Messages received by a service so far that are no longer queued, by its mailbox. */
const reportsTo = async (mailbox: string): Promise<string[]> =>
  (await mailIn(here, mailbox)).filter((text) => /^Content-Type: multipart\/report/m.test(text));

/** Sends and returns the reports that the sender got for it, once nothing moves any more. */
async function reportsFor(message: Parameters<typeof sendPlain>[1]): Promise<string[]> {
  const before = await reportsTo('alice');
  await sendPlain(mx, message);
  await quiet();
  return (await reportsTo('alice')).filter((text) => !before.includes(text));
}

test('an alias here and one there that lead to each other: the sender is told once, a null sender never', async () => {
  const reports = await reportsFor({ from: 'alice@example.test', to: ['ping@example.test'], content: CONTENT });
  assert.equal(reports.length, 1);
  assert.match(reports[0] ?? '', /^Status: 5\.4\.6/m);
  assert.deepEqual(await reportsFor({ from: '', to: ['ping@example.test'], content: CONTENT }), []);
});

test('two aliases that lead to two aliases and back, in one transaction: hops end it, and it does not multiply', async () => {
  const reports = await reportsFor({
    from: 'alice@example.test',
    to: ['left@example.test', 'right@example.test'],
    content: CONTENT,
  });
  assert.ok(reports.length >= 1 && reports.length <= 4, `${reports.length} reports`);
  for (const report of reports) assert.match(report, /^Status: 5\.4\.6/m);
  assert.deepEqual(
    await reportsFor({ from: '', to: ['left@example.test', 'right@example.test'], content: CONTENT }),
    [],
  );
});

test('an alias to a mailbox and around: the mailbox has few copies, and it ends', async () => {
  const before = (await mailIn(here, 'alice')).length;
  await sendPlain(mx, { from: '', to: ['both@example.test'], content: CONTENT });
  await quiet();
  assert.ok((await mailIn(here, 'alice')).length - before <= 2);
});

test('a report that cannot be delivered is reported to nobody', async () => {
  const before = [...(await mailIn(here, 'alice')), ...(await mailIn(there, 'alice').catch(() => []))].length;
  await sendPlain(mx, { from: 'nobody@other.test', to: ['nobody2@other.test'], content: CONTENT });
  await sendPlain(mx, { from: 'away@example.test', to: ['nobody2@other.test'], content: CONTENT });
  await quiet();
  assert.equal([...(await mailIn(here, 'alice')), ...(await mailIn(there, 'alice').catch(() => []))].length, before);
});

const WHENS = [
  '',
  'NEVER',
  'SUCCESS',
  'FAILURE',
  'DELAY',
  'SUCCESS,FAILURE',
  'SUCCESS,DELAY',
  'FAILURE,DELAY',
  'SUCCESS,FAILURE,DELAY',
];

for (const when of WHENS) {
  test(`NOTIFY=${when || '(none)'}: reports of success here and there and of failure there, as asked for and with what was given`, async () => {
    const rcpt = `${when === '' ? '' : `NOTIFY=${when} `}ORCPT=rfc822;first+2Bone@example.test`;
    const wants = { success: when.includes('SUCCESS'), failure: when === '' || when.includes('FAILURE') };
    for (const [to, action, wanted, reporter] of [
      ['alice@example.test', 'delivered', wants.success, 'mail.example.test'],
      ['alice@other.test', 'delivered', wants.success, 'mail.other.test'],
      ['nobody@other.test', 'failed', wants.failure, 'mail.example.test'],
    ] as const) {
      const mail = `RET=${when.length % 2 === 0 ? 'HDRS' : 'FULL'} ENVID=QQ+2B${when.length}`;
      const reports = await reportsFor({ from: 'alice@example.test', to: [to], content: CONTENT, mail, rcpt });
      assert.equal(reports.length, wanted ? 1 : 0, `${to}: ${reports.join('\n')}`);
      for (const report of reports) {
        const start = report.indexOf('\n', report.indexOf('Delivered-To:')) + 1;
        const linted = lintReport(Buffer.from(report.slice(start).replace(/\r?\n/g, '\r\n')));
        assert.deepEqual(linted.faults, [], report);
        const [message, recipient] = linted.status;
        assert.equal(message?.get('original-envelope-id'), `QQ+${when.length}`);
        assert.equal(
          message?.get('reporting-mta'),
          `dns; ${reporter}`.replace('; ', message?.get('reporting-mta')?.includes('; ') === true ? '; ' : ';'),
        );
        assert.equal(recipient?.get('action'), action);
        assert.equal(recipient?.get('original-recipient')?.replace(/; */, ';'), 'rfc822;first+one@example.test');
        assert.match(recipient?.get('final-recipient') ?? '', new RegExp(`^rfc822; ?${to}$`));
      }
    }
  });
}

test('RFC 6533: an address beyond ASCII that fails is reported as utf-8', async () => {
  const content = `From: <grün@example.test>\r\n${CONTENT}`;
  await sendPlain(mx, { from: 'grün@example.test', to: ['köln@other.test'], content, mail: 'SMTPUTF8' });
  await quiet();
  const [report = ''] = await reportsTo('grün');
  assert.match(report, /^Final-Recipient: utf-8; ?k=C3=B6ln@other\.test/m);
});

test('after all of this nothing is broken', async () => {
  for (const service of [here, there]) {
    const names = [
      'supervisor.child-ended',
      'journal.unexpected-error',
      'service.part-failed',
      'scheduler.attempt-broke',
    ];
    assert.deepEqual(
      service.events.filter(({ name }) => names.includes(name)),
      [],
    );
  }
});
