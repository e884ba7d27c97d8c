// Mail of our users leaves signed, and who verifies it by another implementation finds it whole.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { keyRecord, readSigningKey } from '../../../src/protocol/dkim-signing/key.ts';
import { testConfiguration } from '../../support/configurations.ts';
import { verifierNeeds, verifySignatures } from '../../support/dkim-verifier.ts';
import { SmtpLine } from '../../support/ledger-client.ts';
import { mailIn } from '../../support/mailboxes.ts';
import { needs } from '../../support/needs.ts';
import { until } from '../../support/programs.ts';
import { startRecordingSink, type RecordingSink } from '../../support/recording-sink.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

let service: TestService;
let sink: RecordingSink;
let mx = 0;
const skip = needs(...verifierNeeds);
const PKCS8 = { type: 'pkcs8', format: 'pem' } as const;
const pems = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(PKCS8).toString(),
  ed: generateKeyPairSync('ed25519').privateKey.export(PKCS8).toString(),
};
const records = Object.fromEntries(
  Object.entries(pems).map(([selector, pem]) => {
    const read = readSigningKey(pem);
    assert.ok(read.ok);
    return [`${selector}._domainkey.example.test`, keyRecord(read.key)];
  }),
);

before(async () => {
  mx = await freePort();
  sink = await startRecordingSink({
    keywords: ['PIPELINING', '8BITMIME', 'SMTPUTF8'],
    answer: (line) => (line.includes('nobody@') ? '550 5.1.1 no such user' : undefined),
  });
  service = await startService((directory) => {
    mkdirSync(join(directory, 'keys'));
    for (const [name, pem] of Object.entries(pems))
      writeFileSync(join(directory, `keys/${name}.pem`), pem, { mode: 0o600 });
    return testConfiguration({
      directory,
      ports: { mx },
      more: `policy: { localNetworks: [127.0.0.1/32] }
reception: { bareLineEndings: normalise }
routing:
  smartHosts: { sink: { hosts: [{ host: 127.0.0.1, port: ${sink.port} }], tls: none } }
  addressSpaces: [{ match: far.test, via: sink }]
`,
    }).replace(
      'example.test:\n',
      'example.test:\n    dkim: [{ selector: rsa, keyFile: keys/rsa.pem }, { selector: ed, keyFile: keys/ed.pem }]\n',
    );
  });
});
after(async () => {
  await service.remove();
  await sink.close();
});

let count = 0;
const HELLO = ['EHLO client.test', 'MAIL FROM:<alice@example.test> BODY=8BITMIME'];

/** Sends content and gives what reaches the next hop; by BDAT, which says how long it is, or by DATA, which ends it with a line end. */
async function passed(content: string | Buffer, verb: 'DATA' | 'BDAT' = 'DATA'): Promise<Buffer> {
  count += 1;
  const to = `r${count}@far.test`;
  const octets = Buffer.isBuffer(content) ? content : Buffer.from(content, 'latin1');
  const line = await SmtpLine.open(mx);
  await line.expect(220);
  for (const command of [...HELLO, `RCPT TO:<${to}>`]) await line.say(command, 250);
  if (verb === 'BDAT') {
    line.write(`BDAT ${octets.length} LAST\r\n`);
    line.write(octets);
    await line.expect(250);
  } else {
    await line.say('DATA', 354);
    line.write(octets.toString('latin1').replace(/(^|\r\n)\./g, '$1..'));
    await line.say('.', 250);
  }
  line.close();
  return Buffer.from((await sink.taken(to)).content, 'latin1');
}

const HEADER =
  'From: Alice <alice@example.test>\r\nTo: r@far.test\r\nSubject: hello\r\nDate: Mon, 23 Nov 2026 02:00:00 +0000\r\n';
const recipients = Array.from({ length: 3000 }, (_, n) => `"User ${n}"\t<user${n}@far.test>`).join(',\r\n\t ');

const cases: Readonly<Record<string, string | Buffer>> = {
  'a usual message': `${HEADER}\r\nHello,\r\n\r\nthere.\r\n`,
  'one with octets beyond ASCII': `${HEADER}X-Name: \xc3\xa9\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\xc3\xa9t\xc3\xa9 \xff\r\n`,
  'one with an empty body': `${HEADER}\r\n`,
  'one without even an empty line': HEADER,
  'one of empty lines': `${HEADER}\r\n\r\n\r\n \t\r\n`,
  'one with dots at the start of lines': `${HEADER}\r\n.\r\n..\r\n.hidden\r\ntext.\r\n.\r\n`,
  'one with white space everywhere': `${HEADER.replace('hello', '  hello \t\r\n  there \t ')}\r\n  a \t b  \r\n\tc\t\r\n\r\n \r\n`,
  'one with a folded field of 100 KB': `Cc: ${recipients}\r\n${HEADER}\r\nHello.\r\n`,
  'one with fields that are there twice': `To: a@far.test\r\nSubject: first\r\n${HEADER}\r\nHello.\r\n`,
  'one with CR and LF alone, which become line ends': `${HEADER}\r\none\ntwo\rthree\r\n\n\n\r\n`,
  'one of 12 MB': Buffer.concat([
    Buffer.from(`${HEADER}\r\n`),
    Buffer.alloc(12_000_000, 'Octets of a large body,  again and again. \r\n'),
    Buffer.from('\r\n\r\n'),
  ]),
};

for (const [what, content] of Object.entries(cases))
  test(`RFC 6376 §5: ${what} is signed by both keys, and verified elsewhere`, { skip }, async () => {
    const message = await passed(content);
    assert.deepEqual(
      await verifySignatures(message, records),
      ['pass', 'pass'],
      message.subarray(0, 3000).toString('latin1'),
    );
  });

