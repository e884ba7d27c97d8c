import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pretendedEntries } from '../../../../test/support/pretended-changes.ts';
import { runningService, settingsOf } from '../../../../test/support/doctor-parts.ts';
import { pretendedHost, type PretendedFacts } from '../../../../test/support/pretended-host.ts';
import type { HostEntry } from '../../../world/ports/host-changes.ts';
import type { Disk } from '../../../world/ports/disk.ts';
import type { ServiceAnswer } from '../../doctor/parts.ts';
import type { Finding } from '../../doctor/run.ts';
import { checkIds } from '../../doctor/index.ts';
import { repairable } from '../../doctor/repairable.ts';
import { unhealthy } from '../../doctor/verdict.ts';
import { kernelParameter, processLimit } from '../host-command.ts';
import type { RepairParts } from '../repair.ts';
import { stepInWords, type Plan } from '../step.ts';
import { repairs } from './index.ts';

interface Facts {
  readonly host?: PretendedFacts;
  readonly entries?: Readonly<Record<string, Partial<HostEntry>>>;
  readonly answering?: readonly string[];
  readonly text?: string;
  readonly check?: string;
  readonly more?: string;
  readonly service?: ServiceAnswer;
}

const ROOT = { '/proc/self/status': 'CapEff:\t000001ffffffffff\n' };
const NOBODY = { '/proc/self/status': 'CapEff:\t0000000000000000\n' };
const notRunning: ServiceAnswer = { kind: 'not-running', path: '/srv/ims/run/control', why: 'there is no such socket' };

/** Directories as the names of the entries say. */
function diskOf(entries: Readonly<Record<string, unknown>>): Disk {
  const below = (directory: string): string[] =>
    Object.keys(entries)
      .filter((path) => path.startsWith(`${directory}/`))
      .map((path) => path.slice(directory.length + 1))
      .filter((name) => !name.includes('/'));
  return {
    list: async (directory: string) => below(directory),
    entry: async (path: string) => (Object.hasOwn(entries, path) ? { kind: 'directory' } : undefined),
  } as unknown as Disk;
}

function plan(id: string, facts: Facts): Promise<Plan> {
  const repair = repairs.find((one) => one.id === id);
  assert.ok(repair !== undefined, id);
  const finding: Finding = {
    id: facts.check ?? repair.checks[0] ?? '',
    number: 1,
    title: '',
    tookMs: 0,
    verdict: unhealthy('cause', { cure: 'do it by hand' }, []),
  };
  const given: RepairParts = {
    parts: {
      settings: settingsOf(facts.more),
      host: pretendedHost(facts.host ?? { texts: ROOT }),
      disk: diskOf(facts.entries ?? {}),
      service: { ask: async () => facts.service ?? notRunning } as NonNullable<RepairParts['parts']['service']>,
    },
    finding,
    changes: pretendedEntries(facts.entries ?? {}, facts.answering),
    configuration: { path: '/etc/ims/ims.yaml', text: facts.text },
  };
  return repair.plan(given);
}

const words = (found: Plan): readonly string[] =>
  found.kind === 'steps' ? found.steps.map(stepInWords) : [found.kind];

test('ids of repairs are there once, and are area.action', () => {
  const ids = repairs.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^[a-z]+\.[a-z0-9-]+$/);
});

test('repairs are for checks that there are, and checks name repairs that there are', () => {
  const known = new Set(checkIds);
  for (const { id, checks, provenBy } of repairs)
    for (const check of [...checks, provenBy]) assert.ok(known.has(check), `${id}: ${check}`);
  for (const [check, id] of Object.entries(repairable))
    assert.ok(repairs.find((repair) => repair.id === id)?.checks.includes(check), `${check}: ${id}`);
});

test('loopback is set up by whoever may, and is asked for of everybody else', async () => {
  assert.deepEqual(words(await plan('host.loopback', {})), ['run: ip link set lo up']);
  assert.deepEqual(words(await plan('host.loopback', { host: { texts: NOBODY } })), ['person']);
});

