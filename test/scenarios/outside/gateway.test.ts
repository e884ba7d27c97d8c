import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startService, type TestService } from '../../support/service.ts';
import { buildScene, FAR, GATEWAY, needsScene, type Resident, type Scene } from '../gateway/scene.ts';

const skip = needsScene();

let scene: Scene;
let inner: Resident;
let far: Resident;
let service: TestService;

before(async () => {
  if (skip !== false) return;
  scene = await buildScene();
  inner = scene.resident('private');
  far = scene.resident('internet');
  await scene.startGateway();
  const zone = `example.test MX 10 mail.example.test\nmail.example.test A ${GATEWAY}\n`;
  const dns = await inner.ask<string>({ what: 'dns', zone });
  const outside = await far.ask<string>({ what: 'dns', zone, address: FAR });
  service = await startService(
    (directory) => `server: { name: mail.example.test, data: ${directory}/data, workers: 1 }
listeners:
  mx: { profile: mx, address: 0.0.0.0, port: 2525, tls: none }
domains:
  example.test: { mailboxes: { postmaster: {} } }
names: { servers: ['${dns}'] }
doctor: { outsideResolver: '${outside}', outsideProbe: outside }
gateways:
  outside:
    host: ${GATEWAY}
    user: ${scene.user}
    keyFile: ${scene.keyFile}
    hostKey: '${scene.hostKey}'
    listen: [{ listener: mx }]
`,
    undefined,
    scene.within.private,
  );
  await service.seen(2660);
});

after(async () => {
  await service?.remove();
  await scene?.remove();
});

async function look(): Promise<{ readonly kind: string; readonly cause?: string }> {
  const { stdout, stderr } = await service.ims('doctor', '--json', '--outside');
  const report = JSON.parse(stdout) as { findings: { id: string; verdict: { kind: string; cause?: string } }[] };
  const found = report.findings.find(({ id }) => id === 'outside.mail-hosts');
  assert.ok(found, stderr);
  return found.verdict;
}

test('Q193863: a gateway asks a name server outside and connects to our public port, where the service recognises itself', {
  skip,
}, async () => {
  const found = await look();
  assert.equal(found.kind, 'healthy', JSON.stringify(found));
  assert.match(JSON.stringify(found), /port 25 of 203\.0\.113\.5, from outside.*this service/);
});

test('Q193863: a gateway that meets another server at our public address says so', { skip }, async () => {
  await far.ask({ what: 'dns-load', zone: `example.test MX 10 mail.example.test\nmail.example.test A ${FAR}\n` });
  await far.ask({ what: 'sink', address: FAR });
  const found = await look();
  assert.equal(found.kind, 'unhealthy', JSON.stringify(found));
  assert.match(found.cause ?? '', /At port 25 of 203\.0\.113\.1, .* hosts outside meet another server/);
});
