import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookWith, runningService, settingsOf } from '../../../../test/support/doctor-parts.ts';
import type { PretendedFacts } from '../../../../test/support/pretended-host.ts';
import type { Parts } from '../check.ts';
import { listenersAnswer } from './listeners-answer.ts';
import { addressesPresent, ipv6Available, loopbackUp, mayBindLowPorts, portsOurs } from './listeners.ts';

const HEAD = 'sl local_address rem_address st\n';
const held = (uid = 0): string => `${HEAD} 0: 0100007F:09DD 00000000:0000 0A 0:0 0:0 0 ${uid} 0 635 1\n`;

/** A host where process 77 holds port 2525. */
const taken: PretendedFacts = {
  texts: {
    '/proc/net/tcp': held(),
    '/proc/77/comm': 'exim4\n',
    '/proc/77/cmdline': '/usr/sbin/exim4\0-bd\0',
    '/proc/77/cgroup': '0::/system.slice/exim4.service\n',
    '/proc/77/status': 'PPid:\t76\n',
  },
  names: { '/proc': ['77', 'net'], '/proc/77/fd': ['3', '4'] },
  links: { '/proc/77/fd/3': '/dev/null', '/proc/77/fd/4': 'socket:[635]' },
};

test('a port that another program holds is unhealthy, with its program, pid and unit', async () => {
  for (const service of [
    undefined,
    runningService([{ name: 'mx', address: '127.0.0.1', port: 2525, why: 'EADDRINUSE' }]),
  ]) {
    const verdict = await lookWith(portsOurs, { host: taken, ...(service === undefined ? {} : { service }) });
    assert.ok(verdict.kind === 'unhealthy');
    assert.equal(verdict.cause, 'Port 127.0.0.1:2525 of listener mx is held by exim4 (pid 77, unit exim4.service).');
    assert.match(verdict.cure, /^systemctl disable --now exim4\.service; /);
    assert.equal(verdict.event, 4007);
  }
});

test('a port that is free, or held by a process of ours or its supervisor, is healthy', async () => {
  assert.equal((await lookWith(portsOurs, { host: { texts: { '/proc/net/tcp': HEAD } } })).kind, 'healthy');
  const waiting = [{ name: 'mx', address: '127.0.0.1', port: 2525, why: 'x' }];
  assert.equal((await lookWith(portsOurs, { host: taken, service: runningService(waiting, [77]) })).kind, 'healthy');
  const texts = { ...taken.texts, '/proc/78/status': 'PPid:\t77\n' };
  assert.equal(
    (await lookWith(portsOurs, { host: { ...taken, texts }, service: runningService(waiting, [78]) })).kind,
    'healthy',
  );
});

test('a port that a connection has just been given is told with that connection and how to keep it free', async () => {
  const connected = `${HEAD} 0: 0100007F:09DD 0100007F:9C3F 01 0:0 0:0 0 0 0 635 1\n`;
  const host = {
    ...taken,
    texts: { ...taken.texts, '/proc/net/tcp': connected, '/proc/sys/net/ipv4/ip_local_port_range': '2000\t60999\n' },
  };
  const waiting = [{ name: 'mx', address: '127.0.0.1', port: 2525, why: 'EADDRINUSE' }];
  const verdict = await lookWith(portsOurs, { host, service: runningService(waiting, [70]) });
  assert.ok(verdict.kind === 'unhealthy');
  assert.match(
    verdict.cause,
    /is used by a connection of exim4 \(pid 77, .*\) to 127\.0\.0\.1 port 39999: .* from 2000 to 60999/,
  );
  assert.match(verdict.cure, /ip_local_reserved_ports=2525/);
  const other = [{ name: 'mx', address: '127.0.0.1', port: 2525, why: 'EADDRNOTAVAIL' }];
  assert.equal((await lookWith(portsOurs, { host, service: runningService(other, [70]) })).kind, 'healthy');
});

