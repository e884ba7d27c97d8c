import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookWith, runningService, settingsOf } from '../../../../test/support/doctor-parts.ts';
import { reallyBound } from './interposer.ts';
import { hostTables, memoryThere, processesAllowed } from './memory.ts';
import { mtuSound, networkThere, sourceAddresses } from './routes.ts';

const info = (kb: number): string => `MemTotal: 4000000 kB\nMemAvailable: ${kb} kB\nSwapFree: 0 kB\n`;

test('a host or a control group with too little memory is unhealthy', async () => {
  const look = (texts: Record<string, string>) => lookWith(memoryThere, { host: { texts } });
  assert.equal((await look({ '/proc/meminfo': info(2_000_000) })).kind, 'healthy');
  assert.equal((await look({ '/proc/meminfo': info(50_000) })).kind, 'unhealthy');
  const group = (max: string, current: string, events = '') => ({
    '/proc/meminfo': info(2_000_000),
    '/proc/self/cgroup': '0::/system.slice/ims.service\n',
    '/sys/fs/cgroup/system.slice/ims.service/memory.max': `${max}\n`,
    '/sys/fs/cgroup/system.slice/ims.service/memory.current': `${current}\n`,
    '/sys/fs/cgroup/system.slice/ims.service/memory.stat': 'anon 1\ninactive_file 10000000\n',
    '/sys/fs/cgroup/system.slice/ims.service/memory.events': events,
  });
  assert.equal((await look(group('max', '5000000000'))).kind, 'healthy');
  const small = await look(group('67108864', '1000'));
  assert.ok(small.kind === 'unhealthy' && /ims\.service allows 64MB/.test(small.cause));
  const full = await look(group('300000000', '305000000', 'oom 2\noom_kill 2\n'));
  assert.ok(full.kind === 'unhealthy' && /killed 2 processes/.test(full.cause));
  assert.equal((await look(group('300000000', '200000000'))).kind, 'healthy');
  assert.equal((await look({})).kind, 'unknown');
});

test('limits of processes and threads that are too tight are unhealthy; they do not bind root', async () => {
  const limits = (soft: string) => ({
    '/proc/self/limits': `Limit\nMax processes             ${soft}      ${soft}   processes\n`,
  });
  const look = (soft: string, uid: number) => lookWith(processesAllowed, { host: { texts: limits(soft), uid } });
  assert.equal((await look('unlimited', 990)).kind, 'healthy');
  const few = await look('10', 990);
  assert.ok(few.kind === 'unhealthy' && /RLIMIT_NPROC/.test(few.cause));
  assert.equal((await look('10', 0)).kind, 'healthy');
  const texts = {
    '/proc/self/cgroup': '0::/\n',
    '/sys/fs/cgroup/pids.max': '50\n',
    '/sys/fs/cgroup/pids.current': '45\n',
  };
  assert.equal((await lookWith(processesAllowed, { host: { texts } })).kind, 'unhealthy');
});

test('a host whose tables of files or threads are full is unhealthy', async () => {
  const look = (used: number, threads: number) =>
    lookWith(hostTables, {
      host: {
        texts: {
          '/proc/sys/fs/file-nr': `${used}\t0\t1000\n`,
          '/proc/loadavg': `0.1 0.2 0.3 1/${threads} 77\n`,
          '/proc/sys/kernel/threads-max': '2000\n',
        },
      },
    });
  assert.equal((await look(100, 100)).kind, 'healthy');
  assert.equal((await look(990, 100)).kind, 'unhealthy');
  assert.equal((await look(100, 1990)).kind, 'unhealthy');
});

const ROUTES = 'Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n';
const real = settingsOf(
  'server: { name: mail.company.com, data: /srv/ims }\n',
  '{ profile: mx, address: 0.0.0.0, port: 25 }',
);

test('a host without a way out, or whose interface is down, is unhealthy', async () => {
  const addresses = ['127.0.0.1', '192.0.2.10'];
  const look = (table: string) =>
    lookWith(networkThere, { settings: real, host: { addresses, texts: { '/proc/net/route': ROUTES + table } } });
  assert.equal((await look('eth0 00000000 010200C0 0003 0 0 0 00000000 0 0 0\n')).kind, 'healthy');
  const none = await look('eth0 000200C0 00000000 0001 0 0 0 00FFFFFF 0 0 0\n');
  assert.ok(none.kind === 'unhealthy' && /no default route/.test(none.cause));
  assert.equal((await look('eth0 0000000A 010200C0 0003 0 0 0 000000FF 0 0 0\n')).kind, 'healthy', 'routes of its own');
  const down = await lookWith(networkThere, {
    settings: real,
    host: { names: { '/sys/class/net': ['lo', 'eth0'] }, texts: { '/sys/class/net/eth0/flags': '0x1002\n' } },
  });
  assert.ok(down.kind === 'unhealthy' && /eth0 is down/.test(down.cause) && /^ip link set eth0 up/.test(down.cure));
});

test('a source address that this host has not, and a tiny MTU, are unhealthy', async () => {
  const settings = settingsOf('routing: { source4: 192.0.2.77 }\n');
  const addresses = ['127.0.0.1', '192.0.2.10'];
  const verdict = await lookWith(sourceAddresses, { settings, host: { addresses } });
  assert.ok(verdict.kind === 'unhealthy' && /192\.0\.2\.77, which is not on this host/.test(verdict.cause));
  assert.equal((await lookWith(sourceAddresses, {})).kind, 'not-applicable');
  const mtu = (value: string) =>
    lookWith(mtuSound, {
      host: {
        addresses,
        names: { '/sys/class/net': ['eth0'] },
        texts: { '/sys/class/net/eth0/flags': '0x1003', '/sys/class/net/eth0/mtu': value },
      },
    });
  assert.equal((await mtu('1500\n')).kind, 'healthy');
  assert.equal((await mtu('68\n')).kind, 'unhealthy');
});

test('a listener that the system does not know was bound elsewhere by a layer', async () => {
  const service = runningService([{ name: 'mx', address: '0.0.0.0', port: 2525 }]);
  const texts = { '/proc/net/tcp': 'sl local_address rem_address st\n' };
  const lost = await lookWith(reallyBound, { host: { texts }, service });
  assert.ok(lost.kind === 'unhealthy' && /bind\(\) of the service is taken over/.test(lost.cause));
  const there = {
    '/proc/net/tcp': `${texts['/proc/net/tcp']} 1: 00000000:09DD 00000000:0000 0A 0:0 0:0 0 0 0 700 1\n`,
  };
  assert.equal((await lookWith(reallyBound, { host: { texts: there }, service })).kind, 'healthy');
});
