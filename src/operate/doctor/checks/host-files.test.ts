import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookWith, settingsOf } from '../../../../test/support/doctor-parts.ts';
import { zoneResolver } from '../../../world/sim/resolver.ts';
import { devices, hostsFile, serviceTables, timeZone } from './host-files.ts';
import { serverNameQualified } from './server-name.ts';

const whole = {
  '/etc/services': 'ssh 22/tcp\nsmtp\t\t25/tcp\t\tmail # comment\n',
  '/etc/protocols': 'ip\t0\tIP\ntcp\t6\tTCP\n',
};

test('tables of services and protocols that are missing, cut off or closed are unhealthy', async () => {
  assert.equal((await lookWith(serviceTables, { host: { texts: whole } })).kind, 'healthy');
  const bare = await lookWith(serviceTables, { host: {} });
  assert.equal(bare.kind, 'healthy', 'a container without the package that brings them');
  const gone = await lookWith(serviceTables, { host: { files: { '/var/lib/dpkg/info/netbase.list': {} } } });
  assert.ok(gone.kind === 'unhealthy' && /\/etc\/services does not exist; \/etc\/protocols does not/.test(gone.cause));
  const cut = await lookWith(serviceTables, { host: { texts: { ...whole, '/etc/services': 'ssh 22/tcp\n' } } });
  assert.ok(cut.kind === 'unhealthy' && /no line for smtp 25\/tcp/.test(cut.cause));
  const files = { '/etc/protocols': { kind: 'file', mode: 0o600 } } as const;
  const closed = await lookWith(serviceTables, { host: { texts: whole, files } });
  assert.ok(closed.kind === 'unhealthy' && /^chmod 644/.test(closed.cure));
});

test('localhost that is not this host, or not named at all, is unhealthy', async () => {
  const look = (text: string) => lookWith(hostsFile, { host: { texts: { '/etc/hosts': text } } });
  assert.equal((await look('127.0.0.1 localhost\n::1 localhost ip6-localhost\n')).kind, 'healthy');
  const stray = await look('192.0.2.1 localhost\n');
  assert.ok(stray.kind === 'unhealthy' && /localhost is 192\.0\.2\.1/.test(stray.cause));
  assert.equal((await look('# 127.0.0.1 localhost\n')).kind, 'unhealthy');
  assert.equal((await lookWith(hostsFile, { host: {} })).kind, 'unhealthy');
});

test('a /dev/null that is a file, or closed to others, is unhealthy', async () => {
  const random = {
    '/dev/urandom': { kind: 'device', mode: 0o666 },
    '/dev/random': { kind: 'device', mode: 0o666 },
  } as const;
  const look = (file: { readonly kind: 'device' | 'file'; readonly mode: number }) =>
    lookWith(devices, { host: { files: { ...random, '/dev/null': file } } });
  assert.equal((await look({ kind: 'device', mode: 0o666 })).kind, 'healthy');
  const file = await look({ kind: 'file', mode: 0o644 });
  assert.ok(file.kind === 'unhealthy' && file.cure === 'rm /dev/null && mknod -m 666 /dev/null c 1 3');
  assert.equal((await look({ kind: 'device', mode: 0o600 })).kind, 'unhealthy');
  assert.equal((await lookWith(devices, { host: { files: random } })).kind, 'unhealthy');
});

test('a time zone that is not there is unhealthy; a host without zones has none', async () => {
  const names = { '/usr/share/zoneinfo': ['Europe'] };
  const files = { '/usr/share/zoneinfo/Europe/Berlin': { kind: 'file' } } as const;
  const zone = (TZ: string) => lookWith(timeZone, { host: { names, files, environment: { TZ } } });
  assert.equal((await zone('Europe/Berlin')).kind, 'healthy');
  assert.equal((await zone('UTC')).kind, 'healthy');
  assert.equal((await zone('Europe/Atlantis')).kind, 'unhealthy');
  const links = { '/etc/localtime': '/usr/share/zoneinfo/Gone' };
  assert.equal((await lookWith(timeZone, { host: { names, links } })).kind, 'unhealthy');
  assert.equal((await lookWith(timeZone, { host: { links } })).kind, 'not-applicable');
});

test('a server.name that is not qualified is unhealthy, with the name that leads to this host', async () => {
  const listener = '{ profile: mx, address: 0.0.0.0, port: 25 }';
  const named = (name: string) => settingsOf(`server: { name: ${name}, data: /srv/ims }\n`, listener);
  assert.equal((await lookWith(serverNameQualified, { settings: named('mail.example.com') })).kind, 'healthy');
  const zone = '10.2.0.192.in-addr.arpa PTR mta.company.com\nmta.company.com A 192.0.2.10\n';
  const verdict = await lookWith(serverNameQualified, {
    settings: named('localhost'),
    host: { addresses: ['127.0.0.1', '192.0.2.10'] },
    more: { resolver: zoneResolver(zone) },
  });
  assert.ok(verdict.kind === 'unhealthy' && /'localhost', which is not fully qualified/.test(verdict.cause));
  assert.match(verdict.cure, /server\.name: mta\.company\.com/);
  assert.equal((await lookWith(serverNameQualified, { settings: named('mail') })).kind, 'unhealthy');
  assert.equal(
    (await lookWith(serverNameQualified, { settings: settingsOf('server: { name: localhost, data: /srv/ims }\n') }))
      .kind,
    'not-applicable',
  );
});
