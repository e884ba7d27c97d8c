import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { testConfiguration } from '../../support/configurations.ts';
import { startDnsServer, type TestDnsServer } from '../../support/dns-server.ts';
import { mailWith, queued, sendPlain } from '../../support/mailboxes.ts';
import { until } from '../../support/programs.ts';
import { type RecordingSink, startSinks } from '../../support/recording-sink.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const ZONE = 'good.test. MX 10 mx.good.test.\nmx.good.test. A 127.0.0.11\nmail.example.test. A 127.0.0.1\n';
let dns: TestDnsServer;
let sink: RecordingSink;
let port: number;

before(async () => {
  dns = await startDnsServer(ZONE);
  const started = await startSinks(['127.0.0.11']);
  port = started.port;
  [sink] = started.sinks as [RecordingSink];
});
after(async () => {
  await sink?.close();
  await dns?.close();
});

/** A service that has asked nothing yet, and how to send a message by it. */
async function withService(look: (service: TestService, send: (to: string) => Promise<unknown>) => Promise<void>) {
  const mx = await freePort();
  const service = await startService((directory) =>
    testConfiguration({
      directory,
      ports: { mx },
      workers: 1,
      more: `policy: { localNetworks: [127.0.0.0/8] }
names: { servers: ['${dns.server}'], timeout: 300ms, tries: 2 }
routing: { port: ${port} }
scheduler: { normal: { first: 1s } }
`,
    }),
  );
  try {
    await look(service, (to) =>
      sendPlain(mx, { from: 'alice@example.test', to: [to], content: `Subject: to ${to}\r\n\r\nx\r\n` }),
    );
  } finally {
    await service.remove();
  }
}

for (const [how, said] of [
  ['NXDOMAIN', 'NXDOMAIN'],
  ['EMPTY', 'an empty answer'],
] as const)
  test(`mail waits while the name server says no to every name (${how}), is not returned, and goes when it knows names again`, () =>
    withService(async (service, send) => {
      const to = `${how.toLowerCase()}@good.test`;
      dns.fail(how);
      await send(to);
      const row = await until(
        () => `${to} does not wait`,
        async () =>
          (await queued(service, '--recipient', to)).find(({ attempts, claimed }) => attempts > 0 && !claimed),
      );
      const reply = JSON.stringify(row.recipients?.[0]?.lastReply);
      assert.ok(reply.includes(`${said} for good.test from`) && /451.*knows no other name either/.test(reply), reply);
      await service.seen(3701);
      const { stdout } = await service.ims('status');
      assert.match(stdout, /knows no other name either, not even the root: it is not believed/);
      dns.fail(undefined);
      await until(
        () => `nobody took the mail for ${to}; ${service.told()}`,
        () => sink.messages.find((message) => message.to.includes(to)),
      );
      await service.seen(2700);
      assert.equal(service.told().match(/^3701/gm)?.length, 1);
    }));

test('a domain that does not exist returns the mail at once where the name server knows others', () =>
  withService(async (service, send) => {
    await send('typo@missing.test');
    assert.match(await mailWith(service, 'alice', /rfc822;typo@missing\.test\r\n/), /Status: 5\.1\.2/);
    assert.doesNotMatch(service.told(), /^3700/m);
  }));
