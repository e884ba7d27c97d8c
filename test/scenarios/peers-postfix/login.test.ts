import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeSelfSigned } from '../../../src/service/supervisor/certificate.ts';
import { testConfiguration } from '../../support/configurations.ts';
import { type Dovecot, dovecotPassword, needsDovecot, startDovecot } from '../../support/dovecot.ts';
import { queued, sendPlain } from '../../support/mailboxes.ts';
import { needsPostfix, startPostfix, type Postfix } from '../../support/postfix.ts';
import { until } from '../../support/programs.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const skip = needsPostfix() || needsDovecot();
let dovecot: Dovecot;
let postfix: Postfix;
let service: TestService;
let mx: number;

before(async () => {
  if (skip !== false) return;
  mx = await freePort();
  dovecot = await startDovecot(await freePort(), ['ims@post.test']);
  const { certificatePem, keyPem } = await makeSelfSigned('localhost', Date.now());
  postfix = await startPostfix({
    port: await freePort(),
    domains: ['post.test', 'other.test'],
    files: { 'both.pem': `${keyPem}${certificatePem}` },
    // Nobody may send without a login, and a login needs TLS.
    parameters: `smtpd_tls_security_level = may
smtpd_tls_chain_files = {dir}/both.pem
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = ${dovecot.authentication}
smtpd_sasl_authenticated_header = yes
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
`,
  });
  const group = (name: string, password: string): string =>
    `    ${name}: { hosts: [{ host: 127.0.0.1, port: ${postfix.port} }], tls: required, login: { user: ims@post.test, password: '${password}' } }\n`;
  service = await startService((directory) =>
    testConfiguration({
      directory,
      ports: { mx },
      more: `policy: { localNetworks: [127.0.0.0/8] }
routing:
  smartHosts:
${group('right', dovecotPassword)}${group('wrong', 'no dove')}  addressSpaces: [{ match: post.test, via: right }, { match: other.test, via: wrong }]
`,
    }),
  );
});
after(async () => {
  await service?.remove();
  await postfix?.remove();
  await dovecot?.remove();
});

test('a smart host that asks for a login: the mail goes with it', { skip }, async () => {
  await sendPlain(mx, {
    from: 'alice@example.test',
    to: ['one@post.test'],
    content: 'Subject: with a login\r\n\r\nx\r\n',
  });
  const mail = await until(
    () => 'no mail with a login',
    async () => (await postfix.mail()).find((each) => each.includes('Subject: with a login')),
  );
  assert.match(mail, /\(Authenticated sender: ims@post\.test\)/);
});

test('a login that the smart host refuses: the mail waits, and an event tells the operator', { skip }, async () => {
  await sendPlain(mx, { from: 'alice@example.test', to: ['one@other.test'], content: 'Subject: never\r\n\r\nx\r\n' });
  const row = await until('the mail to wait', async () =>
    (await queued(service)).find(({ attempts, claimed }) => attempts > 0 && !claimed),
  );
  assert.match(JSON.stringify(row.recipients?.[0]?.lastReply), /535 5\.7\.8/);
  assert.ok(service.events.some(({ name }) => name === 'delivery.login-refused'));
});
