import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookWith, settingsOf } from '../../../../test/support/doctor-parts.ts';
import type { Parts } from '../check.ts';
import { mailboxesWritable, queueFormat } from './queue.ts';
import { dataDirectory, localFileSystem, privateDirectories, space, writableFileSystem } from './storage.ts';

const root = { '/': {}, '/srv': {} };
const passwd = { '/etc/passwd': 'root:x:0:0::/:/x\nims:x:990:980::/:/x\n', '/etc/group': '' };

test('a data directory that is missing, open to others, or somebody else’s is unhealthy', async () => {
  const missing = await lookWith(dataDirectory, { host: { files: root } });
  assert.ok(missing.kind === 'unhealthy' && /does not exist/.test(missing.cause) && missing.event === 4752);
  const gone = await lookWith(dataDirectory, {
    host: { files: root, texts: { '/etc/ims/ims.yaml.spool': 'format 1\ndata /srv/ims\nid x\nmade 1\n' } },
  });
  assert.ok(gone.kind === 'unhealthy' && /held a spool.*volume is not mounted/.test(gone.cause) && gone.event === 4753);
  const open = await lookWith(dataDirectory, { host: { files: { ...root, '/srv/ims': { mode: 0o777 } } } });
  assert.ok(open.kind === 'unhealthy' && open.cure === 'chmod go-w /srv/ims');
  const theirs = await lookWith(dataDirectory, {
    host: { files: { ...root, '/srv/ims': { uid: 5, mode: 0o700 } }, uid: 990, texts: passwd },
  });
  assert.ok(theirs.kind === 'unhealthy');
  assert.equal(theirs.cause, 'The data directory belongs to uid 5, and ims (uid 990) may not write in it.');
  const closed = await lookWith(dataDirectory, {
    host: {
      files: { ...root, '/srv': { mode: 0o700 }, '/srv/ims': { uid: 990, mode: 0o700 } },
      uid: 990,
      texts: passwd,
    },
  });
  assert.ok(closed.kind === 'unhealthy' && /may not enter \/srv/.test(closed.cause));
  const file = await lookWith(dataDirectory, {
    host: { files: { ...root, '/srv/ims': { kind: 'file', mode: 0o600 } } },
  });
  assert.ok(file.kind === 'unhealthy' && /is not a directory/.test(file.cause));
});

test('symbolic links that lead round in a circle are no volume that is missing', async () => {
  const host = { texts: { '/etc/ims/ims.yaml.spool': 'format 1\ndata /srv/ims\nid x\nmade 1\n' }, files: root };
  const loop = await lookWith(dataDirectory, { host: { ...host, errors: { '/srv/ims': 'ELOOP' } } });
  assert.ok(loop.kind === 'unhealthy' && /lead round in a circle \(ELOOP\)/.test(loop.cause), JSON.stringify(loop));
  assert.match(loop.cure, /^namei -l \/srv\/ims/);
});

test('a data directory of the service is healthy; one that may not be looked at is unknown', async () => {
  const own = { files: { ...root, '/srv/ims': { uid: 990, mode: 0o700 } }, uid: 990, texts: passwd };
  assert.equal((await lookWith(dataDirectory, { host: own })).kind, 'healthy');
  assert.equal((await lookWith(dataDirectory, { host: { errors: { '/srv/ims': 'EACCES' }, uid: 7 } })).kind, 'unknown');
  const foreign = { files: { ...root, '/srv/ims': { uid: 990, mode: 0o700 } }, uid: 1234, texts: passwd };
  const denied = await lookWith(dataDirectory, { host: foreign, service: { kind: 'not-permitted', path: '' } });
  assert.equal(denied.kind, 'unknown', 'a stranger who looks is no fault');
  // Started as root it goes to server.user by itself.
  const settings = settingsOf('server: { name: mail.example.test, data: /srv/ims, user: ims }\n');
  const fresh = { files: { ...root, '/srv/ims': { mode: 0o700 } }, texts: passwd };
  assert.equal((await lookWith(dataDirectory, { settings, host: fresh })).kind, 'healthy');
});

test('a run or queue directory that others may enter is unhealthy', async () => {
  const host = { files: { '/srv/ims/run': { mode: 0o755 }, '/srv/ims/queue': { mode: 0o700 } } };
  const verdict = await lookWith(privateDirectories, { host });
  assert.ok(verdict.kind === 'unhealthy' && verdict.cure === 'chmod 700 /srv/ims/run');
  assert.equal(
    (await lookWith(privateDirectories, { host: { files: { '/srv/ims/run': { mode: 0o700 } } } })).kind,
    'healthy',
  );
  assert.equal((await lookWith(privateDirectories, {})).kind, 'not-applicable');
  const file = await lookWith(privateDirectories, {
    host: { files: { '/srv/ims/run': { kind: 'file', mode: 0o600 } } },
  });
  assert.ok(file.kind === 'unhealthy' && /is a file, where a directory/.test(file.cause) && /^mv /.test(file.cure));
});