test('a data directory of one foreign user is given to the user of the service', async () => {
  const entries = {
    '/srv/ims': { kind: 'directory', uid: 1234, mode: 0o700 },
    '/srv/ims/queue': { kind: 'directory', uid: 1234, mode: 0o700 },
    '/srv/ims/queue/boot': { uid: 1234 },
    '/srv/ims/run': { kind: 'directory', uid: 990 },
  } as const;
  const host = {
    texts: { ...ROOT, '/etc/passwd': 'ims:x:990:990::/:\n', '/etc/group': 'ims:x:990:\n' },
  };
  const more = 'server: { name: mail.example.test, data: /srv/ims, user: ims }\n';
  assert.deepEqual(words(await plan('storage.owner', { entries, host, more })), [
    'give /srv/ims and 2 entries below it to uid 990, gid 990',
  ]);
});

test('what lies in a data directory that is right is given, too, and what root made there', async () => {
  const entries = {
    '/srv/ims': { kind: 'directory', uid: 990, mode: 0o700 },
    '/srv/ims/queue': { kind: 'directory', uid: 0, mode: 0o700 },
    '/srv/ims/boot': { uid: 1234 },
  } as const;
  const host = { texts: { ...ROOT, '/etc/passwd': 'ims:x:990:990::/:\n', '/etc/group': 'ims:x:990:\n' } };
  const more = 'server: { name: mail.example.test, data: /srv/ims, user: ims }\n';
  const check = 'storage.owner';
  assert.deepEqual(words(await plan('storage.owner', { entries, host, more, check })), [
    'give /srv/ims and 2 entries below it to uid 990, gid 990',
  ]);
});

test('a data directory of several users, or with files that have further names, is left to a person', async () => {
  const host = { texts: { ...ROOT, '/etc/passwd': 'ims:x:990:990::/:\n', '/etc/group': 'ims:x:990:\n' } };
  const more = 'server: { name: mail.example.test, data: /srv/ims, user: ims }\n';
  const root = { '/srv/ims': { kind: 'directory', uid: 1234, mode: 0o700 } } as const;
  const several = await plan('storage.owner', { host, more, entries: { ...root, '/srv/ims/a': { uid: 5 } } });
  assert.equal(several.kind, 'person');
  const linked = await plan('storage.owner', {
    host,
    more,
    entries: { ...root, '/srv/ims/a': { uid: 1234, names: 2 } },
  });
  assert.equal(linked.kind, 'person');
});

test('a data directory that is not there is never made by giving it to somebody', async () => {
  assert.equal((await plan('storage.owner', {})).kind, 'person');
});

test('a private key is closed, never opened, and not behind a link', async () => {
  const more = 'tls: { certificate: /k/c.pem, key: /k/key.pem }\n';
  const open = await plan('tls.key-mode', { more, entries: { '/k/key.pem': { mode: 0o644 } } });
  assert.deepEqual(words(open), ['set the mode of /k/key.pem from 644 to 640']);
  const closed = await plan('tls.key-mode', { more, entries: { '/k/key.pem': { mode: 0o600 } } });
  assert.equal(closed.kind, 'nothing');
  const host = { texts: ROOT, links: { '/k/key.pem': '/etc/shadow' } };
  const link = await plan('tls.key-mode', { more, host, entries: { '/k/key.pem': { mode: 0o644 } } });
  assert.equal(link.kind, 'person');
});

