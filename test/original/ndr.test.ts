import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { lintReport } from '../support/dsn-lint.ts';
import { ehlo } from '../support/scripted-peer.ts';
import { arrived, STRANGER, Town, until } from './town.ts';

const WITH_DSN = ehlo(['STARTTLS', 'SIZE']);
const WITHOUT_DSN = ehlo(['STARTTLS', 'SIZE', 'DSN']);
const TEXT = 'From: a@far.test\r\nMessage-ID: <1@far.test>\r\nSubject: x\r\n\r\nbody of x\r\n';
let town: Town;

before(async () => {
  town = await Town.found({
    routing: ({
      peerPort,
    }) => `  smartHosts: { outward: { hosts: [{ host: outward.hosts.test, port: ${peerPort} }], tls: none } }
  addressSpaces: [{ match: outside.test, via: outward }]
`,
    domain:
      '    aliases: { forward: gone@refusing.test }\n  hosted.test:\n    mailboxes: { hole: { delivery: { discard: true } } }\n',
    policy: '  blockedSenders: [unwanted.test]\n',
    more: 'events: { levels: { delivery: maximum } }\n',
  });
  await town.host({ EHLO: WITH_DSN, RCPT: '550 5.1.1 nobody of that name' }, 'refusing.test');
});
after(() => town.leave());

/** Sends from a fresh mailbox and returns its first report. */
async function report(to: string, content: string | Buffer = TEXT, mail = '', rcpt = ''): Promise<string> {
  const mailbox = town.mailbox();
  assert.match(await town.send({ from: `${mailbox}@example.test`, to: [to], content, mail, rcpt }), /^250/);
  return (await town.mail(mailbox))[0]?.toString('latin1') ?? '';
}

test('Q136786: lists, bulk mail and automatic mail get nothing but a DSN, and only at the envelope sender', async () => {
  const noise =
    'Precedence: bulk\r\nList-Id: <l.far.test>\r\nAuto-Submitted: auto-replied\r\nReply-To: list@far.test\r\nErrors-To: e@far.test\r\n';
  const far = await town.host({ EHLO: WITH_DSN }, 'far.test');
  const text = await report('x@refusing.test', `${noise}${TEXT}`);
  assert.match(text, /^Return-Path: <>/);
  assert.match(text, /Auto-Submitted: auto-replied/, 'as a part of what is returned');
  assert.equal(far.sessions.length, 0);
});

test('Q152928: success at a host without DSN is reported as relayed', async () => {
  await town.host({ EHLO: WITHOUT_DSN }, 'nodsn.test');
  const text = await report('x@nodsn.test', TEXT, '', 'NOTIFY=SUCCESS');
  assert.match(text, /Action: relayed/);
  assert.match(text, /Status: 2\.\d+\.\d+/);
});

test('Q156063-dsn: RET, ENVID, NOTIFY and ORCPT are honoured, and passed on where the peer has DSN', async () => {
  const host = await town.host({ EHLO: WITH_DSN }, 'dsn.test');
  const parameters = ['RET=HDRS ENVID=abc+2B1', 'NOTIFY=SUCCESS,DELAY ORCPT=rfc822;other@dsn.test'] as const;
  assert.match(
    await town.send({
      from: 'u39@example.test',
      to: ['x@dsn.test'],
      content: TEXT,
      mail: parameters[0],
      rcpt: parameters[1],
    }),
    /^250/,
  );
  await arrived(host);
  assert.match(
    host.commands.find((line) => line.startsWith('MAIL')) ?? '',
    /RET=HDRS.*ENVID=abc\+2B1|ENVID=abc\+2B1.*RET=HDRS/,
  );
  assert.match(
    host.commands.find((line) => line.startsWith('RCPT')) ?? '',
    /NOTIFY=(SUCCESS,DELAY|DELAY,SUCCESS).*ORCPT=rfc822;other@dsn\.test/,
  );

  const failed = await report(
    'x@refusing.test',
    TEXT,
    'RET=HDRS ENVID=abc',
    'NOTIFY=FAILURE ORCPT=rfc822;first@far.test',
  );
  assert.match(failed, /Original-Envelope-Id: abc\r\n/);
  assert.match(failed, /Original-Recipient: rfc822;\s?first@far\.test/);
  assert.doesNotMatch(failed, /body of x/);

  const silent = town.mailbox();
  assert.match(
    await town.send({ from: `${silent}@example.test`, to: ['x@refusing.test'], content: TEXT, rcpt: 'NOTIFY=NEVER' }),
    /^250/,
  );
  await until(async () => ((await town.queue()).total === 0 ? true : undefined), 'an empty queue');
  await assert.rejects(town.mail(silent, 1, 200));
});