test('what cannot be seen is said: a holder of another user, and a host without /proc', async () => {
  const host = { texts: { '/proc/net/tcp': held(990) }, names: { '/proc': ['77'] }, uid: 1000 };
  const verdict = await lookWith(portsOurs, { host });
  assert.ok(verdict.kind === 'unhealthy');
  assert.match(verdict.evidence[0]?.seen ?? '', /uid 990 that cannot be seen/);
  assert.match(verdict.cure, /ss -ltnp/);
  assert.equal((await lookWith(portsOurs, { host, service: { kind: 'not-permitted', path: '' } })).kind, 'unknown');
  assert.equal((await lookWith(portsOurs, { host: {} })).kind, 'unknown');
});

test('an address that this host has not is named with those that it has', async () => {
  const settings = settingsOf('', '{ profile: mx, address: [192.0.2.7, 127.0.0.9], port: 25 }');
  const verdict = await lookWith(addressesPresent, { settings, host: { addresses: ['127.0.0.1', '192.0.2.10'] } });
  assert.ok(verdict.kind === 'unhealthy');
  assert.match(verdict.cause, /192\.0\.2\.7, which is no address of this host; it has .*192\.0\.2\.10 \(eth0\)/);
  assert.equal(
    (await lookWith(addressesPresent, { settings, host: { addresses: ['127.0.0.1', '192.0.2.7'] } })).kind,
    'healthy',
  );
});

test('a loopback interface that is down is unhealthy', async () => {
  assert.equal((await lookWith(loopbackUp, {})).kind, 'healthy');
  const verdict = await lookWith(loopbackUp, { host: { addresses: ['192.0.2.10'] } });
  assert.ok(verdict.kind === 'unhealthy' && verdict.cure === 'ip link set lo up');
  const settings = settingsOf(
    'routing: { smartHosts: { store: { protocol: lmtp, hosts: [{ host: 127.0.0.1, port: 2424 }] } } }\n',
  );
  const store = await lookWith(loopbackUp, { settings, host: { addresses: ['192.0.2.10'] } });
  assert.ok(store.kind === 'unhealthy' && /lo is down: .* store \(127\.0\.0\.1:2424\)/.test(store.cause));
});

test('a loopback interface that is up and has lost its address gets it back', async () => {
  const link = (flags: readonly string[]) => JSON.stringify([{ ifname: 'lo', flags, mtu: 65536 }]);
  const look = (flags: readonly string[]) =>
    lookWith(loopbackUp, { host: { addresses: ['192.0.2.10'], outputs: { 'ip -j link': link(flags) } } });
  const up = await look(['LOOPBACK', 'UP']);
  assert.ok(up.kind === 'unhealthy' && up.cure === 'ip address add 127.0.0.1/8 dev lo');
  const down = await look(['LOOPBACK']);
  assert.ok(down.kind === 'unhealthy' && down.cure === 'ip link set lo up');
});

test('IPv6 must be there where a listener asks for it', async () => {
  const settings = settingsOf('', "{ profile: mx, address: ['0.0.0.0', '::'], port: 25 }");
  const off = { texts: { '/proc/sys/net/ipv6/conf/all/disable_ipv6': '1\n', '/proc/net/if_inet6': '' } };
  assert.equal((await lookWith(ipv6Available, { host: off })).kind, 'not-applicable');
  assert.equal((await lookWith(ipv6Available, { settings, host: {} })).kind, 'unhealthy');
  const on = { texts: { '/proc/net/if_inet6': '00000000000000000000000000000001 01 80 10 80 lo\n' } };
  assert.equal((await lookWith(ipv6Available, { settings, host: on })).kind, 'healthy');
});

test('IPv6 that only the service does not get is named with what takes it', async () => {
  const settings = settingsOf('', "{ profile: mx, address: '::', port: 25 }");
  const texts = {
    '/proc/net/if_inet6': '00000000000000000000000000000001 01 80 10 80 lo\n',
    '/proc/100/status': 'Seccomp:\t2\n',
  };
  const service = runningService([{ name: 'mx', address: '::', port: 25, why: 'EAFNOSUPPORT' }]);
  const verdict = await lookWith(ipv6Available, { settings, host: { texts }, service });
  assert.ok(verdict.kind === 'unhealthy' && /EAFNOSUPPORT.*a filter of system calls/.test(verdict.cause));
});

