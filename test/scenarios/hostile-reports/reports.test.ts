/** Reports about messages and replies that try to break out of them. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { testConfiguration } from '../../support/configurations.ts';
import { lintReport } from '../../support/dsn-lint.ts';
import { SmtpLine } from '../../support/ledger-client.ts';
import { until } from '../../support/programs.ts';
import { type RecordingSink, startRecordingSink } from '../../support/recording-sink.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const CONTENTS = [
  '',
  'x',
  '\0\0\0\r\n',
  'Subject: =?utf-8?q?=0D=0ABcc:_x?= \xff\xfe\r\n\r\n\xff\0body\r\n',
  ' folded\r\n',
  `Subject: ${'x'.repeat(5000)}\r\n\r\n--=_${'y'.repeat(2000)}\r\n`,
  'Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n--x--\r\n',
  'garbage\r\nmore\r\n\r\n',
  `A: b\r\n\r\n${'\x80'.repeat(3000)}\r\n`,
  '\r\n\r\n\r\n',
];
let sink: RecordingSink;
let service: TestService;
let port: number;

before(async () => {
  sink = await startRecordingSink({
    keywords: ['8BITMIME'],
    answer: (line) =>
      line.startsWith('RCPT') ? `550-5.1.1 ${'long '.repeat(90)}\r\n550 5.1.1 \x1b[31m=_boundary\xff --x` : undefined,
  });
  port = await freePort();
  service = await startService((directory) =>
    testConfiguration({
      directory,
      ports: { mx: port },
      more: `policy: { localNetworks: [127.0.0.0/8] }
routing:
  smartHosts: { sink: { hosts: [{ host: 127.0.0.1, port: ${sink.port} }], tls: none } }
  addressSpaces: [{ match: '*', via: sink }]
`,
    }),
  );
});
after(async () => {
  await service.remove();
  await sink.close();
});

test('whatever a message is made of and a server says of it, its report is a valid one', async () => {
  for (const content of CONTENTS) {
    for (const returned of ['FULL', 'HDRS']) {
      const line = await SmtpLine.open(port);
      await line.expect(220);
      await line.say('EHLO client.test', 250);
      await line.say(`MAIL FROM:<alice@example.test> RET=${returned} ENVID=a+2Bb`, 250);
      await line.say('RCPT TO:<"q\\"u ote"@far.test> ORCPT=rfc822;a+20b', 250);
      line.write(`BDAT ${content.length} LAST\r\n${content}`);
      await line.expect(250);
      line.close();
    }
  }
  const folder = join(service.directory, 'data/mail/example.test/alice/new');
  const names = await until('reports are missing', async () => {
    const found = await readdir(folder).catch(() => []);
    return found.length === CONTENTS.length * 2 ? found : undefined;
  });
  for (const name of names) {
    const text = await readFile(join(folder, name), 'latin1');
    const report = text.slice(text.indexOf('\n', text.indexOf('Delivered-To:')) + 1);
    const { faults, parts, status } = lintReport(Buffer.from(report, 'latin1'));
    assert.deepEqual(faults, [], text);
    assert.equal(parts.length, 3);
    assert.equal(status.length, 2);
    assert.equal(status[0]?.get('original-envelope-id'), 'a+b');
  }
});
