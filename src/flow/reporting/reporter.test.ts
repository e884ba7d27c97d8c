import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lintReport } from '../../../test/support/dsn-lint.ts';
import type { Outcome } from '../../mail/outcome.ts';
import type { Claim, ClaimedRecipient, OwedMessage } from '../queue/port.ts';
import { explain, explainedStatuses } from './explanations.ts';
import { reportEntries } from './entries.ts';
import { kindOfReport } from './identity.ts';
import { type ReporterParts, createReporter } from './reporter.ts';

const AT = Date.UTC(2026, 0, 2);
const REMOTE = { name: 'mx.example.com', address: '192.0.2.1' };
const MESSAGE = Buffer.from(
  'From: alice@example.test\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n an Bob\r\nMessage-ID: <one@example.test>\r\n\r\nHello.\r\n',
);
const failed = (code = 550, detail = '1.1'): Outcome => ({
  kind: 'failed',
  reply: { code, detail, text: ['no, thank you'] },
  remote: REMOTE,
});
const deferred: Outcome = { kind: 'deferred', reply: { code: 451, detail: '4.1', text: ['later'] }, remote: REMOTE };
const delivered = (how: 'delivered' | 'relayed' | 'expanded', dsnPassed = false): Outcome => ({
  kind: 'delivered',
  how,
  dsnPassed,
  remote: REMOTE,
  reply: { code: 250, detail: '2.0.0'.slice(2), text: ['ok'] },
});

const recipient = (index: number, more: Partial<ClaimedRecipient> = {}): ClaimedRecipient => ({
  index,
  mailbox: { localPart: `bob${index}`, domain: 'example.com' },
  ...more,
});

function claim(
  recipients: readonly ClaimedRecipient[],
  envelope: Partial<Claim['envelope']> = {},
  content: Buffer | Error = MESSAGE,
): Claim {
  return {
    queueId: '0-a',
    deliveryId: '0-a.1',
    nextHop: 'mx:example.com',
    class: 'normal',
    envelope: {
      reversePath: { localPart: 'alice', domain: 'example.test' },
      body: '7bit',
      smtpUtf8: false,
      ...envelope,
    },
    recipients,
    messageId: 'one@example.test',
    arrivedAtMs: AT - 1000,
    expiresAtMs: AT + 1000,
    attempts: 0,
    delayReported: false,
    content: {
      sizeBytes: content instanceof Error ? 10 : content.length,
      body: '7bit',
      eightBit: false,
      whole: undefined,
      async *chunks() {
        if (content instanceof Error) throw content;
        for (let i = 0; i < content.length; i += 50) yield content.subarray(i, i + 50);
      },
    },
  };
}

function reporter(changes: Partial<ReporterParts> = {}, settings: Partial<ReporterParts['settings']> = {}) {
  const events: string[] = [];
  const made = createReporter({
    serverName: 'mail.example.test',
    settings: { returnedSizeMax: 100_000, copyToPostmaster: [], ...settings },
    clock: { wall: () => AT },
    journal: { emit: (name) => void events.push(name) },
    postmaster: { localPart: 'postmaster', domain: 'example.test' },
    expiryMs: 1000,
    nextHop: (mailbox) => (mailbox.domain === 'example.test' ? 'local' : `mx:${mailbox.domain}`),
    ...changes,
  });
  return { ...made, events };
}

function read(owed: OwedMessage | undefined) {
  assert.ok(owed !== undefined);
  const linted = lintReport(owed.content);
  assert.deepEqual(linted.faults, []);
  return {
    ...linted,
    human: linted.parts[0]?.content.toString() ?? '',
    actions: linted.status.slice(1).map((s) => s.get('action')),
  };
}

test('one report of a kind names all recipients of the attempt', async () => {
  const { owed } = reporter();
  const reports = await owed(claim([recipient(0), recipient(1), recipient(2)], { envelopeId: 'E1' }), [
    { index: 0, outcome: failed() },
    { index: 1, outcome: delivered('delivered') },
    { index: 2, outcome: failed(552, '3.4') },
  ]);
  assert.equal(reports.length, 1);
  const report = read(reports[0]);
  assert.deepEqual(
    report.status.map((s) => s.get('status')),
    [undefined, '5.1.1', '5.3.4'],
  );
  assert.equal(report.status[0]?.get('original-envelope-id'), 'E1');
  assert.match(report.human, /does not exist there/);
  assert.match(report.human, /The server mx\.example\.com said:\r\n {4}550 5\.1\.1 no, thank you/);
  assert.match(report.human, /What you can do: Send a smaller message/);
  assert.match(report.human, /Subject of the message: Gr\u00fc\u00dfe an Bob/);
  assert.deepEqual(report.parts[2]?.content, MESSAGE.subarray(0, -2));
});