test('Q191687: another program on an address of its own takes connections away from a listener on every address', async () => {
  const settings = settingsOf('', "{ profile: mx, address: '0.0.0.0', port: 2525 }");
  const ours = ' 1: 00000000:09DD 00000000:0000 0A 0:0 0:0 0 0 0 700 1\n';
  const texts = { ...taken.texts, '/proc/net/tcp': `${held()}${ours}` };
  const service = runningService([{ name: 'mx', address: '0.0.0.0', port: 2525 }]);
  const verdict = await lookWith(portsOurs, { settings, host: { ...taken, texts }, service });
  assert.ok(verdict.kind === 'unhealthy');
  assert.match(
    verdict.cause,
    /^Port 127\.0\.0\.1:2525 of listener mx is held by exim4 \(pid 77.*on an address of its own/,
  );
  const before = await lookWith(portsOurs, { settings, host: taken });
  assert.ok(before.kind === 'unhealthy');
  assert.match(before.cause, /^Port 0\.0\.0\.0:2525 .* held by exim4 .*, on 127\.0\.0\.1:2525 only, which keeps/);
});

test('ports below 1024 need a right, a low start of free ports, or a service that was given them', async () => {
  const settings = settingsOf('', '{ profile: mx, address: 127.0.0.1, port: 25 }');
  const status = (bits: string): PretendedFacts => ({
    texts: { '/proc/self/status': `CapEff:\t${bits}\n` },
    uid: 1000,
  });
  assert.equal((await lookWith(mayBindLowPorts, {})).kind, 'not-applicable');
  assert.equal((await lookWith(mayBindLowPorts, { settings, host: status('0000000000000400') })).kind, 'healthy');
  assert.equal((await lookWith(mayBindLowPorts, { settings, host: status('0000000000000000') })).kind, 'unknown');
  const start = { texts: { '/proc/sys/net/ipv4/ip_unprivileged_port_start': '0\n' } };
  assert.equal((await lookWith(mayBindLowPorts, { settings, host: start })).kind, 'not-applicable');
  const refused = runningService([{ name: 'mx', address: '127.0.0.1', port: 25, why: 'EACCES' }]);
  assert.equal((await lookWith(mayBindLowPorts, { settings, host: status('0'), service: refused })).kind, 'unhealthy');
});

test('sockets that systemd holds for the service, before it is started, are ours', async () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:09DD 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0 100 0 0 10 0
`;
  const host = {
    texts: { '/proc/net/tcp': table, '/proc/1/comm': 'systemd\n' },
    names: { '/proc': ['1'], '/proc/1/fd': ['3'] },
    links: { '/proc/1/fd/3': 'socket:[77]' },
  };
  assert.equal((await lookWith(portsOurs, { host })).kind, 'unhealthy');
  const unit = { files: { '/etc/systemd/system/ims.socket': { kind: 'file' as const } } };
  assert.equal((await lookWith(portsOurs, { host: { ...host, ...unit } })).kind, 'healthy');
});

test('a listener is looked for only at addresses that this host has', async () => {
  const asked: string[] = [];
  const network: Parts['network'] = {
    datagram: () => Promise.reject(new Error('not asked')),
    dial: ({ address }) => {
      asked.push(address);
      return Promise.reject(Object.assign(new Error('nobody'), { code: 'ECONNREFUSED' }));
    },
  };
  const settings = settingsOf('', "{ profile: mx, address: '::', port: 25 }");
  const service = runningService([{ name: 'mx', address: '::', port: 25 }]);
  const look = (addresses: readonly string[]) =>
    lookWith(listenersAnswer, {
      settings,
      service,
      host: { addresses },
      more: { network, random: { bytes: (length) => Buffer.alloc(length) } as Parts['random'] },
    });
  assert.equal((await look(['127.0.0.1', '192.0.2.10'])).kind, 'not-applicable');
  assert.deepEqual(asked, []);
  await look(['127.0.0.1', '2001:db8::1', '::1']);
  assert.deepEqual(asked, ['::1', '2001:db8::1']);
});