test('RFC 3030 §2: a body without a line end at its end is signed as the next hop gets it', { skip }, async () => {
  const message = await passed(`${HEADER}\r\nno line end`, 'BDAT');
  assert.ok(message.toString().endsWith('no line end\r\n'));
  assert.deepEqual(await verifySignatures(message, records), ['pass', 'pass']);
});

test('a field that is added on the way is seen: what must be there once is closed', { skip }, async () => {
  const message = (await passed(`${HEADER}\r\nHello.\r\n`)).toString('latin1');
  for (const added of ['Subject: other\r\n', 'Reply-To: else@where.test\r\n', 'From: x@y.test\r\n'])
    assert.deepEqual(
      await verifySignatures(Buffer.from(message.replace('Received:', `${added}Received:`), 'latin1'), records),
      ['fail', 'fail'],
      added,
    );
});

test('`ims trace` says by which keys a message was signed', async () => {
  await passed(`${HEADER}\r\nHello.\r\n`);
  const to = `r${count}@far.test`;
  const trace = await until(
    () => `no trace of ${to}`,
    async () => {
      const { code, stdout } = await service.ims('trace', to);
      return code === 0 && /received/.test(stdout) ? stdout : undefined;
    },
  );
  assert.match(trace, /signed by example\.test with rsa and example\.test with ed/);
});

test('a report of ours is signed by the domain above our name', { skip }, async () => {
  const line = await SmtpLine.open(mx);
  await line.expect(220);
  for (const command of [...HELLO, 'RCPT TO:<nobody@far.test>']) await line.say(command, 250);
  await line.say('DATA', 354);
  await line.say(`${HEADER}\r\nHello.\r\n.`, 250);
  line.close();
  const report = await until(
    () => `no report came: ${service.told()}`,
    async () => (await mailIn(service, 'alice')).find((text) => text.includes('MAILER-DAEMON')),
  );
  // What final delivery puts on top is no part of what is verified.
  assert.deepEqual(await verifySignatures(Buffer.from(report, 'latin1'), records), ['pass', 'pass']);
});

const told = (number: number): number => service.events.filter(({ event }) => event === number).length;
const reload = async (): Promise<void> => {
  const { code, stdout, stderr } = await service.ims('reload');
  assert.equal(code, 0, stdout + stderr);
};

test('3260: a key that cannot be used is told once, mail goes unsigned meanwhile, and a new key is taken by a reload', {
  skip,
}, async () => {
  const file = join(service.directory, 'keys/rsa.pem');
  const content = `${HEADER}\r\nHello.\r\n`;
  writeFileSync(file, 'no key');
  await reload();
  assert.match((await service.seen(3260)).text, /keys\/rsa\.pem is no private key in PEM form/);
  await reload();
  assert.equal(told(3260), 1);
  assert.deepEqual(await verifySignatures(await passed(content), records), ['pass'], 'the other key signs');
  assert.match((await service.ims('status')).stdout, /signing key rsa of example\.test[\s\S]*3260/);
  writeFileSync(file, '-----BEGIN PUBLIC KEY-----\n');
  await reload();
  assert.equal(told(3260), 2, 'another cause is another condition');
  unlinkSync(file);
  await reload();
  assert.equal(told(3260), 3);
  writeFileSync(file, pems.rsa, { mode: 0o600 });
  await reload();
  await service.seen(2260);
  assert.deepEqual(await verifySignatures(await passed(content), records), ['pass', 'pass']);
  assert.doesNotMatch((await service.ims('status')).stdout, /signing key/);
});

test('the key and the record that `ims dkim new` makes belong together, and the settings that it shows are taken', {
  skip,
}, async () => {
  const made = await service.ims('dkim', 'new', 'example.test', '--selector', 'next', '--json');
  assert.equal(made.code, 0, made.stderr);
  const { keyFile, record, settings } = JSON.parse(made.stdout) as {
    keyFile: string;
    record: { name: string; value: string; zoneLine: string };
    settings: { selector: string; keyFile: string };
  };
  assert.equal(statSync(keyFile).mode & 0o777, 0o600);
  assert.equal(record.name, 'next._domainkey.example.test');
  const strings = [...record.zoneLine.matchAll(/"([^"]*)"/g)].map(([, text = '']) => text);
  assert.ok(strings.length === 2 && strings.every((text) => text.length <= 255));
  assert.equal(strings.join(''), record.value);
  const again = await service.ims('dkim', 'new', 'example.test', '--selector', 'next');
  assert.equal(again.code, 1, again.stdout);
  const shown = await service.ims('dkim', 'new', 'example.test', '--algorithm', 'ed25519');
  assert.match(shown.stdout, /_domainkey\.example\.test\. 3600 IN TXT "v=DKIM1; k=ed25519; p=[\w+/]{43}="\n/);
  const before = readFileSync(service.configuration, 'utf8');
  const entry = `{ selector: ${settings.selector}, keyFile: ${settings.keyFile} }`;
  writeFileSync(service.configuration, before.replace(/dkim: \[.*\]/, `dkim: ${entry}`), { mode: 0o600 });
  await reload();
  const message = await passed(`${HEADER}\r\nHello.\r\n`);
  assert.deepEqual(await verifySignatures(message, { [record.name]: record.value }), ['pass']);
  assert.match((await service.ims('dns', '--address', '127.0.0.1')).stdout, /TXT of next\._domainkey\.example\.test/);
  writeFileSync(service.configuration, before, { mode: 0o600 });
  await reload();
});
