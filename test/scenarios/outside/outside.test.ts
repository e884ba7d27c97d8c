import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startService, type TestService } from '../../support/service.ts';
import type { Asked } from '../gateway/resident.ts';
import { INNER, NatScene, needsScene, NOBODY, OUTSIDE, PROXY_PORT, ROUTER } from './scene.ts';

const skip = needsScene();

/** Inside everybody is sent to the mail server itself. */
const INNER_VIEW = `example.test MX 10 mail.example.test
mail.example.test A ${INNER}
`;
const outerView = (address: string): string => `example.test MX 10 mail.example.test
mail.example.test A ${address}
`;

interface Found {
  readonly kind: string;
  readonly cause?: string;
  readonly cure?: string;
  readonly because?: string;
}

let scene: NatScene;
let outside: <T>(asked: Asked) => Promise<T>;
let service: TestService;

before(async () => {
  if (skip !== false) return;
  scene = new NatScene();
  await scene.build();
  outside = scene.resident('outside');
  const names = await scene.resident('inside')<string>({ what: 'dns', zone: INNER_VIEW });
  const resolver = await outside<string>({ what: 'dns', zone: outerView(INNER), address: OUTSIDE });
  service = await startService(
    (directory) => `server: { name: mail.example.test, data: ${directory}/data, workers: 1 }
listeners:
  mx: { profile: mx, address: ${INNER}, port: 25, tls: none }
domains:
  example.test: { mailboxes: { postmaster: {} } }
names: { servers: ['${names}'] }
routing:
  proxies: { rented: { kind: socks5, host: ${OUTSIDE}, port: ${PROXY_PORT} } }
doctor: { outsideResolver: '${resolver}' }
`,
    undefined,
    scene.within,
  );
});

after(async () => {
  if (skip !== false) return;
  await service?.remove();
  await scene?.remove();
});

async function look(...words: string[]): Promise<Found> {
  const { stdout, stderr } = await service.ims('doctor', '--json', ...words);
  const report = JSON.parse(stdout) as { findings: { id: string; verdict: Found }[] };
  const found = report.findings.find(({ id }) => id === 'outside.mail-hosts');
  assert.ok(found, stderr);
  return found.verdict;
}

test('Q193863: a public MX that names an inner address is seen from outside, with the record to change', {
  skip,
}, async () => {
  const found = await look('--only', 'outside');
  assert.equal(found.kind, 'unhealthy', JSON.stringify(found));
  assert.match(
    found.cause ?? '',
    /^mail\.example\.test, a mail host of example\.test, has the inner address 10\.66\.1\.2/,
  );
  assert.match(found.cure ?? '', /^Change the A record of mail\.example\.test from 10\.66\.1\.2 to /);
  assert.equal((await look('--outside', 'rented')).kind, 'unhealthy');
});

test('Q193863: a router that does not forward port 25 is found by a connection from outside, with what it is to forward', {
  skip,
}, async () => {
  await outside({ what: 'dns-load', zone: outerView(ROUTER) });
  assert.equal((await look('--outside')).kind, 'healthy', 'by its names alone nothing is wrong');
  const found = await look('--outside', 'rented');
  assert.equal(found.kind, 'unhealthy', JSON.stringify(found));
  assert.match(found.cause ?? '', /cannot connect to port 25 of 203\.0\.113\.9, the address of mail\.example\.test/);
  assert.match(found.cure ?? '', /router that has 203\.0\.113\.9 forward TCP port 25 to 10\.66\.1\.2 port 25/);
});

test('Q193863: a router that forwards port 25 leads here: the service recognises itself from outside', {
  skip,
}, async () => {
  await scene.forward(true);
  const found = await look('--outside', 'rented');
  assert.equal(found.kind, 'healthy', JSON.stringify(found));
  assert.match(JSON.stringify(found), /port 25 of 203\.0\.113\.9, from rented.*this service/);
});

test('Q193863: a record with an address that is nobody’s, and one that leads to another server', { skip }, async () => {
  await outside({ what: 'dns-load', zone: outerView(NOBODY) });
  const nobody = await look('--outside', 'rented');
  assert.equal(nobody.kind, 'unhealthy', JSON.stringify(nobody));
  assert.match(nobody.cause ?? '', /cannot connect to port 25 of 203\.0\.113\.99/);
  assert.match(nobody.cure ?? '', /change the A record of mail\.example\.test/);
  await outside({ what: 'sink', address: OUTSIDE });
  await outside({ what: 'dns-load', zone: outerView(OUTSIDE) });
  const other = await look('--outside', 'rented');
  assert.equal(other.kind, 'unhealthy', JSON.stringify(other));
  assert.match(other.cause ?? '', /At port 25 of 203\.0\.113\.1, .* hosts outside meet another server/);
});

test('a way that does not work tells nothing of the outside', { skip }, async () => {
  const found = await look('--outside', 'nowhere');
  assert.equal(found.kind, 'unknown', JSON.stringify(found));
});