test('Q200059: a report has the null reverse-path, wants no reports, and a report about one is never made', async () => {
  const { owed, delayed, events } = reporter();
  const [report] = await owed(claim([recipient(0)]), [{ index: 0, outcome: failed() }]);
  assert.equal(report?.message.envelope.reversePath, null);
  assert.deepEqual(report.message.deliveries, [
    { nextHop: 'local', recipients: [{ mailbox: { localPart: 'alice', domain: 'example.test' }, notify: [] }] },
  ]);
  assert.deepEqual(await owed(claim([recipient(0)], { reversePath: null }), [{ index: 0, outcome: failed() }]), []);
  assert.deepEqual(await delayed(claim([recipient(0)], { reversePath: null }), [{ index: 0, outcome: deferred }]), []);
  assert.deepEqual(events, ['reporting.undeliverable-report-dropped']);
});

test('a store that takes mail by LMTP and offers DSN tells the success itself (RFC 3461 §5.2.1)', async () => {
  const wanted = claim([recipient(0, { notify: ['success'] })]);
  assert.equal((await reporter().owed(wanted, [{ index: 0, outcome: delivered('delivered', true) }])).length, 0);
  assert.equal((await reporter().owed(wanted, [{ index: 0, outcome: delivered('delivered') }])).length, 1);
});

test('NOTIFY decides: what is asked for and nothing else', async () => {
  const { owed, delayed } = reporter();
  const all = claim([
    recipient(0, { notify: [] }),
    recipient(1, { notify: ['success'] }),
    recipient(2, { notify: ['delay'] }),
  ]);
  assert.deepEqual(
    await owed(
      all,
      [0, 1, 2].map((index) => ({ index, outcome: failed() })),
    ),
    [],
  );
  const waiting = await delayed(
    all,
    [0, 1, 2].map((index) => ({ index, outcome: deferred })),
  );
  assert.deepEqual(
    read(waiting[0]).status.map((s) => s.get('final-recipient')),
    [undefined, 'rfc822;bob2@example.com'],
  );
  const successful = await owed(
    all,
    [0, 1, 2].map((index) => ({ index, outcome: delivered('delivered') })),
  );
  assert.deepEqual(read(successful[0]).actions, ['delivered']);
});

test('Q152928: success towards a host without DSN is reported as relayed, towards one with DSN not at all', async () => {
  const { owed } = reporter();
  const asked = (index: number) => recipient(index, { notify: ['success'] });
  const reports = await owed(claim([asked(0), asked(1), asked(2)]), [
    { index: 0, outcome: delivered('relayed', false) },
    { index: 1, outcome: delivered('relayed', true) },
    { index: 2, outcome: delivered('expanded') },
  ]);
  assert.equal(reports.length, 1);
  const report = read(reports[0]);
  assert.deepEqual(report.actions, ['relayed', 'expanded']);
  // RFC 3461 §4.3: reports without a failure return the header only.
  assert.equal(report.parts[2]?.type, 'text/rfc822-headers');
});

test('Q156063-dsn: RET=HDRS and the size bound return the header; ORCPT comes back', async () => {
  const orcpt = recipient(0, { original: 'rfc822;Robert@example.com' });
  const headers = read(
    (await reporter().owed(claim([orcpt], { returned: 'headers' }), [{ index: 0, outcome: failed() }]))[0],
  );
  assert.equal(headers.parts[2]?.type, 'text/rfc822-headers');
  assert.equal(headers.status[1]?.get('original-recipient'), 'rfc822;Robert@example.com');
  assert.match(headers.human, /you sent it to Robert@example\.com/);
  const large = read(
    (
      await reporter({}, { returnedSizeMax: 20 }).owed(claim([orcpt], { returned: 'full' }), [
        { index: 0, outcome: failed() },
      ])
    )[0],
  );
  assert.equal(large.parts[2]?.type, 'text/rfc822-headers');
});

test('a delay notice says until when attempts go on, and covers recipients that were not attempted', async () => {
  const { delayed } = reporter();
  const reports = await delayed(
    claim([recipient(0), recipient(1, { lastReply: { code: 451, text: ['earlier'] } }), recipient(2)]),
    [
      { index: 0, outcome: deferred },
      { index: 2, outcome: delivered('delivered') },
    ],
  );
  const report = read(reports[0]);
  assert.deepEqual(report.actions, ['delayed', 'delayed']);
  assert.equal(report.status[1]?.get('will-retry-until'), 'Fri, 02 Jan 2026 00:00:01 +0000');
  assert.equal(report.status[2]?.get('status'), '4.0.0');
  assert.match(report.human, /do not\s+need to send it again/);
});

