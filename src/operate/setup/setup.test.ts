import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pretendedHost, type PretendedFacts } from '../../../test/support/pretended-host.ts';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import type { Resolver } from '../../world/ports/resolver.ts';
import { zoneResolver } from '../../world/sim/resolver.ts';
import { loadConfiguration } from '../config/index.ts';
import {
  type Answers,
  takeCertificate,
  takeConsole,
  takeDomains,
  takeHostname,
  takeMailboxes,
  takePorts,
  takeSend,
} from './answers.ts';
import { type Found, lookAtHost, proxiesIn } from './found.ts';
import { type Asking, type Given, interview } from './interview.ts';
import type { Known } from './questions.ts';
import { unitText } from './unit.ts';
import { writeConfiguration } from './write.ts';

const NO_NAMES: Resolver = zoneResolver('');
const look = (facts: PretendedFacts, resolver = NO_NAMES): Promise<Found> =>
  lookAtHost({ host: pretendedHost(facts), clock: new ManualClock(), resolver });

const ANSWERS: Answers = {
  hostname: 'mail.example.com',
  domains: ['example.com', 'example.org'],
  mailboxes: ['alice@example.com', "o'neil@example.com", 'yes@example.com'],
  send: { kind: 'direct' },
  certificate: { kind: 'self-signed' },
  data: '/var/lib/ims',
  user: undefined,
  addresses: undefined,
  ports: { mx: 25, submission: 587, submissions: 465 },
};
const HASHES = ANSWERS.mailboxes.map((mailbox) => ({
  mailbox,
  hash: '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNo',
}));

const known = (found: Found): Known => ({
  found,
  usualData: '/var/lib/ims',
  userExists: async (name) => name === 'ims',
});
const alone = (suggestionsTaken: boolean): Asking => ({ ask: undefined, say: () => undefined, suggestionsTaken });

test('the answers of a person are understood, or refused with what to write instead', () => {
  assert.deepEqual(takeHostname(' Mail.Example.COM. '), { ok: true, value: 'mail.example.com' });
  for (const bad of ['localhost', '192.0.2.1', 'a b', '']) assert.equal(takeHostname(bad).ok, false, bad);
  assert.deepEqual(takeDomains('example.com, Example.ORG,example.com'), {
    ok: true,
    value: ['example.com', 'example.org'],
  });
  for (const bad of ['', 'local', 'a@example.com']) assert.equal(takeDomains(bad).ok, false, bad);
  assert.deepEqual(takeMailboxes('alice bob@example.org', ['example.com', 'example.org']), {
    ok: true,
    value: ['alice@example.com', 'bob@example.org'],
  });
  for (const bad of ['', 'alice@elsewhere.test', 'a b@', '@example.com'])
    assert.equal(takeMailboxes(bad, ['example.com']).ok, false, bad);
  assert.deepEqual(takePorts('2525,2587,2465'), { ok: true, value: { mx: 2525, submission: 2587, submissions: 2465 } });
  for (const bad of ['25', '25,25,465', '0,1,2', '1,2,3,4']) assert.equal(takePorts(bad).ok, false, bad);
  assert.equal(takeCertificate('self-signed').ok, true);
  for (const bad of ['', 'cert.pem', '/a.pem', 'a.pem,b.key']) assert.equal(takeCertificate(bad).ok, false, bad);
});

test('the ways to send are written as hosts, with the usual port where none is given', () => {
  const value = (text: string): unknown => {
    const got = takeSend(text);
    return got.ok ? got.value : undefined;
  };
  assert.deepEqual(value('Direct'), { kind: 'direct' });
  assert.deepEqual(value('smarthost=smtp.example.net'), { kind: 'smarthost', host: 'smtp.example.net', port: 587 });
  assert.deepEqual(value('smarthost=[2001:db8::1]:25'), { kind: 'smarthost', host: '2001:db8::1', port: 25 });
  const gateway = { kind: 'gateway', host: 'vps.example', port: 22, user: 'me', keyFile: '', hostKey: undefined };
  assert.deepEqual(value('gateway=me@vps.example'), gateway);
  const six = { ...gateway, host: '2001:db8::1', port: 2222, user: undefined };
  assert.deepEqual(value('gateway=[2001:db8::1]:2222'), six);
  const proxy = { kind: 'proxy', protocol: 'socks5', host: '192.0.2.9', port: 1080 };
  assert.deepEqual(value('proxy=socks5://192.0.2.9'), proxy);
  assert.deepEqual(value('proxy=http://p.example:8080/'), {
    ...proxy,
    protocol: 'http-connect',
    host: 'p.example',
    port: 8080,
  });
  for (const bad of [
    '',
    'smarthost=',
    'smarthost=a b',
    'proxy=ftp://x',
    'smarthost=x.example:99999',
    'proxy=p.example:1080',
  ])
    assert.equal(value(bad), undefined, bad);
});

