import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { after, before, test } from 'node:test';
import { testConfiguration } from '../../support/configurations.ts';
import { startDnsServer, type TestDnsServer } from '../../support/dns-server.ts';
import { mailIn, mailWith, queued, sendPlain } from '../../support/mailboxes.ts';
import { until } from '../../support/programs.ts';
import { type RecordingSink, startSinks } from '../../support/recording-sink.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';

const ZONE = `
a.hosts.test. A 127.0.0.11
b.hosts.test. A 127.0.0.12
c.hosts.test. A 127.0.0.13
six.hosts.test. AAAA ::1
; Nobody listens at .20 and .21.
dead.hosts.test. A 127.0.0.20
half.hosts.test. A 127.0.0.21
half.hosts.test. A 127.0.0.11
own.hosts.test. A 127.0.0.19
broken.hosts.test. SERVFAIL
mail.example.test. A 127.0.0.12
preferred.test. MX 20 b.hosts.test.
preferred.test. MX 10 a.hosts.test.
second.test. MX 10 dead.hosts.test.
second.test. MX 20 b.hosts.test.
addresses.test. MX 10 half.hosts.test.
equal.test. MX 10 a.hosts.test.
equal.test. MX 10 b.hosts.test.
equal.test. MX 10 c.hosts.test.
null.test. MX 0 .
implicit.test. A 127.0.0.13
alias.test. CNAME real.test.
real.test. MX 10 c.hosts.test.
aliased-host.test. MX 10 www.hosts.test.
www.hosts.test. CNAME c.hosts.test.
backup.test. MX 10 dead.hosts.test.
backup.test. MX 20 MAIL.example.test.
backup.test. MX 30 b.hosts.test.
loop.test. MX 10 mail.example.test.
loop.test. MX 20 b.hosts.test.
loop-by-address.test. MX 10 own.hosts.test.
loop-by-address.test. MX 10 a.hosts.test.
loop-by-address.test. MX 20 b.hosts.test.
six.test. MX 10 six.hosts.test.
fails.test. SERVFAIL
silent.test. SILENT
some.test. MX 10 broken.hosts.test.
some.test. MX 20 b.hosts.test.
all.test. MX 10 broken.hosts.test.
all.test. MX 20 missing.hosts.test.
missing.test. MX 10 missing.hosts.test.
`;
const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);
let dns: TestDnsServer;
let sinks: RecordingSink[];
let service: TestService;
let mx: number;

before(async () => {
  mx = await freePort();
  dns = await startDnsServer(ZONE);
  const started = await startSinks(['127.0.0.11', '127.0.0.12', '127.0.0.13', ...(hasIpv6 ? ['::1'] : [])]);
  sinks = started.sinks;
  service = await startService((directory) =>
    testConfiguration({
      directory,
      ports: { mx },
      workers: 2,
      more: `policy: { localNetworks: [127.0.0.0/8] }
names: { servers: ['${dns.server}'], timeout: 300ms, tries: 2 }
routing: { port: ${started.port} }
`,
    }).replace('listeners:\n', `listeners:\n  own: { profile: mx, address: 127.0.0.19, port: ${started.port} }\n`),
  );
});
after(async () => {
  await service?.remove();
  for (const sink of sinks ?? []) await sink.close();
  await dns?.close();
});

let sent = 0;

/** Sends to a new mailbox of the domain and returns its address. */
async function sendTo(domain: string): Promise<string> {
  sent += 1;
  const to = `u${sent}@${domain}`;
  await sendPlain(mx, { from: 'alice@example.test', to: [to], content: `Subject: to ${domain}\r\n\r\nx\r\n` });
  return to;
}

/** The last octet of the address of the sink that took it, or ::1. */
async function takenBy(recipient: string): Promise<string> {
  const sink = await until(
    () => `no sink took mail for ${recipient}; they heard ${sinks.flatMap(({ heard }) => heard.slice(-8)).join(' | ')}`,
    () => sinks.find(({ messages }) => messages.some(({ to }) => to.includes(recipient))),
  );
  return sink.address.replace('127.0.0', '');
}

