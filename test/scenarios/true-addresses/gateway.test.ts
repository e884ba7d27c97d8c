/** Behind a gateway with OpenSSH: everything that looks at an address sees the client of the public port, never the gateway. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mailWith } from '../../support/mailboxes.ts';
import { needs } from '../../support/needs.ts';
import { type ProgramResult, runProgram } from '../../support/programs.ts';
import { startService, type TestService } from '../../support/service.ts';
import { buildScene, CLIENT, FAR, GATEWAY, needsScene, type Resident, type Scene } from '../gateway/scene.ts';

const skip = needsScene() || needs('swaks', 'libnet-ssleay-perl');
const BLOCKED = '203.0.113.78';

/** The gateway is on the list and may send for nobody: neither may count. */
const ZONE = `far.test TXT "v=spf1 ip4:${FAR} -all"
77.113.0.203.list.test A 127.0.0.2
77.113.0.203.list.test TXT "seen sending spam"
5.113.0.203.list.test A 127.0.0.2
`;

let scene: Scene;
let inner: Resident;
let service: TestService;

before(async () => {
  if (skip !== false) return;
  scene = await buildScene();
  inner = scene.resident('private');
  await scene.startGateway();
  await runProgram('ip', [
    ...scene.within.internet.slice(1),
    'ip',
    'addr',
    'add',
    `${BLOCKED}/24`,
    'dev',
    'to-internet',
  ]);
  const dns = await inner.ask<string>({ what: 'dns', zone: ZONE });
  service = await startService((directory) => configuration(directory, dns), undefined, scene.within.private);
  await service.seen(2660);
});

after(async () => {
  await service?.remove();
  await scene?.remove();
});

function configuration(directory: string, dns: string): string {
  return `server: { name: mail.example.test, data: ${directory}/data, workers: 1 }
listeners: { mx: { profile: mx, address: 127.0.0.1, port: 2525, tls: none } }
domains: { example.test: { mailboxes: { alice: {} }, aliases: { postmaster: alice } } }
names: { servers: ['${dns}'] }
policy:
  localNetworks: [127.0.0.0/8, 203.0.113.0/24, 10.77.1.0/24]
  blockedNetworks: ['${GATEWAY}', 10.77.1.1, '${BLOCKED}']
  spf: { mode: refuse }
  dnsbl: [{ zone: list.test }]
gateways:
  outside:
    host: ${GATEWAY}
    user: ${scene.user}
    keyFile: ${scene.keyFile}
    hostKey: '${scene.hostKey}'
    listen: [{ listener: mx }]
`;
}

/** A client of the Internet speaks to the public port. */
function send(from: string, sender: string, to: string, subject = 'x'): Promise<ProgramResult> {
  return runProgram('ip', [
    ...[...scene.within.internet.slice(1), 'swaks', '--server', GATEWAY, '--local-interface', from],
    ...['--helo', 'client.far.test', '--from', sender, '--to', to, '--h-Subject', subject],
  ]);
}

test('Received, SPF and the trace show the client of the public port', { skip }, async () => {
  const { code, output } = await send(FAR, 'a@far.test', 'alice@example.test', 'from far');
  assert.equal(code, 0, output);
  const mail = await mailWith(service, 'alice', /^Subject: from far\r?$/m);
  assert.match(mail, /^Received: from client\.far\.test \(\[203\.0\.113\.1\]\)/m);
  assert.match(mail, /spf=pass \(203\.0\.113\.1: ip4:203\.0\.113\.1\)\r?\n\t smtp\.mailfrom=a@far\.test/);
  const { stdout } = await service.ims('trace', 'a@far.test', '--most', '1');
  assert.match(stdout, /from 203\.0\.113\.1 by ESMTP[\s\S]*SPF pass for a@far\.test/);
});

test('who forges a sender is refused in its own name, though it comes by the gateway', { skip }, async () => {
  const { output } = await send(CLIENT, 'a@far.test', 'alice@example.test');
  // The client is on the list too, which comes first; postmaster is refused to nobody.
  assert.match(output, /<\*\* 550 5\.7\.1 203\.0\.113\.77 is on the block list list\.test: seen sending spam/);
  assert.equal((await send(CLIENT, 'a@other.test', 'postmaster@example.test')).code, 0);
});

test('a blocked client is refused, the gateway never; its clients are of none of our networks', { skip }, async () => {
  assert.match((await send(BLOCKED, 'a@other.test', 'alice@example.test')).output, /<\*\* 554 5\.7\.1/);
  assert.match((await send(FAR, 'a@far.test', 'bob@elsewhere.test')).output, /<\*\* 550 5\.7\.1 relaying denied/);
});

test('what is forged by SPF alone is refused with 550 5.7.23', { skip }, async () => {
  const { output } = await runProgram('ip', [
    ...[...scene.within.internet.slice(1), 'swaks', '--server', GATEWAY, '--local-interface', FAR],
    ...['--helo', 'client.far.test', '--from', 'a@strict.test', '--to', 'alice@example.test'],
  ]);
  assert.match(output, /<- {2}250 2\.0\.0 accepted/, 'no record, no refusal');
  await inner.ask({ what: 'dns-load', zone: `${ZONE}forged.test TXT "v=spf1 ip4:${GATEWAY} -all"\n` });
  const forged = await send(FAR, 'a@forged.test', 'alice@example.test');
  assert.match(forged.output, /<\*\* 550 5\.7\.23 SPF: 203\.0\.113\.1 may not send mail of forged\.test/);
});
