import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { testConfiguration } from '../../support/configurations.ts';
import { mailIn, mailWith, queued, sendPlain } from '../../support/mailboxes.ts';
import { needs } from '../../support/needs.ts';
import { until } from '../../support/programs.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';
import { type SmtpSink, startSmtpSink } from '../../support/smtp-sink.ts';

const skip = needs('smtp-sink');

type End = 'delivered' | 'returned' | 'waits';

/** What a next hop does, and what becomes of a message for it at the first attempt. */
const MANNERS: readonly (readonly [name: string, options: readonly string[], end: End])[] = [
  ['hard-mail', ['-f', 'MAIL'], 'returned'],
  ['hard-rcpt', ['-f', 'RCPT'], 'returned'],
  ['hard-data', ['-f', 'DATA'], 'returned'],
  ['hard-end', ['-f', '.'], 'returned'],
  ['hard-early', ['-A', '0'], 'returned'],
  ['hard-ehlo', ['-f', 'EHLO'], 'delivered'],
  ['hard-quit', ['-f', 'QUIT'], 'delivered'],
  ['hard-rset', ['-f', 'RSET'], 'delivered'],
  ['soft-connect', ['-r', 'CONNECT'], 'waits'],
  ['soft-mail', ['-r', 'MAIL'], 'waits'],
  ['soft-rcpt', ['-r', 'RCPT'], 'waits'],
  ['soft-data', ['-r', 'DATA'], 'waits'],
  ['soft-end', ['-r', '.'], 'waits'],
  ['gone-connect', ['-q', 'CONNECT'], 'waits'],
  // It is greeted with HELO the next time.
  ['gone-ehlo', ['-q', 'EHLO'], 'delivered'],
  ['gone-mail', ['-q', 'MAIL'], 'waits'],
  ['gone-rcpt', ['-q', 'RCPT'], 'waits'],
  ['gone-data', ['-q', 'DATA'], 'waits'],
  ['gone-end', ['-q', '.'], 'waits'],
  ['gone-quit', ['-q', 'QUIT'], 'delivered'],
  ['closing-ehlo', ['-Q', 'EHLO'], 'waits'],
  ['closing-mail', ['-Q', 'MAIL'], 'waits'],
  ['closing-rcpt', ['-Q', 'RCPT'], 'waits'],
  ['closing-end', ['-Q', '.'], 'waits'],
  ['old', ['-e'], 'delivered'],
  ['slow', ['-w', '1'], 'delivered'],
  ['no-dsn', ['-N'], 'delivered'],
  ['seven-bit', ['-8'], 'delivered'],
];
const WAITING = MANNERS.filter(([, , end]) => end === 'waits');
const CONTENT = `Subject: x\r\n\r\n${'0123456789 0123456789 0123456789\r\n'.repeat(3000)}`;

const ports = new Map<string, number>();
const sinks = new Map<string, SmtpSink>();
let service: TestService;
let mx: number;

before(async () => {
  if (skip !== false) return;
  mx = await freePort();
  for (const [name] of MANNERS) ports.set(name, await freePort());
  await Promise.all(
    MANNERS.map(async ([name, options]) =>
      sinks.set(name, await startSmtpSink({ port: ports.get(name) ?? 0 }, options)),
    ),
  );
  const hosts = MANNERS.map(
    ([name]) => `    ${name}: { hosts: [{ host: 127.0.0.1, port: ${ports.get(name)} }] }\n`,
  ).join('');
  const spaces = MANNERS.map(([name]) => `    - { match: ${name}.test, via: ${name} }\n`).join('');
  service = await startService((directory) =>
    testConfiguration({
      directory,
      ports: { mx },
      workers: 2,
      more: `policy: { localNetworks: [127.0.0.0/8] }\nrouting:\n  smartHosts:\n${hosts}  addressSpaces:\n${spaces}`,
    }),
  );
});
after(async () => {
  await service?.remove();
  await Promise.all([...sinks.values()].map((sink) => sink.close()));
});

