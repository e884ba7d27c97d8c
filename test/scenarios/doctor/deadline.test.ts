import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadConfigurationFile } from '../../../src/operate/config/load-file.ts';
import { examine, makeParts } from '../../../src/operate/doctor/index.ts';
import { nodeHost } from '../../../src/world/node/host.ts';
import { nodeWorld } from '../../../src/world/node/world.ts';
import { startDnsServer, type TestDnsServer } from '../../support/dns-server.ts';

const WHOLE_RUN_MS = 10_000;
let directory: string;
let silent: readonly TestDnsServer[];
let hanging: { readonly server: Server; readonly sockets: Set<Socket> };

/** Everything that a host asks takes connections or packets, and never answers. */
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ims-'));
  silent = await Promise.all([1, 2, 3].map(() => startDnsServer('')));
  for (const server of silent) server.fail('SILENT');
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket));
  server.on('connection', (socket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  hanging = { server, sockets };
});
after(async () => {
  await Promise.all(silent.map((server) => server.close()));
  for (const socket of hanging.sockets) socket.destroy();
  await new Promise((resolve) => hanging.server.close(resolve));
  await rm(directory, { recursive: true, force: true });
});

test('a whole run ends within ten seconds where nothing answers, and names what does not', async () => {
  const { port } = hanging.server.address() as AddressInfo;
  const path = join(directory, 'ims.yaml');
  const yaml = `server: { name: mail.company.com, data: ${directory}/data }
listeners: { mx: { profile: mx, address: 0.0.0.0, port: 2525 } }
names: { servers: [${silent.map(({ server }) => `'${server}'`).join(', ')}] }
domains: { company.com: { mailboxes: { postmaster: {} } }, company.org: { mailboxes: { postmaster: {} } } }
routing:
  smartHosts: { out: { hosts: [{ host: 127.0.0.1, port: ${port} }, { host: smart.company.com }], tls: none } }
  addressSpaces: [{ match: '*.example.org', via: out }]
`;
  await writeFile(path, yaml, { mode: 0o600 });
  const file = await loadConfigurationFile(nodeWorld.disk, path);
  assert.ok(file.loaded.ok, JSON.stringify(file.loaded));
  // A control socket that accepts and says nothing, too.
  const control = createServer((socket) => hanging.sockets.add(socket));
  const socket = join(directory, 'control');
  await new Promise<void>((resolve) => control.listen(socket, resolve));
  const began = performance.now();
  const report = await examine(await makeParts(file, nodeHost, nodeWorld, { socket }), nodeWorld.clock);
  const took = performance.now() - began;
  control.close();
  assert.ok(took < WHOLE_RUN_MS, `${took} ms`);
  const kind = (id: string): string | undefined => report?.findings.find((one) => one.id === id)?.verdict.kind;
  assert.equal(kind('names.servers-answer'), 'unhealthy');
  assert.equal(kind('service.answers'), 'unhealthy');
});