test('whatever was answered, the configuration loads, and every domain has a postmaster', () => {
  const login = { user: "it's me", password: 'x' };
  const ways: readonly Answers['send'][] = [
    { kind: 'direct' },
    { kind: 'smarthost', host: 'smtp.example.net', port: 25 },
    { kind: 'smarthost', host: 'smtp.example.net', port: 25, login },
    { kind: 'smarthost', host: '2001:db8::1', port: 465, login },
    { kind: 'proxy', protocol: 'socks5', host: '192.0.2.9', port: 1080 },
    { kind: 'proxy', protocol: 'http-connect', host: 'proxy.example', port: 3128, login },
    { kind: 'gateway', host: '192.0.2.7', port: 22, user: undefined, keyFile: '/etc/ims/key', hostKey: undefined },
    {
      kind: 'gateway',
      host: 'vps.example',
      port: 2222,
      user: 'me',
      keyFile: '/k',
      hostKey: `SHA256:${'a'.repeat(43)}`,
    },
  ];
  for (const send of ways) {
    const answers: Answers = {
      ...ANSWERS,
      send,
      user: 'ims',
      addresses: ['127.0.0.1', '::1'],
      certificate: { kind: 'files', certificate: '/etc/x y.pem', key: '/etc/x.key' },
    };
    const loaded = loadConfiguration(writeConfiguration(answers, HASHES), 'ims.yaml', { directory: '/etc/ims' });
    assert.ok(loaded.ok, loaded.ok ? '' : JSON.stringify(loaded.problems));
    assert.deepEqual(loaded.warnings, []);
    const { domains, server } = loaded.settings;
    assert.deepEqual(Object.keys(domains['example.com']?.mailboxes ?? {}), ['alice', "o'neil", 'yes']);
    assert.equal(domains['example.com']?.aliases['postmaster'], 'alice');
    assert.equal(domains['example.org']?.aliases['postmaster'], 'alice@example.com');
    assert.equal(server.user, 'ims');
  }
});

test('a host is looked at for what may be suggested', async () => {
  const found = await look(
    {
      texts: {
        '/proc/sys/kernel/hostname': 'box\n',
        '/etc/hosts': '127.0.0.1 localhost\n127.0.1.1 box.example.com box # here\n',
        '/etc/resolv.conf': 'search example.org\n',
        '/etc/passwd': 'root:x:0:0::/root:/bin/sh\nims:x:990:990::/:/bin/false\n',
        '/etc/group': '',
        '/proc/net/tcp':
          'head\n 0: 00000000:0019 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 777 1 0 100 0 0 10 0\n',
        '/proc/321/comm': 'exim4\n',
        '/proc/321/cmdline': '/usr/sbin/exim4\0-bd\0',
      },
      names: { '/proc': ['1', '321'], '/proc/321/fd': ['3'] },
      links: { '/proc/321/fd/3': 'socket:[777]' },
      addresses: ['127.0.0.1', '10.0.0.5', '8.8.4.4'],
      environment: { ALL_PROXY: 'socks5h://user:secret@10.0.0.1:1080' },
    },
    zoneResolver('4.4.8.8.in-addr.arpa PTR mx.example.com'),
  );
  assert.deepEqual(
    found.names.map(({ name }) => name),
    ['mx.example.com', 'box.example.com', 'box.example.org'],
  );
  assert.deepEqual(found.addresses, [
    { address: '10.0.0.5', public: false },
    { address: '8.8.4.4', public: true },
  ]);
  assert.equal(found.port25, 'exim4 (pid 321)');
  assert.deepEqual(found.proxies, [{ variable: 'ALL_PROXY', answer: 'proxy=socks5://10.0.0.1:1080' }]);
  assert.deepEqual([found.root, found.serviceUser, found.lowPorts], [true, true, true]);
  assert.deepEqual(proxiesIn({ HTTP_PROXY: 'nonsense', no_proxy: '*' }), []);
});