test('Q272672-ndr: where the content cannot be read the sender is still told, and an event says so', async () => {
  const { owed, events } = reporter();
  const broken = Object.assign(new Error('input/output error'), { code: 'EIO' });
  const report = read((await owed(claim([recipient(0)], {}, broken), [{ index: 0, outcome: failed() }]))[0]);
  assert.equal(report.parts.length, 2);
  assert.match(report.human, /could\s+not be attached/);
  assert.deepEqual(events, ['reporting.content-unreadable']);
});

test('the same attempt owes the same report again; others owe others', async () => {
  const { owed } = reporter();
  const once = (index: number) => owed(claim([recipient(0), recipient(1)]), [{ index, outcome: failed() }]);
  const [[a], [again], [b]] = await Promise.all([once(0), once(0), once(1)]);
  assert.deepEqual(a, again);
  assert.notEqual(a?.message.messageId, b?.message.messageId);
  assert.equal(kindOfReport(a?.message.messageId ?? '', 'mail.example.test'), 'failed');
  assert.equal(kindOfReport(a?.message.messageId ?? '', 'other.example.test'), undefined);
  assert.ok(a !== undefined);
  const entries = reportEntries(claim([recipient(0)]), [a], ['0-b'], AT);
  assert.deepEqual(
    entries.map((e) => [e.queueId, e.what]),
    [
      ['0-a', 'report'],
      ['0-b', 'received'],
    ],
  );
});

test('Q190708: each class of copies for the postmaster is selected by itself, and a copy is never copied', async () => {
  const cases = [
    { kind: 'failed', detail: '1.1', expected: 1 },
    { kind: 'looped', detail: '4.6', expected: 1 },
    { kind: 'looped', detail: '1.1', expected: 0 },
    { kind: 'policy', detail: '7.1', expected: 1 },
    { kind: 'policy', detail: '2.2', expected: 0 },
  ] as const;
  for (const { kind, detail, expected } of cases) {
    const { owed } = reporter({}, { copyToPostmaster: [kind] });
    const bounced = claim([recipient(0, { notify: [] })], { reversePath: null });
    const copies = await owed(bounced, [{ index: 0, outcome: failed(550, detail) }]);
    assert.equal(copies.length, expected, `${kind} ${detail}`);
    if (copies[0] === undefined) continue;
    assert.equal(read(copies[0]).header.get('to'), '<postmaster@example.test>');
    assert.deepEqual(
      await owed({ ...bounced, messageId: copies[0].message.messageId }, [{ index: 0, outcome: failed(550, detail) }]),
      [],
    );
  }
  const { delayed } = reporter({}, { copyToPostmaster: ['delayed'] });
  assert.equal((await delayed(claim([recipient(0)]), [{ index: 0, outcome: deferred }])).length, 2);
});

test('a sender that is an alias here is told at the addresses behind it, grouped by next hop', async () => {
  const behind = ['a@example.test', 'b@example.test', 'c@example.org'].map((text) => ({
    localPart: text[0] ?? '',
    domain: text.slice(2),
  }));
  const { owed } = reporter({ targets: async () => behind });
  const [report] = await owed(claim([recipient(0)]), [{ index: 0, outcome: failed() }]);
  assert.deepEqual(
    report?.message.deliveries.map((d) => [d.nextHop, d.recipients.length]),
    [
      ['local', 2],
      ['mx:example.org', 1],
    ],
  );
  const { owed: lost, events } = reporter({ targets: () => Promise.reject(new Error('directory is down')) });
  assert.equal((await lost(claim([recipient(0)]), [{ index: 0, outcome: failed() }])).length, 1);
  assert.deepEqual(events, ['reporting.addressee-unresolved']);
});

test('Q136786: headers of the original choose no addressee: only the envelope sender is told', async () => {
  const list = Buffer.from(
    'From: x@example.org\r\nReply-To: y@example.org\r\nErrors-To: z@example.org\r\nPrecedence: bulk\r\nList-Id: <l>\r\n\r\nhi\r\n',
  );
  const [report] = await reporter().owed(claim([recipient(0)], {}, list), [{ index: 0, outcome: failed() }]);
  assert.deepEqual(
    report?.message.deliveries.flatMap((d) => d.recipients.map((r) => r.mailbox.localPart)),
    ['alice'],
  );
});

test('there are words for every status', () => {
  for (const status of explainedStatuses) assert.ok(explain(`5.${status}`).advice.endsWith('.'));
  fc.assert(fc.property(fc.string(), (status) => assert.ok(explain(status).happened.length > 10)));
});
