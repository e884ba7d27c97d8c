import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookWith, runningService, settingsOf } from '../../../../test/support/doctor-parts.ts';
import { clockPlausible } from './clock.ts';
import { clientsMayWait, ephemeralPorts, fileDescriptors, proxyVariables, serviceUser } from './host.ts';
import { noInterposer, preloadThere } from './interposer.ts';
import { configurationLoads } from './configuration.ts';
import { domainsHaveRecipients, noOpenRelay, reach } from './policy.ts';
import { everythingRuns, instanceLock, serviceAnswers } from './service.ts';
import { loginsComplete } from './smart-hosts.ts';

test('a user that this host does not know is unhealthy', async () => {
  const settings = settingsOf('server: { name: mail.example.test, data: /srv/ims, user: ims }\n');
  const verdict = await lookWith(serviceUser, { settings, host: { texts: { '/etc/passwd': 'root:x:0:0::/:/x\n' } } });
  assert.ok(verdict.kind === 'unhealthy' && verdict.cause === 'This host has no user ims.');
  const texts = { '/etc/passwd': 'ims:x:990:980::/:/x\n' };
  assert.equal((await lookWith(serviceUser, { settings, host: { texts } })).kind, 'healthy');
  assert.equal((await lookWith(serviceUser, {})).kind, 'not-applicable');
  const grouped = settingsOf('server: { name: mail.example.test, data: /srv/ims, user: ims, group: post }\n');
  const lacking = await lookWith(serviceUser, { settings: grouped, host: { texts } });
  assert.ok(lacking.kind === 'unhealthy' && /no group post .*the user ims is there/.test(lacking.cause));
});

test('a narrow range of ports outwards is unhealthy', async () => {
  const range = (text: string) =>
    lookWith(ephemeralPorts, { host: { texts: { '/proc/sys/net/ipv4/ip_local_port_range': text } } });
  assert.equal((await range('32768\t60999\n')).kind, 'healthy');
  assert.equal((await range('40000\t40100\n')).kind, 'unhealthy');
});

test('a listener at which hardly anybody may wait is unhealthy', async () => {
  const most = (text: string) =>
    lookWith(clientsMayWait, { host: { texts: { '/proc/sys/net/core/somaxconn': `${text}\n` } } });
  assert.equal((await most('4096')).kind, 'healthy');
  const one = await most('1');
  assert.ok(one.kind === 'unhealthy' && /^Only 1 connection may wait/.test(one.cause));
});

test('a worker with too few file descriptors is unhealthy', async () => {
  const limits = (hard: string) => ({
    texts: {
      '/proc/100/limits': `Limit  Soft  Hard  Units\nMax open files            64                   ${hard}                 files\n`,
    },
  });
  const service = runningService([]);
  const few = await lookWith(fileDescriptors, { host: limits('64'), service });
  assert.ok(
    few.kind === 'unhealthy' &&
      /may open 64 files \(RLIMIT_NOFILE\), fewer than the 5456/.test(few.cause) &&
      /LimitNOFILE=8192/.test(few.cure),
  );
  assert.equal((await lookWith(fileDescriptors, { host: limits('unlimited'), service })).kind, 'healthy');
  assert.equal((await lookWith(fileDescriptors, { host: {}, service })).kind, 'unknown');
});

