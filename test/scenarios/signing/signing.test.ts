// Mail of our users leaves signed, and who verifies it by another implementation finds it whole.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { keyRecord, readSigningKey } from '../../../src/protocol/dkim-signing/key.ts';
import { testConfiguration } from '../../support/configurations.ts';
import { verifierNeeds, verifySignatures } from '../../support/dkim-verifier.ts';
import { SmtpLine } from '../../support/ledger-client.ts';
import { needs } from '../../support/needs.ts';
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

/** Sends content, and gives what reaches the next hop. */
async function passed(content: string | Buffer): Promise<Buffer> {
  count += 1;
  const to = `r${count}@far.test`;
  const line = await SmtpLine.open(mx);
  await line.expect(220);
  await line.say('EHLO client.test', 250);
  await line.say('MAIL FROM:<alice@example.test> BODY=8BITMIME', 250);
  await line.say(`RCPT TO:<${to}>`, 250);
  await line.say('DATA', 354);
  const octets = Buffer.isBuffer(content) ? content : Buffer.from(content, 'latin1');
  line.write(Buffer.from(octets.toString('latin1').replace(/(^|\r\n)\./g, '$1..'), 'latin1'));
  await line.say('.', 250);
  line.close();
  return Buffer.from((await sink.taken(to)).content, 'latin1');
}

const HEADER =
  'From: Alice <alice@example.test>\r\nTo: r@far.test\r\nSubject: hello\r\nDate: Mon, 23 Nov 2026 02:00:00 +0000\r\n';

const cases: Readonly<Record<string, string>> = {
  'a usual one': `${HEADER}\r\nHello,\r\n\r\nthere.\r\n`,
};

for (const [what, content] of Object.entries(cases))
  test(`RFC 6376: ${what} is signed by both keys, and verified elsewhere`, { skip }, async () => {
    const message = await passed(content);
    assert.deepEqual(await verifySignatures(message, records), ['pass', 'pass'], message.toString('latin1'));
  });
