import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { chown, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { request } from '../../support/browser.ts';
import { until } from '../../support/processes.ts';
import { freePort, startService, type TestService } from '../../support/service.ts';
import { tokenOf } from '../../support/with-console.ts';

const NOBODY = 65_534;
const OTHER = 65_533;
const skip = process.getuid?.() === 0 ? false : 'needs root';

let service: TestService | undefined;
let open: string | undefined;
after(async () => {
  await service?.remove();
  if (open !== undefined) await rm(open, { recursive: true, force: true });
});

/** Connects as another user of this host. */
function connectAs(uid: number, path: string): string {
  const script = `require('net').connect(${JSON.stringify(path)}).on('connect', function () { console.log('connected'); this.destroy(); }).on('error', (e) => console.log(e.code))`;
  return spawnSync(process.execPath, ['-e', script], { uid, gid: uid, encoding: 'latin1', cwd: '/' }).stdout.trim();
}

test('started as root, socket and token belong to the user of the service, and other users cannot even connect', {
  timeout: 120_000,
  skip,
}, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ims-console-'));
  open = directory;
  chmodSync(directory, 0o755);
  await chown(directory, NOBODY, NOBODY);
  const socket = join(directory, 'console');
  const mx = await freePort();
  service = await startService((at) => {
    chmodSync(at, 0o755); // the way to the data is open to the user
    return `server: { name: mail.example.test, data: ${at}/data, workers: 1, user: nobody, console: ${socket} }
listeners: { mx: { profile: mx, address: 127.0.0.1, port: ${mx}, tls: none } }
domains: { example.test: { mailboxes: { alice: {} } } }
names: { servers: [127.0.0.1] }
`;
  });
  const token = await tokenOf(service);
  const file = await stat(join(service.directory, 'data/console.token'));
  assert.deepEqual([file.uid, file.mode & 0o777], [NOBODY, 0o600]);
  assert.equal((await stat(socket)).uid, NOBODY);
  assert.equal(connectAs(NOBODY, socket), 'connected');
  assert.equal(connectAs(OTHER, socket), 'EACCES');
  const fields = { authorization: `Bearer ${token}` };
  assert.equal((await request(socket, '/api/status', { fields })).status, 200);
  const running = service;
  await running.stop();
  await running.restart();
  assert.equal(await tokenOf(running), token, 'a restart keeps the token');
  await until('it answers', () =>
    request(socket, '/api', { fields }).then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
});