/** The reply that a recipient waits with. */
async function waitsWith(recipient: string): Promise<string> {
  const row = await until(
    () => `${recipient} does not wait`,
    async () =>
      (await queued(service, '--recipient', recipient)).find(({ attempts, claimed }) => attempts > 0 && !claimed),
  );
  return JSON.stringify(row.recipients?.[0]?.lastReply);
}

const returned = (recipient: string): Promise<string> =>
  mailWith(service, 'alice', new RegExp(`Final-Recipient: rfc822;${recipient.replaceAll(/[.[\]]/g, '\\$&')}\r\n`));

test('the host of the lowest preference takes the mail', async () => {
  assert.equal(await takenBy(await sendTo('preferred.test')), '.11');
});

test('a host that is down: the next preference takes it; an address that is down: the next address', async () => {
  assert.equal(await takenBy(await sendTo('second.test')), '.12');
  assert.equal(await takenBy(await sendTo('addresses.test')), '.11');
});

test('RFC 5321 §5.1: equal preferences share the mail', async () => {
  const took = new Set<string>();
  for (let i = 0; i < 60 && took.size < 3; i += 1) took.add(await takenBy(await sendTo('equal.test')));
  assert.deepEqual([...took].sort(), ['.11', '.12', '.13']);
});

test('RFC 7505: a null MX returns the mail at once', async () => {
  assert.match(await returned(await sendTo('null.test')), /Status: 5\.1\.10/);
});

test('a domain without MX is its own host; an alias is followed, and the recipient not rewritten', async () => {
  for (const domain of ['implicit.test', 'alias.test', 'aliased-host.test'])
    assert.equal(await takenBy(await sendTo(domain)), '.13', domain);
});

test('address literals name their host', async () => {
  assert.equal(await takenBy(await sendTo('[127.0.0.13]')), '.13');
});

if (hasIpv6) {
  test('IPv6, by MX and as a literal', async () => {
    assert.equal(await takenBy(await sendTo('six.test')), '::1');
    assert.equal(await takenBy(await sendTo('[IPv6:::1]')), '::1');
  });
}

test('this server among the hosts: only better ones are tried, and mail waits for them', async () => {
  assert.match(await waitsWith(await sendTo('backup.test')), /ECONNREFUSED|refused/i);
  assert.ok(sinks.every(({ messages }) => messages.every(({ to }) => !to.some((one) => one.endsWith('@backup.test')))));
});

test('this server as the best host, by name or by address: the mail is returned as a loop, with an event', async () => {
  for (const domain of ['loop.test', 'loop-by-address.test', '[127.0.0.19]'])
    assert.match(await returned(await sendTo(domain)), /Status: 5\.4\.6/, domain);
  assert.ok(service.events.some(({ name }) => name === 'routing.loop-to-ourselves'));
});

test('one host that cannot be resolved does not keep the others from being used', async () => {
  assert.equal(await takenBy(await sendTo('some.test')), '.12');
});

test('a name server that fails or is silent: nothing is returned, and the mail goes once it answers', async () => {
  const waiting = [await sendTo('fails.test'), await sendTo('silent.test'), await sendTo('all.test')];
  for (const recipient of waiting) assert.match(await waitsWith(recipient), /"code":4.*name service/, recipient);
  const mail = await mailIn(service, 'alice');
  for (const recipient of waiting) assert.ok(!mail.some((one) => one.includes(recipient)), recipient);
  dns.load(
    `${ZONE.replaceAll(/^.* (?:SERVFAIL|SILENT)$/gm, '')}\nfails.test. MX 10 c.hosts.test.\nsilent.test. MX 10 c.hosts.test.\nbroken.hosts.test. A 127.0.0.13\n`,
  );
  await until('the waiting mail to go', async () => {
    await service.ims('queue', 'retry', '--all');
    return waiting.every((recipient) => sinks[2]?.messages.some(({ to }) => to.includes(recipient)));
  });
  dns.load(ZONE);
});

test('a domain that does not exist, and one whose hosts do not: the mail is returned', async () => {
  assert.match(await returned(await sendTo('nowhere.test')), /Status: 5\.1\.2/);
  assert.match(await returned(await sendTo('missing.test')), /Status: 5\.4\.4/);
});