test('space below queue.spaceFloor and the end of inodes are unhealthy', async () => {
  const look = (freeBytes: number, freeInodes: number) =>
    lookWith(space, {
      more: { disk: { space: async () => ({ freeBytes, totalBytes: 1e12, freeInodes }) } as unknown as Parts['disk'] },
    });
  assert.equal((await look(1e9, 1e6)).kind, 'healthy');
  const full = await look(100 * 1024 ** 2, 1e6);
  assert.ok(full.kind === 'unhealthy' && full.event === 3018 && /100MB left/.test(full.cause));
  const inodes = await look(1e9, 12);
  assert.ok(inodes.kind === 'unhealthy' && /12 inodes/.test(inodes.cause));
  assert.equal((await look(1e9, 0)).kind, 'healthy', 'a file system that counts no inodes');
});

test('a read-only and a network file system are unhealthy', async () => {
  const mount = (options: string, type: string) => ({
    texts: { '/proc/self/mountinfo': `1 0 0:1 / / ${options} - ${type} src rw\n` },
  });
  assert.equal((await lookWith(writableFileSystem, { host: mount('rw', 'ext4') })).kind, 'healthy');
  assert.equal((await lookWith(writableFileSystem, { host: mount('ro', 'ext4') })).kind, 'unhealthy');
  assert.equal((await lookWith(localFileSystem, { host: mount('rw', 'ext4') })).kind, 'healthy');
  assert.equal((await lookWith(localFileSystem, { host: mount('rw', 'nfs4') })).kind, 'unhealthy');
  assert.equal((await lookWith(localFileSystem, {})).kind, 'unknown');
});

test('a queue of a newer version is named with both formats', async () => {
  const look = (version: number) => {
    const head = Buffer.alloc(64);
    head.writeUInt32LE(version, 8);
    const disk = {
      entry: async () => ({ kind: 'directory' }),
      list: async (path: string) => (path.endsWith('/queue') ? ['0', 'x'] : ['0000000001.hint', '0000000001.log']),
      open: async () => ({
        read: async (into: Buffer) => head.copy(into),
        close: async () => undefined,
      }),
    } as unknown as Parts['disk'];
    return lookWith(queueFormat, { more: { disk } });
  };
  assert.equal((await look(1)).kind, 'healthy');
  const disk = {
    entry: async () => ({ kind: 'directory' }),
    list: async (path: string) => (path.endsWith('/queue') ? ['0'] : ['boot']),
    readFile: async () => Buffer.from('format 9\nshard 0\nnext 2\n'),
  } as unknown as Parts['disk'];
  const counter = await lookWith(queueFormat, { more: { disk } });
  assert.ok(counter.kind === 'unhealthy' && /format 9, and this version/.test(counter.cause), 'the counter of starts');
  const cut = { ...disk, readFile: async () => Buffer.alloc(0) } as unknown as Parts['disk'];
  const broken = await lookWith(queueFormat, { more: { disk: cut } });
  assert.ok(broken.kind === 'unhealthy' && /queue\/0\/boot, .* is damaged/.test(broken.cause));
  assert.match(broken.cure, /^printf 'format 1\\nshard 0\\nnext 100000\\n' > \/srv\/ims\/queue\/0\/boot/);
  const newer = await look(7);
  assert.ok(newer.kind === 'unhealthy' && /format 7, and this version reads up to format 1/.test(newer.cause));
});

test('a Maildir that the service may not write into is unhealthy, also where it must still be made', async () => {
  const settings = settingsOf(
    'domains: { example.test: { mailboxes: { alice: { delivery: { maildir: /home/alice/Maildir } } } } }\n',
  );
  const look = (files: Parameters<typeof lookWith>[1]['host']) =>
    lookWith(mailboxesWritable, { settings, ...(files === undefined ? {} : { host: files }) });
  assert.equal(
    (await look({ uid: 990, texts: passwd, files: { '/home/alice': { uid: 990, mode: 0o700 } } })).kind,
    'healthy',
  );
  const verdict = await look({ uid: 990, texts: passwd, files: { '/home/alice/Maildir': { uid: 1000, mode: 0o700 } } });
  assert.ok(verdict.kind === 'unhealthy' && verdict.cure === 'chown -R 990:980 /home/alice/Maildir');
  assert.equal((await look({ uid: 990, texts: passwd, errors: { '/home/alice/Maildir': 'EACCES' } })).kind, 'unknown');
  assert.equal((await lookWith(mailboxesWritable, {})).kind, 'not-applicable');
});
