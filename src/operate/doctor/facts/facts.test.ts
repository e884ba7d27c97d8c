import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settingsOf } from '../../../../test/support/doctor-parts.ts';
import { isNetworkFileSystem, mountOf } from './mounts.ts';
import { programOf, statusNumbers, unitOf } from './processes.ts';
import { parseListening, standsInTheWay } from './sockets.ts';
import { isReservedName, isStore, needsNames, places } from './usage.ts';
import { findIdentity, may } from './users.ts';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';

test('sockets that listen are read from the tables of the kernel, IPv4 and IPv6', () => {
  const four =
    '   0: 0100007F:09DD 00000000:0000 0A 00000000:00000000 00:00000000 00000000   990        0 635 1 0 100 0 0 10 0\n';
  const connected =
    '   1: 0100007F:8DC3 0100007F:B91A 06 00000000:00000000 03:00000426 00000000     0        0 0 3 0\n';
  assert.deepEqual(parseListening(HEAD + four + connected), [
    { address: '127.0.0.1', port: 2525, inode: '635', uid: 990 },
  ]);
  const six = (address: string): string =>
    `   0: ${address}:0019 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 7 1 0\n`;
  assert.equal(parseListening(HEAD + six('00000000000000000000000000000000'))[0]?.address, '::');
  assert.equal(parseListening(HEAD + six('00000000000000000000000001000000'))[0]?.address, '::1');
  assert.equal(parseListening(HEAD + six('B80D0120000000000000000010000000'))[0]?.address, '2001:db8:0:0:0:0:0:10');
  assert.deepEqual(parseListening(''), []);
});

test('a socket stands in the way at the same port of the same or every address', () => {
  const at = (address: string) => ({ address, port: 25, inode: '1', uid: 0 });
  assert.ok(standsInTheWay(at('0.0.0.0'), '127.0.0.1', 25));
  assert.ok(standsInTheWay(at('127.0.0.1'), '0.0.0.0', 25));
  assert.ok(standsInTheWay(at('::'), '0.0.0.0', 25));
  assert.ok(!standsInTheWay(at('127.0.0.2'), '127.0.0.1', 25));
  assert.ok(!standsInTheWay(at('0.0.0.0'), '::', 25));
  assert.ok(!standsInTheWay(at('0.0.0.0'), '0.0.0.0', 26));
});

test('a process is named by its program, its script and its unit', () => {
  assert.equal(programOf('/usr/sbin/exim4\0-bd\0', 'exim4\n'), 'exim4');
  assert.equal(programOf('/usr/bin/python3\0-u\0/srv/sink.py\0', 'python3\n'), 'python3 sink.py');
  assert.equal(programOf('', 'kthread\n'), 'kthread');
  assert.equal(unitOf('0::/system.slice/exim4.service\n'), 'exim4.service');
  assert.equal(unitOf('1:name=systemd:/system.slice/system-postfix.slice/postfix@-.service/x\n'), 'postfix@-.service');
  assert.equal(unitOf('0::/\n'), undefined);
  assert.deepEqual(statusNumbers('Name:\tnode\nUid:\t0\t990\t0\t990\n', 'Uid'), [0, 990, 0, 990]);
});

test('the mount that holds a path is the longest, the last of equal ones, and escapes are read', () => {
  const text =
    '22 27 0:21 / / rw,relatime - ext4 /dev/vda rw\n23 27 0:22 / /srv/my\\040mail rw - nfs4 host:/x rw\n24 22 0:9 / /srv/ro rw - ext4 /dev/vdb ro\n';
  assert.equal(mountOf(text, '/srv/mail')?.at, '/');
  const nfs = mountOf(text, '/srv/my mail/queue');
  assert.equal(nfs?.at, '/srv/my mail');
  assert.ok(nfs !== undefined && isNetworkFileSystem(nfs) && !nfs.readOnly);
  assert.equal(mountOf(text, '/srv/ro')?.readOnly, true);
});

test('users are found by name and number, with their groups, and mode bits are read as the system does', () => {
  const passwd = 'root:x:0:0::/:/bin/sh\nims:x:990:980::/:/bin/false\n';
  const groups = 'ims:x:980:\nmail:x:8:postfix,ims\n';
  const ims = findIdentity('ims', undefined, passwd, groups);
  assert.deepEqual(ims, { uid: 990, gids: [980, 8], words: 'ims (uid 990)' });
  assert.deepEqual(findIdentity('990', 'mail', passwd, groups)?.gids, [8, 8]);
  assert.equal(findIdentity('nobody', undefined, passwd, groups), undefined);
  const file = { kind: 'directory', uid: 0, gid: 8, mode: 0o770, modifiedMs: 0 } as const;
  assert.ok(
    ims !== undefined &&
      may(ims, 2, file) &&
      !may(ims, 2, { ...file, gid: 1 }) &&
      !may(ims, 2, { ...file, uid: 990, mode: 0o077 }),
  );
});

test('names are needed where mail goes by MX or to a named host, not for trying out', () => {
  const real = 'server: { name: mail.example-company.com, data: /srv/ims }\n';
  assert.equal(needsNames(settingsOf()), undefined);
  assert.match(needsNames(settingsOf(real)) ?? '', /MX/);
  const via = (host: string): string =>
    `${real}routing: { smartHosts: { out: { hosts: [{ host: ${host} }] } }, addressSpaces: [{ match: '*', via: out }] }\n`;
  assert.equal(needsNames(settingsOf(via('192.0.2.7'))), undefined);
  assert.match(needsNames(settingsOf(via('smart.example-company.com'))) ?? '', /smart/);
  assert.ok(isReservedName('mail.example.test') && isReservedName('localhost') && !isReservedName('latest.com'));
});

test('places are the TCP addresses with a fixed port', () => {
  const settings = settingsOf(
    'listeners:\n  a: { profile: lmtp, address: [/run/x, 127.0.0.1], port: 24 }\n  b: { profile: mx, address: 127.0.0.1, port: 0 }\n',
  );
  assert.deepEqual(places(settings), [{ name: 'a', address: '127.0.0.1', port: 24 }]);
});

test('a store sends nothing on; one with an alias to elsewhere does', () => {
  const lmtp = (aliases: string) =>
    settingsOf(
      `domains: { example.test: { mailboxes: { alice: {} }, aliases: { postmaster: alice, ${aliases} } } }\n`,
      '{ profile: lmtp, address: 127.0.0.1, port: 24 }',
    );
  assert.ok(isStore(lmtp('info: alice@example.test')));
  assert.ok(!isStore(lmtp('info: bob@elsewhere.test')));
  assert.ok(!isStore(settingsOf()));
});
