import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startService, type TestService } from '../../support/service.ts';
import { buildScene, CLIENT, FAR, GATEWAY, needsScene, type Resident, type Scene } from './scene.ts';

const skip = needsScene();
const KILLS = Number(process.env['IMS_GATEWAY_KILLS'] ?? 3);

let scene: Scene;
let far: Resident;
let inner: Resident;
let service: TestService;

const ZONE = `example.test MX 10 gateway.example.test
gateway.example.test A ${GATEWAY}
far.test MX 10 mx.far.test
mx.far.test A ${FAR}
`;

before(async () => {
  if (skip !== false) return;
  scene = await buildScene();
  far = scene.resident('internet');
  inner = scene.resident('private');
  await scene.startGateway();
  const dns = await inner.ask<string>({ what: 'dns', zone: ZONE });
  await far.ask({ what: 'sink', address: FAR });
  service = await startService((directory) => configuration(directory, dns), undefined, scene.within.private);
  await service.seen(2660);
});

after(async () => {
  if (skip !== false) return;
  await service?.remove();
  far?.end();
  inner?.end();
  await scene?.remove();
});

function configuration(directory: string, dns: string): string {
  return `server: { name: mail.example.test, data: ${directory}/data, workers: 2 }
listeners:
  mx: { profile: mx, address: 127.0.0.1, port: 2525, tls: none }
domains:
  example.test: { catchAll: alice@example.test, mailboxes: { alice: {} } }
names: { servers: ['${dns}'] }
policy: { localNetworks: [127.0.0.0/8, 203.0.113.0/24] }
scheduler: { normal: { first: 1s, longest: 2s } }
gateways:
  outside:
    host: ${GATEWAY}
    user: ${scene.user}
    keyFile: ${scene.keyFile}
    hostKey: '${scene.hostKey}'
    keepAlive: 500ms
    listen: [{ listener: mx }]
routing: { proxy: outside }
`;
}

test('mail comes in by the gateway with the true address of its client', { skip }, async () => {
  assert.equal(await far.ask({ what: 'send', to: GATEWAY, recipient: 'alice@example.test' }), 'taken');
});