test('Q156710: a forward that fails is reported with the address that the sender wrote', async () => {
  const text = await report('forward@example.test');
  assert.match(text, /Original-Recipient: rfc822;\s?forward@example\.test/);
  assert.match(text, /Final-Recipient: rfc822;\s?gone@refusing\.test/);
});

test('Q177793: a report goes the way of any mail, also outwards through a smart host', async () => {
  const outward = await town.host({ EHLO: WITH_DSN });
  town.zone(`outward.hosts.test A ${outward.address}`);
  assert.match(await town.send({ from: 'sender@outside.test', to: ['x@refusing.test'], content: TEXT }), /^250/);
  await arrived(outward);
  assert.match(outward.commands.find((line) => line.startsWith('MAIL')) ?? '', /^MAIL FROM:<>/);
  assert.ok(outward.commands.some((line) => line.startsWith('RCPT TO:<sender@outside.test>')));
});

test('Q183270: a failure report holds the original whole and unchanged, fit to be sent again', async () => {
  const original =
    'From: "A, B" <a@far.test>\r\nTo: x@refusing.test\r\nSubject: =?utf-8?q?x?=\r\n folded\r\n\r\n.dot\r\n--=_x\r\ntrailing \r\n';
  const text = await report('x@refusing.test', original);
  assert.match(text, /Content-Type: message\/rfc822/);
  assert.ok(text.includes(`\r\n${original}`), text);
});

test('Q188013: the report about a multipart/alternative is a valid report', async () => {
  const original =
    'Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>\r\n--b--\r\n';
  const text = await report('x@refusing.test', original);
  assert.deepEqual(lint(text), []);
});

test('Q152921: a report passes the lint of RFC 5322, 2045 and 3464', async () => {
  assert.deepEqual(lint(await report('x@refusing.test')), []);
});

test('Q230288: the status codes of a report have the form of RFC 3463, whatever the peer said', async () => {
  for (const [n, said] of ['550 no status at all', '554 2.0.0 nonsense', '550 5.9999.1 too long', '550 -1'].entries()) {
    await town.host({ RCPT: said }, `status${n}.test`);
    const text = await report(`x@status${n}.test`);
    assert.match(text, /\r\nStatus: 5\.\d{1,3}\.\d{1,3}\r\n/, said);
  }
});

test('Q200059: a report has the null reverse-path, and its own failure is reported to nobody', async () => {
  assert.match(await town.send({ from: 'bouncing@refusing.test', to: ['x@refusing.test'], content: TEXT }), /^250/);
  await until(async () => ((await town.queue()).total === 0 ? true : undefined), 'an empty queue');
  const { stdout } = await town.service.ims('trace', 'bouncing@refusing.test');
  assert.match(stdout, /5\.1\.1/);
  await assert.rejects(town.mail('postmaster', 1, 200));
});

test('Q289854: what a mailbox discards leaves an event with id, sender and rule, and is in its timeline', async () => {
  const reply = await town.send(
    { from: 'auto@far.test', to: ['hole@hosted.test'], content: `Auto-Submitted: auto-replied\r\n${TEXT}` },
    STRANGER,
  );
  const { data } = await town.service.seen(2450);
  assert.deepEqual([data['sender'], data['recipient']], ['auto@far.test', 'hole@hosted.test']);
  assert.ok(reply.includes(String(data['queueId'])), reply);
  await until(
    async () =>
      (await town.service.ims('trace', String(data['queueId']))).stdout.includes('discarded') ? true : undefined,
    'the discard in the timeline',
  );
});

test('Q289854: what policy does not want is refused while the sender is still there to be told, never dropped', async () => {
  assert.match(
    await town.send({ from: 'spam@unwanted.test', to: ['hole@hosted.test'], content: TEXT }, STRANGER),
    /^550 5\.7\.1/,
  );
});

/** What the lint finds in a report without what delivery put before it. */
function lint(text: string): readonly string[] {
  return lintReport(Buffer.from(text.replace(/^Return-Path:[^\r]*\r\nDelivered-To:[^\r]*\r\n/, ''), 'latin1')).faults;
}
