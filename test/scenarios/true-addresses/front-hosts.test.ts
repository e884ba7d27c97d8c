/** Real front hosts that tell for whom they speak: Postfix by XFORWARD, swaks and nginx by XCLIENT. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { hashPassword } from '../../../src/world/node/passwords.ts';
import { SmtpLine } from '../../support/ledger-client.ts';
import { mailWith } from '../../support/mailboxes.ts';
import { needs, programPath } from '../../support/needs.ts';
import { needsPostfix, startPostfix } from '../../support/postfix.ts';
import { listens, runProgram, startProgram } from '../../support/programs.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const CLIENT = '198.51.100.7';
const swaksMissing = needs('swaks', 'libnet-ssleay-perl');
let service: TestService;
let ports: { mx: number; submission: number };

before(async () => {
  ports = { mx: await freePort(), submission: await freePort() };
  const hash = await hashPassword('secret words');
  service = await startService(
    (directory) => `server: { name: mail.example.test, data: ${directory}/data, workers: 1 }
listeners:
  mx: { profile: mx, address: 127.0.0.1, port: ${ports.mx}, xclient: [127.0.0.1] }
  submission: { profile: submission, address: 127.0.0.1, port: ${ports.submission}, xclient: [127.0.0.1] }
policy: { spf: { mode: 'off' } }
domains: { example.test: { mailboxes: { alice: { password: '${hash}' } }, aliases: { postmaster: alice } } }
`,
  );
});
after(() => service.remove());

const swaks = (port: number, subject: string, ...words: string[]): ReturnType<typeof runProgram> =>
  runProgram('swaks', [
    ...['--server', '127.0.0.1', '--port', String(port), '--helo', 'client.test', '--h-Subject', subject],
    ...['--from', 'alice@example.test', '--to', 'alice@example.test', ...words],
  ]);

test('swaks: every attribute of XCLIENT that is offered', { skip: swaksMissing }, async () => {
  const attributes = [
    ...['--xclient-addr', CLIENT, '--xclient-name', 'mx.far.test', '--xclient-port', '4711'],
    ...['--xclient-proto', 'ESMTP', '--xclient-helo', 'far.test', '--xclient-destaddr', '192.0.2.25'],
    ...['--xclient-destport', '25'],
  ];
  const { code, output } = await swaks(ports.mx, 'by swaks', ...attributes);
  assert.equal(code, 0, output);
  const mail = await mailWith(service, 'alice', /^Subject: by swaks\r?$/m);
  assert.match(mail, /^Received: from client\.test \(mx\.far\.test \[198\.51\.100\.7\]\)/m);
});

test('swaks: XCLIENT LOGIN stands for a login, and the account sends in its own name alone', {
  skip: swaksMissing,
}, async () => {
  const login = ['--xclient-addr', CLIENT, '--xclient-login', 'alice@example.test'];
  const { code, output } = await swaks(ports.submission, 'logged in', ...login);
  assert.equal(code, 0, output);
  const mail = await mailWith(service, 'alice', /^Subject: logged in\r?$/m);
  assert.match(mail, /^Received: from client\.test \(\[198\.51\.100\.7\]\)\r?\n\tby mail\.example\.test with ESMTPA /m);
  const { stdout } = await service.ims('trace', 'alice@example.test', '--most', '1');
  assert.match(stdout, /from 198\.51\.100\.7 by ESMTPA, logged in as alice@example\.test/);
  const other = await swaks(ports.submission, 'as another', ...login, '--from', 'bob@example.test');
  assert.notEqual(other.code, 0);
  assert.match(other.output, /<\*\* 5\d\d 5\.7\./);
  const without = await swaks(ports.submission, 'without', '--xclient-addr', CLIENT);
  assert.match(without.output, /<\*\* 530 5\.7\.0/);
});

test('Postfix tells by XFORWARD whose mail it passes on, and the trace shows it', {
  skip: needsPostfix(),
}, async () => {
  const postfix = await startPostfix({
    port: await freePort(),
    domains: ['unused.test'],
    parameters: `smtp_send_xforward_command = yes
smtpd_authorized_xclient_hosts = 127.0.0.1
relay_domains = example.test
relay_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, permit_auth_destination, reject
smtpd_recipient_restrictions =
relay_transport = smtp:[127.0.0.1]:${ports.mx}
`,
  });
  try {
    const { code, output } = await swaks(
      postfix.port,
      'by Postfix',
      ...['--xclient-addr', CLIENT, '--xclient-name', 'mx.far.test', '--xclient-port', '4711'],
      ...['--from', 'carol@far.test', '--helo', 'far.test'],
    );
    assert.equal(code, 0, output);
    const mail = await mailWith(service, 'alice', /^Subject: by Postfix\r?$/m);
    assert.match(mail, /^Received: from postfix\.test \(\[127\.0\.0\.1\]\)/m, 'the hop as it was');
    const id = /by postfix\.test \(Postfix\) with ESMTP id (\w+)/.exec(mail)?.[1];
    const { stdout } = await service.ims('trace', 'carol@far.test', '--most', '1');
    assert.match(
      stdout,
      new RegExp(
        `for mx\\.far\\.test \\[198\\.51\\.100\\.7\\]:4711 by ESMTP as far\\.test, there ${id}, (?:local|remote) there`,
      ),
      await postfix.log(),
    );
  } finally {
    await postfix.remove();
  }
});

test('Postfix and we take and refuse the same values of XCLIENT', { skip: needsPostfix() }, async () => {
  const postfix = await startPostfix({
    port: await freePort(),
    domains: ['unused.test'],
    parameters: 'smtpd_authorized_xclient_hosts = 127.0.0.1\n',
  });
  const values = [
    'DESTPORT=25',
    'DESTPORT=[UNAVAILABLE]',
    'DESTPORT=-1',
    'DESTPORT=x',
    'DESTADDR=192.0.2.25 DESTPORT=587',
    'DESTADDR=nowhere DESTPORT=25',
    'PORT=4711 DESTPORT=25 PORT=x',
    `ADDR=${CLIENT} PORT=4711 DESTADDR=192.0.2.25 DESTPORT=25`,
  ];
  try {
    for (const value of values) {
      const codes = await Promise.all(
        [postfix.port, ports.mx].map(async (port) => {
          const line = await SmtpLine.open(port);
          await line.expect(220);
          await line.say('EHLO filter.test', 250);
          line.send(`XCLIENT ${value}\r\n`);
          const reply = await line.reply();
          line.close();
          return reply.slice(0, 3);
        }),
      );
      assert.equal(codes[0], codes[1], `XCLIENT ${value}`);
    }
  } finally {
    await postfix.remove();
  }
});

test('nginx in front of submission: it checks the password, and XCLIENT tells the account and the client', {
  skip: needs('nginx', 'libnginx-mod-mail'),
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ims-nginx-mail-'));
  const asked: (string | string[] | undefined)[] = [];
  const doorman: Server = createServer((request, response) => {
    asked.push(request.headers['auth-user']);
    const status = request.headers['auth-pass'] === 'secret%20words' || request.headers['auth-pass'] === 'secret words';
    response.setHeader('Auth-Status', status ? 'OK' : 'Invalid login');
    response.setHeader('Auth-Server', '127.0.0.1');
    response.setHeader('Auth-Port', String(ports.submission));
    response.end();
  });
  await new Promise<void>((resolve) => doorman.listen(0, '127.0.0.1', resolve));
  const front = await freePort();
  const file = join(folder, 'nginx.conf');
  await writeFile(
    file,
    `load_module /usr/lib/nginx/modules/ngx_mail_module.so;
daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr;
events { worker_connections 100; }
mail {
  server_name front.test;
  auth_http 127.0.0.1:${(doorman.address() as AddressInfo).port}/;
  server { listen 127.0.0.1:${front}; protocol smtp; smtp_auth plain login; xclient on; }
}
`,
  );
  const nginx = startProgram(programPath('nginx') ?? '', ['-e', 'stderr', '-p', folder, '-c', file]);
  try {
    await listens({ port: front });
    const { code, output } = await runProgram('swaks', [
      ...['--server', '127.0.0.1', '--port', String(front), '--local-interface', '127.0.0.77', '--helo', 'laptop.test'],
      ...['--auth', 'PLAIN', '--auth-user', 'alice@example.test', '--auth-password', 'secret words'],
      ...['--from', 'alice@example.test', '--to', 'alice@example.test', '--h-Subject', 'by nginx'],
    ]);
    assert.equal(code, 0, `${output}${nginx.output}`);
    assert.deepEqual(asked, ['alice@example.test']);
    const mail = await mailWith(service, 'alice', /^Subject: by nginx\r?$/m);
    assert.match(mail, /^Received: from laptop\.test \(\[127\.0\.0\.77\]\)\r?\n\tby mail\.example\.test with ESMTPA /m);
  } finally {
    await nginx.end();
    doorman.close();
    await rm(folder, { recursive: true, force: true });
  }
});
