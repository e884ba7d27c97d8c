import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookWith, settingsOf } from '../../../../test/support/doctor-parts.ts';
import type { Parts } from '../check.ts';
import { logSpace, ownersOne, syncWorks } from './storage-works.ts';
import { keyReadable, trustStoreThere } from './tls-use.ts';

const passwd = { '/etc/passwd': 'root:x:0:0::/:/x\nims:x:990:980::/:/x\n', '/etc/group': '' };

test('a sync that fails names what fails, and removes its file', async () => {
  const look = (errno?: string, uid = 0) => {
    let files = 0;
    const disk = {
      async open() {
        files += 1;
        const fails = async (): Promise<void> => {
          if (errno !== undefined) throw Object.assign(new Error(errno), { code: errno });
        };
        return { writev: fails, sync: fails, close: async () => undefined };
      },
      async unlink() {
        files -= 1;
      },
    } as unknown as Parts['disk'];
    const random = { bytes: (length: number) => Buffer.alloc(length, 7) } as unknown as Parts['random'];
    return lookWith(syncWorks, { host: { uid }, more: { disk, random } }).then((verdict) => ({ verdict, files }));
  };
  const works = await look();
  assert.ok(works.verdict.kind === 'healthy' && works.files === 0);
  const full = await look('ENOSPC');
  assert.ok(full.verdict.kind === 'unhealthy' && /file system is full/.test(full.verdict.cause) && full.files === 0);
  const broken = await look('EIO');
  assert.ok(broken.verdict.kind === 'unhealthy' && /disk does not work/.test(broken.verdict.cause));
  assert.equal((await look('EACCES', 1000)).verdict.kind, 'unknown');
  const maps = { '/proc/self/maps': '7f00-7f01 r-xp 0 0 0 /usr/lib/libeatmydata.so.1.3.0\n' };
  const swallowed = await lookWith(syncWorks, { host: { texts: maps } });
  assert.ok(swallowed.kind === 'unhealthy' && /every sync of the service do nothing/.test(swallowed.cause));
});

test('files of a number that is nobody here are named with the owner they should have', async () => {
  const settings = settingsOf('server: { name: mail.example.test, data: /srv/ims, user: ims }\n');
  const look = (uid: number) =>
    lookWith(ownersOne, {
      settings,
      host: {
        texts: passwd,
        names: { '/srv/ims/queue': ['0'] },
        files: {
          '/srv/ims': { uid, mode: 0o700 },
          '/srv/ims/queue': { uid, mode: 0o700 },
          '/srv/ims/queue/0': { uid, mode: 0o700 },
        },
      },
    });
  assert.equal((await look(990)).kind, 'healthy');
  const foreign = await look(4242);
  assert.ok(foreign.kind === 'unhealthy');
  assert.match(foreign.cause, /^The data directory and 2 more belong to uid 4242 \(no such user\).*ims \(uid 990\)/);
  assert.equal(foreign.cure, 'chown -R 990:980 /srv/ims');
});

test('a log volume of its own that is full is unhealthy', async () => {
  const mountinfo = '1 0 0:1 / / rw - ext4 /dev/a rw\n2 1 0:2 / /srv/ims/events rw - ext4 /dev/b rw\n';
  const look = (freeBytes: number) =>
    lookWith(logSpace, {
      host: { texts: { '/proc/self/mountinfo': mountinfo }, files: { '/srv/ims/events': {} } },
      more: {
        disk: { space: async () => ({ freeBytes, totalBytes: 1e9, freeInodes: 1000 }) } as unknown as Parts['disk'],
      },
    });
  assert.equal((await look(1e8)).kind, 'healthy');
  const full = await look(0);
  assert.ok(full.kind === 'unhealthy' && /log directory \/srv\/ims\/events is full \(ENOSPC\)/.test(full.cause));
  assert.equal(
    (await lookWith(logSpace, { host: { texts: { '/proc/self/mountinfo': '1 0 0:1 / / rw - ext4 /dev/a rw\n' } } }))
      .kind,
    'not-applicable',
  );
});

test('a trust store that is missing is unhealthy where certificates are verified', async () => {
  const settings = settingsOf('routing: { tls: verified }\n');
  const host = { files: { '/etc/ca-certificates.conf': { kind: 'file' as const } } };
  const missing = await lookWith(trustStoreThere, { settings, host });
  assert.ok(
    missing.kind === 'unhealthy' &&
      /trust store of this host is missing/.test(missing.cause) &&
      /ca-certificates/.test(missing.cure),
  );
  assert.equal((await lookWith(trustStoreThere, { host })).kind, 'not-applicable');
  // A minimal image never had one, and this service brings its own.
  assert.equal((await lookWith(trustStoreThere, { settings })).kind, 'not-applicable');
  const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  const there = { texts: { '/etc/ssl/certs/ca-certificates.crt': pem } };
  assert.equal((await lookWith(trustStoreThere, { settings, host: there })).kind, 'healthy');
});

test('a key that the service may not read is unhealthy unless root reads it first', async () => {
  const settings = settingsOf(
    'server: { name: mail.example.test, data: /srv/ims }\ntls: { certificate: /etc/c.pem, key: /etc/k.pem }\n',
  );
  const look = (mode: number, uid: number) =>
    lookWith(keyReadable, {
      settings,
      host: {
        uid,
        texts: passwd,
        files: { '/etc/c.pem': { kind: 'file', mode: 0o644 }, '/etc/k.pem': { kind: 'file', mode } },
      },
    });
  assert.equal((await look(0o600, 0)).kind, 'healthy');
  const denied = await look(0o600, 990);
  assert.ok(denied.kind === 'unhealthy' && denied.cure.startsWith('setfacl -m u:990:r /etc/k.pem'));
  assert.equal((await look(0o644, 990)).kind, 'healthy');
  assert.equal((await lookWith(keyReadable, {})).kind, 'not-applicable');
});
