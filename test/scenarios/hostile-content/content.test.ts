/** Content that tries to be something else, from the socket to the mailbox and to the next hop. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { testConfiguration } from '../../support/configurations.ts';
import { SmtpLine } from '../../support/ledger-client.ts';
import { until } from '../../support/programs.ts';
import { type RecordingSink, startRecordingSink } from '../../support/recording-sink.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const ENDS = ['\r\n', '\r', '\n'];
const MIB = 1024 * 1024;
let sink: RecordingSink;
let strict: TestService;
let lenient: TestService;
const ports = new Map<TestService, number>();

async function serviceWith(reception: string): Promise<TestService> {
  const port = await freePort();
  const service = await startService((directory) =>
    testConfiguration({
      directory,
      ports: { mx: port },
      more: `policy: { localNetworks: [127.0.0.0/8] }
reception: { ${reception} }
routing:
  smartHosts: { sink: { hosts: [{ host: 127.0.0.1, port: ${sink.port} }], tls: none } }
  addressSpaces: [{ match: '*', via: sink }]
`,
    }),
  );
  ports.set(service, port);
  return service;
}

before(async () => {
  sink = await startRecordingSink();
  strict = await serviceWith('bareLineEndings: refuse');
  lenient = await serviceWith('bareLineEndings: normalise');
});
after(async () => {
  for (const service of [strict, lenient]) await service.remove();
  await sink.close();
});

let names = 0;

/** Sends one message by DATA or BDAT to a mailbox here and to the next hop; the reply to its end, and what arrived where. */
async function send(
  service: TestService,
  octets: string,
  how: 'DATA' | 'BDAT' = 'DATA',
): Promise<{ reply: string; mailbox: string; relayed: string }> {
  const line = await SmtpLine.open(ports.get(service) ?? 0);
  names += 1;
  const remote = `m${names}@sink.test`;
  await line.expect(220);
  await line.say('EHLO hostile.test', 250);
  await line.say('MAIL FROM:<hostile@client.test>', 250);
  await line.say(`RCPT TO:<alice+${names}@example.test>`, 250);
  await line.say(`RCPT TO:<${remote}>`, 250);
  if (how === 'DATA') await line.say('DATA', 354);
  else line.write(`BDAT ${octets.length} LAST\r\n`);
  line.write(octets);
  const reply = await line.reply();
  await line.say('NOOP', 250); // nothing of the content was taken for a command
  line.close();
  if (!reply.startsWith('250')) return { reply, mailbox: '', relayed: '' };
  const directory = join(service.directory, 'data/mail/example.test/alice/new');
  const relayed = (await sink.taken(remote)).content;
  const mark = `Delivered-To: alice+${names}@example.test`;
  const mailbox = await until(
    () => `no file with ${mark}`,
    async () => {
      for (const name of await readdir(directory).catch(() => [])) {
        const text = await readFile(join(directory, name), 'latin1');
        if (text.toLowerCase().includes(mark.toLowerCase())) return text;
      }
      return undefined;
    },
  );
  return { reply, mailbox, relayed };
}

/** What follows our own fields. */
function original(text: string): string {
  return text.slice(text.indexOf('X-First:'));
}

test('no sequence around a dot ends a message early: refused, here and as 5.6.11', async () => {
  for (const before of ENDS) {
    for (const behind of ENDS) {
      if (before === '\r\n' && behind === '\r\n') continue;
      const wire = `X-First: 1\r\n\r\nbody${before}.${behind}MAIL FROM:<evil@x.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nX: evil\r\n.\r\n`;
      const { reply } = await send(strict, wire);
      assert.match(reply, /^554 5\.6\.11/, JSON.stringify([before, behind]));
    }
  }
});

test('no sequence around a dot ends a message early: normalised, in the mailbox and at the next hop as one message', async () => {
  const messages = sink.messages.length;
  let sent = 0;
  for (const before of ENDS) {
    for (const behind of ENDS) {
      if (before === '\r\n' && behind === '\r\n') continue;
      sent += 1;
      const wire = `X-First: 1\r\n\r\nbody${before}.${behind}MAIL FROM:<evil@x.test>\r\nDATA\r\nX: evil\r\n.\r\n`;
      const { reply, mailbox, relayed } = await send(lenient, wire);
      assert.match(reply, /^250 2\.0\.0/);
      for (const text of [mailbox, relayed])
        assert.match(
          original(text),
          /^X-First: 1\r\n\r\nbody\r\n(\.?\r\n)?MAIL FROM:<evil@x\.test>\r\nDATA\r\nX: evil\r\n$/,
        );
    }
  }
  assert.equal(sink.messages.length, messages + sent);
});