/** For each next hop what became of the message: found in the sink, in a report, in the queue. */
async function ends(): Promise<Map<string, string>> {
  const reports = await mailIn(service, 'alice');
  const rows = await queued(service);
  const found = new Map<string, string>();
  for (const [name] of MANNERS) {
    const row = rows.find(({ nextHop }) => nextHop === `host:${name}`);
    const failed = reports.filter((mail) =>
      mail.includes(`\nFinal-Recipient: rfc822;u@${name}.test\r\nAction: failed`),
    ).length;
    const waits = row !== undefined && row.attempts > 0 && !row.claimed;
    const list = [
      ...(waits ? ['waits'] : row === undefined ? [] : ['in work']),
      ...Array<string>(failed).fill('returned'),
    ];
    found.set(name, list.length === 0 ? 'delivered' : list.join(' and '));
  }
  return found;
}

test('whatever a next hop does, a message ends as its replies say', { skip }, async () => {
  for (const [name] of MANNERS)
    await sendPlain(mx, { from: 'alice@example.test', to: [`u@${name}.test`], content: CONTENT });
  const wanted = MANNERS.map(([name, , end]) => `${name} ${end}`);
  let seen: string[] = [];
  await until(
    () => `some end otherwise: ${seen.filter((line) => !wanted.includes(line)).join(', ')}`,
    async () => {
      seen = [...(await ends())].map(([name, end]) => `${name} ${end}`);
      return seen.every((line) => wanted.includes(line));
    },
  );
  for (const [name, , end] of MANNERS) {
    if (end !== 'delivered') continue;
    const [message, ...more] = (await sinks.get(name)?.messages()) ?? [];
    assert.deepEqual(message?.recipients, [`u@${name}.test`], name);
    assert.deepEqual(more, [], `${name} has it twice`);
    assert.ok(message.content.includes(CONTENT.slice(14).replaceAll('\r\n', '\n')), `${name} has it whole`);
  }
});

test('once the next hops behave, what waited is delivered, and nothing is returned', { skip }, async () => {
  for (const [name] of WAITING) {
    await sinks.get(name)?.close();
    sinks.set(name, await startSmtpSink({ port: ports.get(name) ?? 0 }));
  }
  const retried = await service.ims('queue', 'retry', '--all');
  assert.equal(retried.code, 0, retried.stderr);
  let rows: Awaited<ReturnType<typeof queued>> = [];
  await until(
    () => `an empty queue; there is ${JSON.stringify(rows)}`,
    async () => {
      rows = await queued(service);
      return rows.length === 0;
    },
  );
  for (const [name] of WAITING) {
    const messages = (await sinks.get(name)?.messages()) ?? [];
    assert.deepEqual(
      messages.map(({ recipients }) => recipients),
      [[`u@${name}.test`]],
      name,
    );
  }
  const returned = MANNERS.filter(([, , end]) => end === 'returned');
  assert.equal((await mailIn(service, 'alice')).length, returned.length);
});

test('RFC 3461 §5.2.2: a next hop without DSN: NOTIFY=SUCCESS is answered with a report that it was relayed', {
  skip,
}, async () => {
  await sendPlain(mx, {
    from: 'bob@example.test',
    to: ['v@no-dsn.test'],
    content: CONTENT,
    mail: 'ENVID=gone-on',
    rcpt: 'NOTIFY=SUCCESS',
  });
  const report = await mailWith(service, 'bob', /Original-Envelope-Id: gone-on/);
  assert.match(report, /Final-Recipient: rfc822;v@no-dsn\.test\r\nAction: relayed/);
});

test('RFC 6152 §3: content beyond 7 bits for a next hop of 7 bits is returned with 5.6.3', { skip }, async () => {
  await sendPlain(mx, {
    from: 'bob@example.test',
    to: ['v@seven-bit.test'],
    content: 'Subject: x\r\n\r\nzwölf\r\n',
    mail: 'BODY=8BITMIME',
  });
  assert.match(await mailWith(service, 'bob', /v@seven-bit\.test/), /Status: 5\.6\.3/);
});