test('the whole chain beside the certificate is taken where it begins with the same one', async () => {
  const pem = (...bodies: readonly string[]): string =>
    bodies.map((body) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`).join('');
  const more = 'tls: { certificate: /k/leaf.pem, key: /k/key.pem }\n';
  const names = { '/k': ['leaf.pem', 'other.pem', 'chain.pem', 'key.pem'] };
  const texts = { '/k/leaf.pem': pem('A'), '/k/other.pem': pem('B', 'C'), '/k/chain.pem': pem('A', 'C') };
  const text = 'tls: { certificate: /k/leaf.pem, key: /k/key.pem }\n';
  assert.deepEqual(words(await plan('tls.whole-chain', { more, text, host: { texts, names } })), [
    'in /etc/ims/ims.yaml: set tls.certificate to /k/chain.pem',
  ]);
  const without = { ...texts, '/k/chain.pem': pem('A') };
  assert.equal((await plan('tls.whole-chain', { more, text, host: { texts: without, names } })).kind, 'person');
});

test('libraries that are there stay in /etc/ld.so.preload', async () => {
  const texts = { ...ROOT, '/etc/ld.so.preload': '/lib/gone.so\n/lib/there.so /lib/lost.so # both\n/lib/there.so\n' };
  const found = await plan('host.preload-line', { host: { texts, files: { '/lib/there.so': { kind: 'file' } } } });
  assert.ok(found.kind === 'steps' && found.steps[0]?.do === 'write-file');
  assert.equal(found.steps[0].content, '/lib/there.so\n/lib/there.so\n');
  const whole = await plan('host.preload-line', {
    host: { texts: { '/etc/ld.so.preload': '/lib/there.so\n' }, files: { '/lib/there.so': {} } },
  });
  assert.equal(whole.kind, 'person');
});

test('name servers behind a dead stub are taken where the host knows them', async () => {
  const texts = { ...ROOT, '/run/systemd/resolve/resolv.conf': 'nameserver 192.0.2.53\n' };
  const found = await plan('names.other-servers', { host: { texts }, text: 'server: { name: a.test }\n' });
  assert.deepEqual(words(found), ['in /etc/ims/ims.yaml: set names.servers to ["192.0.2.53"]']);
  assert.equal((await plan('names.other-servers', { text: 'server: { name: a.test }\n' })).kind, 'person');
});

test('on a full file system the largest things there are named, those in a directory rather than it', async () => {
  const texts = { ...ROOT, '/proc/self/mountinfo': '30 1 8:1 / /srv rw - ext4 /dev/sda1 rw\n' };
  const du = '900\t/srv/logs/old\n1000\t/srv/logs\n300\t/srv/ims/queue\n320\t/srv/ims\n2048\t/srv\n';
  const outputs = { 'du -a -x -k -d 3 /srv': du };
  const found = await plan('storage.room', { check: 'storage.space', host: { texts, outputs } });
  assert.ok(found.kind === 'person');
  assert.equal(found.text, 'do it by hand\nLargest there: 900KB /srv/logs/old, 300KB /srv/ims/queue');
});

test('only a listener that differs in nothing is taken out', async () => {
  const one = '{ profile: mx, address: 0.0.0.0, port: 25 }';
  const same = `listeners:\n  a: ${one}\n  b: { port: 25, address: 0.0.0.0, profile: mx }\n`;
  assert.deepEqual(words(await plan('configuration.duplicate-listener', { text: same })), [
    'in /etc/ims/ims.yaml: take out listeners.b',
  ]);
  const other = `listeners:\n  a: ${one}\n  b: { port: 25, address: 0.0.0.0, profile: lmtp }\n`;
  assert.equal((await plan('configuration.duplicate-listener', { text: other })).kind, 'person');
});

test('a socket on which somebody listens is never removed', async () => {
  const entries = {
    '/srv/ims/run': { kind: 'directory' },
    '/srv/ims/run/lock': { kind: 'socket' },
    '/srv/ims/run/control': { kind: 'socket' },
    '/srv/ims/run/note': { kind: 'file' },
  } as const;
  const found = await plan('service.dead-sockets', { entries, answering: ['/srv/ims/run/control'] });
  assert.deepEqual(words(found), ['remove the socket /srv/ims/run/lock, on which nobody listens']);
});

test('only kernel parameters of the list are set, and only to values of their form', () => {
  assert.equal(kernelParameter('kernel.core_pattern', '1', '0'), undefined);
  assert.equal(kernelParameter('net.ipv4.tcp_mtu_probing', '1; reboot', '0'), undefined);
  assert.deepEqual(kernelParameter('net.ipv4.tcp_mtu_probing', '1', '0\n')?.undo, [
    '-q',
    '-w',
    'net.ipv4.tcp_mtu_probing=0',
  ]);
});

test('limits of running processes are raised only where they are lower, and can be taken back', () => {
  const limits =
    'Max file size             65536                65536                bytes\nMax open files  1024  524288 files\n';
  assert.deepEqual(processLimit(7, limits, 'Max file size', 'unlimited'), {
    program: 'prlimit',
    arguments: ['--pid', '7', '--fsize=unlimited:unlimited'],
    undo: ['--pid', '7', '--fsize=65536:65536'],
  });
  assert.equal(processLimit(7, limits, 'Max open files', '512'), undefined);
  assert.equal(processLimit(1, limits, 'Max file size', 'unlimited'), undefined);
  assert.equal(processLimit(7, limits, 'Max address space', 'unlimited'), undefined);
});

test('root raises limits of the processes that run, the supervisor first; nobody else does', async () => {
  const limits = 'Max file size  65536  65536  bytes\nMax address space  unlimited  unlimited  bytes\n';
  const texts = {
    ...ROOT,
    '/proc/100/status': 'PPid:\t90\n',
    '/proc/90/limits': limits,
    '/proc/100/limits': limits,
  };
  const check = 'host.process-limits';
  const service = runningService([]);
  assert.deepEqual(words(await plan('host.limits', { check, service, host: { texts } })), [
    'run: prlimit --pid 90 --fsize=unlimited:unlimited',
    'run: prlimit --pid 100 --fsize=unlimited:unlimited',
  ]);
  const nobody = await plan('host.limits', { check, service, host: { texts: { ...texts, ...NOBODY } } });
  assert.ok(nobody.kind === 'person' && nobody.text.includes('LimitFSIZE=infinity'));
  assert.equal((await plan('host.limits', { check, host: { texts } })).kind, 'person');
});

test('where nobody may raise a limit, a service that was started by hand starts anew without it', async () => {
  const limits = 'Max file size  65536  65536  bytes\n';
  const free = ['Max file size', 'Max address space', 'Max data size'].map(
    (one) => `${one}  unlimited  unlimited  b\n`,
  );
  const texts = {
    ...NOBODY,
    '/proc/self/limits': free.join(''),
    '/proc/100/status': 'PPid:\t90\n',
    '/proc/90/status': 'Uid:\t0\t0\t0\t0\n',
    '/proc/90/comm': 'node\n',
    '/proc/90/limits': limits,
    '/proc/100/limits': limits,
  };
  const check = 'host.process-limits';
  const service = runningService([]);
  const stat = (terminal: number) => ({ '/proc/90/stat': `90 (node main) S 1 90 90 ${terminal} 90 0` });
  assert.deepEqual(
    words(await plan('host.limits', { check, service, host: { texts: { ...texts, ...stat(34816) } } })),
    ['ask the running service: stop', 'start the service in the background: ims run --config /etc/ims/ims.yaml'],
  );
  for (const more of [
    stat(0),
    { ...stat(34816), '/proc/self/limits': limits },
    { ...stat(34816), '/proc/90/status': '' },
  ])
    assert.equal(
      (await plan('host.limits', { check, service, host: { uid: 7, texts: { ...texts, ...more } } })).kind,
      'person',
    );
  const unit = { ...texts, '/proc/90/cgroup': '0::/system.slice/ims.service\n' };
  const planned = await plan('host.limits', { check, service, host: { texts: unit } });
  assert.deepEqual(words(planned), [
    'make the directory /etc/systemd/system/ims.service.d with mode 755',
    'write /etc/systemd/system/ims.service.d/limits.conf (132 octets)',
    'run: systemctl daemon-reload',
    'run: systemctl restart ims.service',
  ]);
});

test('a service that does not run is started: by systemd, in the background, or only by name where it was stopped in order', async () => {
  const check = 'service.answers';
  const entries = { '/srv/ims': { kind: 'directory' as const, uid: 7 } };
  const background = ['start the service in the background: ims run --config /etc/ims/ims.yaml'];
  assert.deepEqual(words(await plan('service.start', { check, entries })), background);
  assert.deepEqual(words(await plan('service.start', { check, entries, host: { uid: 7 } })), background);
  for (const facts of [{ entries, host: { uid: 8 } }, { entries: {} }, { entries, answering: ['/srv/ims/run/lock'] }])
    assert.equal((await plan('service.start', { check, ...facts })).kind, 'person');
  const managed = {
    texts: { '/etc/systemd/system/ims.service': '[Service]\n' },
    files: { '/run/systemd/system': {} },
  };
  assert.deepEqual(words(await plan('service.start', { check, entries, host: managed })), [
    'run: systemctl start ims.service',
  ]);
  assert.equal((await plan('service.start', { check, entries, host: { ...managed, uid: 7 } })).kind, 'person');
  const service = runningService([]);
  assert.equal((await plan('service.start', { check, entries, service })).kind, 'nothing');
});