test('a layer over the sockets is named: ld.so.preload, LD_PRELOAD, the map of a worker', async () => {
  const library = '/usr/lib/libproxychains.so.4';
  const preload = { texts: { '/etc/ld.so.preload': `${library}\n` } };
  const there = await lookWith(noInterposer, { host: { ...preload, files: { [library]: { kind: 'file' } } } });
  assert.ok(there.kind === 'unhealthy' && there.cause.includes(library));
  const missing = await lookWith(preloadThere, { host: { texts: { '/etc/ld.so.preload': '/opt/gone.so' } } });
  assert.ok(missing.kind === 'unhealthy' && /does not exist/.test(missing.cause));
  const ofService = await lookWith(preloadThere, { host: { environment: { LD_PRELOAD: '/opt/gone.so' } } });
  assert.ok(ofService.kind === 'unhealthy' && /^LD_PRELOAD .* names \/opt\/gone\.so/.test(ofService.cause));
  const text = await lookWith(preloadThere, {
    host: {
      texts: { '/etc/ld.so.preload': '/opt/text.so', '/opt/text.so': 'hello' },
      files: { '/opt/text.so': { kind: 'file' } },
    },
  });
  assert.ok(text.kind === 'unhealthy' && /text\.so, which is no library/.test(text.cause));
  const elf = (bits: number, machine: number): string =>
    `\x7fELF${String.fromCharCode(bits)}${'\0'.repeat(13)}${String.fromCharCode(machine)}\0`;
  for (const [said, value, kind] of [
    [elf(1, 3), 'a library for another kind of processor', 'unhealthy'],
    [elf(2, 183), 'a library for another kind of processor', 'unhealthy'],
    [elf(2, 62), '', 'healthy'],
  ] as const) {
    const host = {
      texts: { '/etc/ld.so.preload': '/usr/lib/libwsp.so', '/usr/lib/libwsp.so': said, '/bin/sh': elf(2, 62) },
      files: { '/usr/lib/libwsp.so': { kind: 'file' as const } },
    };
    const verdict = await lookWith(preloadThere, { host });
    assert.equal(verdict.kind, kind);
    assert.ok(verdict.kind !== 'unhealthy' || verdict.cause.includes(`libwsp.so, which is ${value}`));
    // What the loader ignores takes over nothing.
    if (kind === 'unhealthy') assert.notEqual((await lookWith(noInterposer, { host })).kind, 'unhealthy');
  }
  assert.equal(
    (
      await lookWith(noInterposer, {
        host: { environment: { LD_PRELOAD: 'libtsocks.so' }, files: { '/usr/lib/libtsocks.so': { kind: 'file' } } },
      })
    ).kind,
    'unhealthy',
  );
  const own = '/opt/vendor/libwrap.so';
  const unknownKind = await lookWith(noInterposer, {
    host: {
      environment: { LD_PRELOAD: own },
      files: { [own]: { kind: 'file' } },
      texts: { [own]: '\x7fELF\0dlsym\0connect\0malloc\0' },
    },
  });
  assert.ok(unknownKind.kind === 'unhealthy' && /libwrap\.so .* takes over connect\(\)/.test(unknownKind.cause));
  const maps = { texts: { '/proc/100/maps': `7f00-7f01 r-xp 0 0 0 ${library}\n` } };
  assert.equal((await lookWith(noInterposer, { host: maps, service: runningService([]) })).kind, 'unhealthy');
  assert.equal(
    (await lookWith(noInterposer, { host: { environment: { LD_PRELOAD: '/usr/lib/libjemalloc.so' } } })).kind,
    'healthy',
  );
});

test('proxy variables are shown without their login', async () => {
  const verdict = await lookWith(proxyVariables, {
    host: { environment: { https_proxy: 'http://me:secret@proxy:3128' } },
  });
  assert.deepEqual(
    verdict.evidence.map(({ seen }) => seen),
    ['http://***@proxy:3128'],
  );
  const others = await lookWith(proxyVariables, {
    host: { texts: { '/proc/100/environ': 'PATH=/bin\0ALL_PROXY=socks5://me:secret@proxy:1080\0' } },
    service: runningService([]),
  });
  assert.deepEqual(
    others.evidence.map(({ what, seen }) => [what, seen]),
    [['ALL_PROXY of the service', 'socks5://***@proxy:1080']],
  );
});

test('a clock of another age, or behind the files, is unhealthy', async () => {
  const nowMs = Date.UTC(2026, 5, 1);
  assert.equal((await lookWith(clockPlausible, { nowMs })).kind, 'healthy');
  assert.equal((await lookWith(clockPlausible, { nowMs: Date.UTC(2041, 1, 1) })).kind, 'unhealthy');
  assert.equal((await lookWith(clockPlausible, { nowMs: 0 })).kind, 'unhealthy');
  const files = { '/srv/ims': { modifiedMs: nowMs + 86_400_000 } };
  const behind = await lookWith(clockPlausible, { nowMs, host: { files } });
  assert.ok(behind.kind === 'unhealthy' && /clock is behind: \/srv\/ims/.test(behind.cause));
});

test('a configuration that does not load is unhealthy with its line; one that may not be read is unknown', async () => {
  const problem = {
    severity: 'error',
    file: 'ims.yaml',
    line: 3,
    column: 5,
    key: 'listeners.mx.prot',
    message: 'is not a known key here',
  } as const;
  const look = (message: string, uid: number) =>
    lookWith(configurationLoads, {
      host: { uid },
      more: { configuration: { path: '/etc/ims/ims.yaml', ok: false, problems: [{ ...problem, message }] } },
    });
  const verdict = await look(problem.message, 0);
  assert.ok(verdict.kind === 'unhealthy' && /ims\.yaml:3:5: error: listeners\.mx\.prot/.test(verdict.cause));
  assert.equal((await look('may not be read by this user', 7)).kind, 'unknown');
  const files = (...keys: readonly string[]) =>
    lookWith(configurationLoads, {
      more: {
        configuration: {
          path: '/etc/ims/ims.yaml',
          ok: false,
          problems: keys.map((key) => ({
            ...problem,
            key,
            message: 'holds no certificate in PEM form',
            value: '/f.pem',
          })),
        },
      },
    });
  const empty = await files('tls.certificate');
  assert.ok(empty.kind === 'unhealthy' && /^Put a file in PEM form there/.test(empty.cure), 'the line is well');
  const both = await files('tls.certificate', 'tls.key');
  assert.ok(both.kind === 'unhealthy' && /are exchanged/.test(both.cure));
  assert.equal((await lookWith(configurationLoads, {})).kind, 'healthy');
});