test('without a person everything that is missing or wrong is named at once', async () => {
  const found = await look({ texts: { '/proc/sys/kernel/hostname': 'box' } });
  const given: Given = { domain: 'example.com', send: 'carrier-pigeon', sendUser: 'me' };
  const all = await interview(known(found), given, alone(false));
  assert.ok(all.kind === 'problems');
  assert.deepEqual(
    all.missing.map(({ option }) => option),
    ['--hostname', '--mailbox', '--certificate', '--data', '--user', '--address', '--ports'],
  );
  assert.deepEqual(
    all.problems.map((problem) => problem.split(':')[0]),
    ['--send', '--send-user has no use with the other answers'],
  );
  const few = await interview(known(found), { domain: 'example.com' }, alone(true));
  assert.ok(few.kind === 'problems');
  assert.deepEqual(
    few.missing.map(({ option }) => option),
    ['--hostname', '--mailbox', '--user'],
  );
});

test('with --yes what is suggested is taken', async () => {
  const found = await look({ texts: { '/proc/sys/kernel/hostname': 'mail.example.com' } });
  const got = await interview(known(found), { mailbox: 'alice', user: 'ims' }, alone(true));
  assert.ok(got.kind === 'answers');
  assert.deepEqual(got.answers, {
    ...ANSWERS,
    domains: ['example.com'],
    mailboxes: ['alice@example.com'],
    user: 'ims',
  });
});

test('a host name without a domain is no obstacle: the name is asked for, a wrong one is explained and asked for again', async () => {
  const found = await look({ texts: { '/proc/sys/kernel/hostname': 'box' }, uid: 1000 });
  const typed = [
    '',
    'box',
    'mail.example.com',
    '',
    'alice',
    'smarthost=smtp.example.net',
    'alice',
    'secret',
    '',
    '',
    '',
    '',
    '',
  ];
  const said: string[] = [];
  const got = await interview(
    known(found),
    {},
    {
      ask: async () => typed.shift(),
      say: (problem) => void said.push(problem),
      suggestionsTaken: false,
    },
  );
  assert.ok(got.kind === 'answers');
  assert.deepEqual(got.answers.send, {
    kind: 'smarthost',
    host: 'smtp.example.net',
    port: 587,
    login: { user: 'alice', password: 'secret' },
  });
  assert.deepEqual(got.answers.domains, ['example.com']);
  assert.equal(got.answers.console, '127.0.0.1:8026');
  assert.equal(said.length, 2);
  assert.match(said[1] ?? '', /box\.example\.com/);
  const left = await interview(
    known(found),
    {},
    { ask: async () => undefined, say: () => undefined, suggestionsTaken: false },
  );
  assert.equal(left.kind, 'left');
});

test('a unit of systemd quotes what it must, and asks for the rights of root only where root is given up', () => {
  const text = unitText({
    answers: { user: 'ims', data: '/srv/my mail' },
    program: '/opt/ims/bin/ims',
    configuration: '/etc/100%.yaml',
  });
  assert.match(text, /^ExecStart=\/opt\/ims\/bin\/ims run --config \/etc\/100%%\.yaml$/m);
  assert.match(text, /^RequiresMountsFor="\/srv\/my mail"$/m);
  assert.match(text, /^CapabilityBoundingSet=/m);
  assert.doesNotMatch(
    unitText({ answers: { user: undefined, data: '/d' }, program: '/p', configuration: '/c' }),
    /CapabilityBoundingSet/,
  );
});

test('the console is written where it is wanted, and as a comment where not', async () => {
  assert.match(writeConfiguration(ANSWERS, HASHES), /^ {2}# console: '127\.0\.0\.1:8026'$/m);
  const text = writeConfiguration({ ...ANSWERS, console: '[::1]:9000' }, HASHES);
  assert.match(text, /^ {2}console: '\[::1\]:9000'$/m);
  const got = loadConfiguration(text, 'ims.yaml', { directory: '/etc/ims' });
  assert.ok(got.ok);
  for (const bad of ['8026', '0.0.0.0:8026', 'localhost:8026', '127.0.0.1:0', ''])
    assert.equal(takeConsole(bad).ok, false, bad);
});