const BODIES: readonly (readonly [string, string])[] = [
  ['a body that begins with a dot', '.x\r\n'],
  ['lines of dots', '.\r\n..\r\n...\r\n.\r\n'],
  ['empty lines at the end', 'x\r\n\r\n\r\n'],
  ['NUL and other controls', 'a\0b\x01\x7f\t\x0b\r\n'],
  ['octets beyond ASCII that are no UTF-8', '\xff\xfe\x80 \xc3\r\n'],
  ['a line of 100,000 octets', `${'x'.repeat(100_000)}\r\n`],
  ['a line that looks like an mbox separator', 'From nobody\r\nFrom: x\r\n'],
];

for (const [what, body] of BODIES) {
  test(`content passes octet for octet: ${what}`, async () => {
    const content = `X-First: 1\r\n\r\n${body}`;
    const stuffed = `${content.replace(/(^|\r\n)\./g, '$1..')}.\r\n`;
    for (const { reply, mailbox, relayed } of [await send(strict, stuffed), await send(strict, content, 'BDAT')]) {
      assert.match(reply, /^250/);
      assert.ok(original(mailbox) === content, JSON.stringify(original(mailbox).slice(0, 200)));
      assert.ok(original(relayed) === content, JSON.stringify(original(relayed).slice(0, 200)));
    }
  });
}

test('BDAT content without a line end at its end stays one message', async () => {
  const content = 'X-First: 1\r\n\r\nno line end\r\n.';
  const { mailbox, relayed } = await send(strict, content, 'BDAT');
  assert.ok(original(mailbox).startsWith(content));
  assert.equal(original(relayed), `${content}\r\n`);
});

test('content without any header, with an empty one, of nothing, and one that begins with a continuation is taken as a body', async () => {
  for (const content of [
    'just text\r\n',
    '\r\nbody\r\n',
    ' folded first\r\nbody\r\n',
    ' folded\r\nSubject: text\r\n\r\n',
    '\tX\r\n\r\n',
  ]) {
    const { reply, mailbox } = await send(strict, `${content}.\r\n`);
    assert.match(reply, /^250/, JSON.stringify(content));
    const [header = '', ...body] = mailbox.split(/\r?\n\r?\n/);
    assert.doesNotMatch(header, /text|folded|body|^\tX/m, JSON.stringify(content));
    assert.ok(body.length > 0, mailbox);
  }
  assert.match((await send(strict, '.\r\n')).reply, /^250/);
  assert.match((await send(strict, '', 'BDAT')).reply, /^250/);
});

test('headers beyond the limits are refused with 5.3.4 or 5.4.6, large ones within them are kept', async () => {
  const folded = `X-First: 1\r\n${' fold\r\n'.repeat(20_000)}\r\nbody\r\n`;
  assert.equal(original((await send(strict, `${folded}.\r\n`)).relayed), folded);
  assert.match(
    (await send(strict, `X: ${`${'y'.repeat(900)}\r\n `.repeat((3 * MIB) / 900)}\r\n\r\nb\r\n.\r\n`)).reply,
    /^552 5\.3\.4/,
  );
  assert.match((await send(strict, `X: ${'y'.repeat(3 * MIB)}\r\n\r\nb\r\n.\r\n`)).reply, /^552 5\.3\.4/);
  const fields = `X-First: 1\r\n${'X-A: b\r\n'.repeat(10_000)}\r\nbody\r\n`;
  assert.equal(original((await send(strict, `${fields}.\r\n`)).relayed), fields);
  const hops = 'Received: from a by b; Thu, 1 Jan 1970 00:00:00 +0000\r\n'.repeat(101);
  assert.match((await send(strict, `${hops}X-First: 1\r\n\r\nb\r\n.\r\n`)).reply, /^554 5\.4\.6/);
});

test('after all of this the service is whole', async () => {
  for (const service of [strict, lenient]) {
    assert.deepEqual(
      service.events.filter(({ event }) => event >= 4000 && event !== 4098),
      [],
    );
    const line = await SmtpLine.open(ports.get(service) ?? 0);
    await line.expect(220);
    line.close();
  }
});
