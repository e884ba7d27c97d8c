/** Both sides are this service: one holds mail for a domain, the other fetches it by ETRN. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startDnsServer, type TestDnsServer } from '../../support/dns-server.ts';
import { SmtpLine } from '../../support/ledger-client.ts';
import { until } from '../../support/programs.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const CUSTOMER = '127.0.1.9';

let dns: TestDnsServer;
let provider: TestService;
let customer: TestService;
let providerPort: number;

before(async () => {
  dns = await startDnsServer(`example.test MX 10 mail.example.test\nmail.example.test A ${CUSTOMER}\n`);
  providerPort = await freePort();
  const customerPort = await freePort();
  provider = await startService(
    (directory) => `server: { name: mail.provider.test, data: ${directory}/data, workers: 1 }
listeners:
  mx: { profile: mx, address: 127.0.0.1, port: ${providerPort}, tls: required }
  plain: { profile: mx, address: 127.0.0.2, port: ${providerPort}, tls: none }
names: { servers: ['${dns.server}'] }
policy: { etrn: { hosts: [127.0.0.1/32] } }
routing:
  port: ${customerPort}
  tls: none
  relayDomains: [example.test]
  addressSpaces: [{ match: example.test, via: hold }]
domains: { provider.test: { mailboxes: { postmaster: {} } } }
`,
  );
  const host = `host: 127.0.0.1, port: ${providerPort}, at: ['03:00']`;
  customer = await startService(
    (directory) => `server: { name: mail.example.test, data: ${directory}/data, workers: 1 }
listeners:
  mx: { profile: mx, address: ${CUSTOMER}, port: ${customerPort}, tls: none }
domains: { example.test: { mailboxes: { alice: {} }, aliases: { postmaster: alice } } }
dequeue:
  provider: { ${host}, tls: required }
  in-clear: { ${host}, tls: none }
  strict: { ${host}, tls: verified }
  implicit: { ${host}, tls: implicit }
  login: { ${host}, tls: required, login: { user: me, password: secret } }
  plain: { host: 127.0.0.2, port: ${providerPort}, at: ['03:00'], tls: required }
`,
  );
});

after(async () => {
  await customer?.remove();
  await provider?.remove();
  await dns?.close();
});

const now = async (name: string): Promise<string> => (await customer.ims('dequeue', 'now', name)).stdout;

test('mail that is held is fetched under TLS, and only when it is asked for', async () => {
  const line = await SmtpLine.open(providerPort, '127.0.0.2');
  await line.expect(220);
  for (const command of ['EHLO far.test', 'MAIL FROM:<x@far.test>', 'RCPT TO:<alice@example.test>'])
    await line.say(command, 250);
  await line.say('DATA', 354);
  await line.say('Subject: held\r\n\r\nheld for alice\r\n.', 250);
  line.close();
  const said = await now('provider');
  assert.match(said, /^C: STARTTLS\nS: 220 [^\n]*\n\*: TLSv1\.3 [^\n]*\nC: EHLO mail\.example\.test$/m);
  assert.match(said, /^done: ETRN example\.test: 25[0-3] /m);
  const folder = join(customer.directory, 'data/mail/example.test/alice/new');
  for (let looks = 0; looks < 150; looks += 1) {
    const [name] = await readdir(folder).catch(() => []);
    if (name !== undefined) {
      assert.match(await readFile(join(folder, name), 'latin1'), /held for alice/);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail('the mail did not come');
});

test('what stands against TLS or a log-in is told in words, and no password is sent', async () => {
  assert.match(await now('in-clear'), /^(?:failed|refused): .*530 5\.7\.0/m);
  assert.match(await now('strict'), /^failed: its certificate is not valid: /m);
  assert.match(await now('implicit'), /^failed: TLS failed: /m);
  assert.match(await now('plain'), /^failed: it does not offer STARTTLS, which the settings demand$/m);
  const login = await now('login');
  assert.match(login, /^failed: it offers no way to log in that may be used/m);
  assert.doesNotMatch(login, /AUTH/);
});

test('while mail is refused by order no host is asked; with the end of the order it is, by itself', async () => {
  await customer.ims('transfer', 'out', '--reason', 'work');
  const paused = await customer.ims('dequeue', 'now', 'provider');
  assert.match(paused.stdout, /^paused: not asked: mail is refused by order/m);
  assert.equal(paused.code, 1);
  const before = customer.events.length;
  await customer.ims('transfer', 'both');
  await until(
    () => `event 2880; seen: ${customer.told()}`,
    () => customer.events.slice(before).some(({ event, data }) => event === 2880 && data['entry'] === 'provider'),
    10_000,
  );
});