test('a service that does not run, or is silent, is unhealthy; one that may not be asked is unknown', async () => {
  const path = '/srv/ims/run/control';
  const down = await lookWith(serviceAnswers, {});
  assert.ok(down.kind === 'unhealthy' && down.cause === 'The service does not run.' && /^ims run/.test(down.cure));
  assert.equal(
    (await lookWith(serviceAnswers, { service: { kind: 'silent', path, why: 'it hangs' } })).kind,
    'unhealthy',
  );
  assert.equal((await lookWith(serviceAnswers, { service: { kind: 'not-permitted', path } })).kind, 'unknown');
  assert.equal((await lookWith(serviceAnswers, { service: runningService([]) })).kind, 'healthy');
});

test('what the running service misses is named', async () => {
  const service = runningService([{ name: 'mx', address: '127.0.0.1', port: 25, why: 'EACCES' }]);
  const verdict = await lookWith(everythingRuns, { service });
  assert.ok(verdict.kind === 'unhealthy' && /listener mx at 127\.0\.0\.1:25 waits \(EACCES\)/.test(verdict.cause));
  assert.equal((await lookWith(everythingRuns, { service: runningService([]) })).kind, 'healthy');
  const part = {
    part: 'queue of worker 0',
    state: 'failed',
    sinceMs: 0,
    cause: 'boot has format 99',
    event: 4752,
  } as const;
  if (service.kind !== 'running') return;
  const behind = { ...service, status: { ...service.status, parts: [part] } };
  const root = await lookWith(everythingRuns, { service: behind });
  assert.ok(root.kind === 'unhealthy' && root.event === 4752, 'what the rest waits for comes first');
  assert.match(root.cause, /should: queue of worker 0: boot has format 99; listener mx/);
});

test('a lock whose holder does not answer is unhealthy, with its process', async () => {
  const lock = '/srv/ims/run/lock';
  const host = {
    files: { [lock]: { kind: 'socket' as const } },
    texts: {
      '/proc/net/unix': `Num RefCount\n0000: 00000002 00000000 00010000 0001 01 635 ${lock}\n`,
      '/proc/77/comm': 'node',
      '/proc/77/cmdline': 'node\0/opt/ims/main.js\0',
    },
    names: { '/proc': ['77'], '/proc/77/fd': ['4'] },
    links: { '/proc/77/fd/4': 'socket:[635]' },
  };
  const dial = (answers: boolean) =>
    ({ network: { dial: () => (answers ? Promise.resolve({ destroy() {} }) : Promise.reject(new Error())) } }) as never;
  const held = await lookWith(instanceLock, { host, more: dial(true) });
  assert.ok(held.kind === 'unhealthy' && /node main\.js \(pid 77\)/.test(held.cause));
  assert.equal((await lookWith(instanceLock, { host, more: dial(false) })).kind, 'healthy');
  assert.equal((await lookWith(instanceLock, { more: dial(false) })).kind, 'healthy');
});

test('networks of the public Internet make an open relay, private ones and small public ones do not', async () => {
  const look = (network: string) =>
    lookWith(noOpenRelay, { settings: settingsOf(`policy: { localNetworks: ['${network}'] }\n`) });
  for (const network of ['0.0.0.0/0', '0.0.0.0/1', '::/0', '128.0.0.0/2', '2000::/3'])
    assert.equal((await look(network)).kind, 'unhealthy', network);
  for (const network of ['10.0.0.0/8', '192.168.1.0/24', '198.51.100.0/24', 'fd00::/8', '2001:db8::/48'])
    assert.equal((await look(network)).kind, 'healthy', network);
  assert.equal(reach('198.51.100.0/24'), 'public');
});

test('a domain without any recipient is unhealthy', async () => {
  const look = (domain: string) =>
    lookWith(domainsHaveRecipients, { settings: settingsOf(`domains: { example.test: ${domain} }\n`) });
  assert.equal((await look('{}')).kind, 'unhealthy');
  assert.equal((await look('{ aliases: { postmaster: a@example.com } }')).kind, 'healthy');
});

test('a login without a password is unhealthy', async () => {
  const look = (login: string) =>
    lookWith(loginsComplete, {
      settings: settingsOf(
        `routing: { smartHosts: { out: { tls: required, hosts: [{ host: 192.0.2.7 }], login: ${login} } } }\n`,
      ),
    });
  assert.equal((await look('{ user: a, password: b }')).kind, 'healthy');
  assert.equal((await look('{ user: a, passwordFile: /etc/ims/p }')).kind, 'unhealthy');
});
