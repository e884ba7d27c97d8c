import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demonstration } from './demonstration.ts';
import { loadConfiguration } from './load.ts';
import { printProblem } from './problem.ts';

const HASH = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNo';

function problemsOf(text: string): readonly string[] {
  const loaded = loadConfiguration(text, 'ims.yaml', { directory: '/etc/ims' });
  return (loaded.ok ? loaded.warnings : loaded.problems).map(printProblem);
}

const HEAD = 'server: { name: mail.example.com }\nlisteners: { mx: { profile: mx } }\n';

/** The mistakes that people make most, and the words that they get, whole. */
const mistakes: readonly (readonly [what: string, text: string, ...words: string[]])[] = [
  ['an empty file', '', 'ims.yaml:1:1: error: the file is empty; `ims config example` prints one to begin with'],
  [
    'a mistyped key',
    `${HEAD}queue: { spacefloor: 1GB }\n`,
    "ims.yaml:3:10: error: queue.spacefloor: is not a known key here; did you mean 'spaceFloor'?",
  ],
  [
    'a mistyped section',
    `${HEAD}rooting: {}\n`,
    "ims.yaml:3:1: error: rooting: is not a section of the configuration; did you mean 'routing'?",
  ],
  [
    'a missing key',
    'server: {}\nlisteners: {mx: {profile: mx}}\n',
    "ims.yaml:1:1: error: server: the key 'name' is missing; allowed: a text of at most 253 characters, such as mail.example.com",
  ],
  [
    'a data directory that is not one of the service',
    'server: { name: mail.example.com, data: /, run: /run/ }\nlisteners: {mx: {profile: mx}}\n',
    "ims.yaml:1:41: error: server.data: is a directory that others use too: all that is in it would be given to the user of the service; found '/'; did you mean '/ims'?",
    "ims.yaml:1:49: error: server.run: is a directory that others use too: all that is in it would be given to the user of the service; found '/run/'; did you mean '/run/ims'?",
  ],
  [
    'a host name as it stands in zones',
    'server: { name: mail.example.com. }\nlisteners: {mx: {profile: mx}}\n',
    "ims.yaml:1:17: error: server.name: is not a host name; found 'mail.example.com.'; allowed: a fully qualified name such as mail.example.com; did you mean 'mail.example.com'?",
  ],
  [
    'a mistyped choice',
    'server: { name: mail.example.com }\nlisteners:\n  s: { profile: submision, port: 587 }\n',
    "ims.yaml:3:17: error: listeners.s.profile: is not one of the choices; found 'submision'; allowed: one of mx, submission, lmtp; did you mean 'submission'?",
  ],
  [
    'a port that is too large',
    'server: { name: mail.example.com }\nlisteners:\n  mx: { profile: mx, port: 70000 }\n',
    'ims.yaml:3:28: error: listeners.mx.port: is too large (most 65535); found 70000; allowed: a whole number from 0 to 65535',
  ],
  [
    'TLS demanded of the world (RFC 3207 §4)',
    'server: { name: mail.example.com }\nlisteners:\n  mx: { profile: mx, tls: required }\n',
    "ims.yaml:3:27: warning: listeners.mx.tls: keeps out every server that sends without TLS, which a host named in MX records may not do (RFC 3207 §4); found 'required'; did you mean 'starttls'?",
  ],
  [
    'LMTP on the port of SMTP (RFC 2033 §5)',
    'server: { name: mail.example.com }\nlisteners:\n  mx: { profile: lmtp, tls: none }\nrouting: { smartHosts: { store: { protocol: lmtp, hosts: [{ host: 192.0.2.5 }] } } }\n',
    "ims.yaml:3:18: error: listeners.mx.profile: may not be spoken on port 25 (RFC 2033 §5); found 'lmtp'; allowed: mx; lmtp on another port or on a UNIX socket",
    'ims.yaml:4:59: error: routing.smartHosts.store.hosts[0]: speaks LMTP on port 25, which is for SMTP (RFC 2033 §5); allowed: the port of the LMTP server, often 24, or the path of its UNIX socket as host',
  ],
  [
    'a number in quotes',
    'server: { name: mail.example.com }\nlisteners:\n  mx: { profile: mx, port: "25" }\n',
    "ims.yaml:3:28: error: listeners.mx.port: must be a number without quotes; found '25'; allowed: a whole number from 0 to 65535",
  ],
  [
    'yes for true',
    'server: { name: mail.example.com }\nlisteners:\n  mx: { profile: mx, greetingDelay: yes }\n',
    "ims.yaml:3:37: error: listeners.mx.greetingDelay: must be true or false, without quotes; found 'yes'; allowed: true or false",
  ],
  [
    'a time without a unit',
    `${HEAD}names: { timeout: 5 }\n`,
    'ims.yaml:3:19: error: names.timeout: needs a unit (ms, s, m, h or d); found 5; allowed: a length of time from 100ms to 1m, such as 30s, 5m, 2h or 5d',
  ],
  [
    'a time that is too long',
    `${HEAD}scheduler:\n  normal:\n    expiry: 90d\n`,
    "ims.yaml:5:13: error: scheduler.normal.expiry: is too long; found '90d'; allowed: a length of time from 1m to 30d, such as 30s, 5m, 2h or 5d",
  ],
  [
    'a size with an unknown unit',
    `${HEAD}reception: { messageSizeMax: 50 megabytes }\n`,
    "ims.yaml:3:30: error: reception.messageSizeMax: is not a size; found '50 megabytes'; allowed: a size from 64KB to 1024GB, such as 64KB, 50MB or 2GB",
  ],
  [
    'a text where a list belongs',
    `${HEAD}policy: { localNetworks: 10.0.0.0/8 }\n`,
    "ims.yaml:3:26: error: policy.localNetworks: must be a list, not a text; write [10.0.0.0/8]; found '10.0.0.0/8'; allowed: a list of at most 1000 entries",
  ],
  [
    'a network that is none',
    `${HEAD}policy: { localNetworks: [10.0.0.0/33] }\n`,
    "ims.yaml:3:27: error: policy.localNetworks[0]: is not a network; found '10.0.0.0/33'; allowed: an IP address or a network such as 192.0.2.0/24 or 2001:db8::/32",
  ],
  [
    'a tab',
    'server:\n\tname: mail.example.com\n',
    'ims.yaml:2:1: error: not valid YAML: a tab is used for indentation; YAML allows spaces only',
  ],
  [
    'a pattern without quotes',
    `${HEAD}routing:\n  addressSpaces:\n    - { match: *.example.com, via: mx }\n`,
    "ims.yaml:5:16: error: not valid YAML: a text that begins with '*' must be in quotes: '*.example.com'",
  ],
  [
    'a key twice',
    `${HEAD}queue: {}\nqueue: {}\n`,
    "ims.yaml:4:1: error: the key 'queue' stands here a second time; the first is in line 3",
  ],
  [
    'a smart host group that does not exist',
    `${HEAD}routing:\n  smartHosts: { provider: { hosts: [{ host: smtp.example.net }] } }\n  addressSpaces: [{ match: '*', via: provder }]\n`,
    "ims.yaml:5:38: error: routing.addressSpaces[0].via: names no smart host group; found 'provder'; allowed: mx, hold, a group of routing.smartHosts (provider); did you mean 'provider'?",
  ],
  [
    'a login without a password',
    `${HEAD}routing:\n  smartHosts:\n    provider:\n      hosts: [{ host: smtp.example.net }]\n      tls: verified\n      login: { user: me }\n`,
    "ims.yaml:8:7: error: routing.smartHosts.provider.login: has neither 'password' nor 'passwordFile'",
  ],
  [
    'a smart host that is this server',
    `${HEAD}routing:\n  smartHosts: { self: { hosts: [{ host: mail.example.com }] } }\n`,
    "ims.yaml:4:41: error: routing.smartHosts.self.hosts[0].host: is this server's own listener on port 25: mail would go in a circle; found 'mail.example.com'",
  ],
  [
    'two listeners at one place',
    'server: { name: mail.example.com }\nlisteners:\n  a: { profile: mx, address: 127.0.0.1, port: 2525 }\n  b: { profile: mx, port: 2525 }\n',
    "ims.yaml:4:3: error: listeners.b: 0.0.0.0 port 2525 is already taken by the listener 'a' (127.0.0.1)",
  ],
  [
    'a name for an address to listen on',
    'server: { name: mail.example.com }\nlisteners:\n  mx: { profile: mx, address: localhost }\n',
    "ims.yaml:3:31: error: listeners.mx.address: is not an IP address; found 'localhost'; allowed: IP addresses such as 127.0.0.1, 0.0.0.0 (every IPv4 address) or '::' (every IPv6 address); did you mean '127.0.0.1'?",
  ],
  [
    'submission without TLS',
    'server: { name: mail.example.com }\nlisteners:\n  s: { profile: submission, port: 587, tls: none }\n',
    "ims.yaml:3:45: error: listeners.s.tls: would let passwords cross the network in the clear; found 'none'; allowed: starttls, required or implicit; none only on loopback addresses",
  ],
  [
    'an address for a local part',
    `${HEAD}domains:\n  example.com:\n    mailboxes: { alice@example.com: {} }\n    aliases: { postmaster: x@example.org }\n`,
    "ims.yaml:5:18: error: domains.'example.com'.mailboxes.'alice@example.com': must be a local part alone, without @ and domain; found 'alice@example.com'; did you mean 'alice'?",
  ],
  [
    'a password that is no hash, which is not shown',
    `${HEAD}domains:\n  example.com:\n    mailboxes: { postmaster: { password: hunter2 } }\n`,
    "ims.yaml:5:42: error: domains.'example.com'.mailboxes.postmaster.password: must be a hash, not the password itself; `ims password` makes one",
  ],
  [
    'a delivery that does not exist',
    `${HEAD}domains:\n  example.com:\n    mailboxes: { postmaster: { delivery: { maildri: x } } }\n`,
    "ims.yaml:5:42: error: domains.'example.com'.mailboxes.postmaster.delivery: must have one of the keys maildir, directory, pipe, lmtp, discard; did you mean 'maildir'?",
  ],
  [
    'a domain of ours that is relayed too',
    `${HEAD}domains: { example.com: { mailboxes: { postmaster: } } }\nrouting: { relayDomains: [Example.com] }\n`,
    "ims.yaml:4:27: error: routing.relayDomains[0]: is already one of our own domains (domains.example.com); keep one of them; found 'Example.com'",
  ],
  [
    'a curve that falls',
    `${HEAD}scheduler:\n  normal: { first: 5h }\n`,
    "ims.yaml:4:3: error: scheduler.normal.longest: is shorter than the first wait (5h); found '4h'",
  ],
  [
    'space that resumes below the floor',
    `${HEAD}queue:\n  spaceFloor: 1GB\n`,
    'ims.yaml:3:1: error: queue.spaceResume: is less than queue.spaceFloor: mail would be refused and accepted in turn',
  ],
  [
    'a category that does not exist',
    `${HEAD}events: { levels: { delivry: maximum } }\n`,
    "ims.yaml:3:21: error: events.levels.delivry: is not a category of events; did you mean 'delivery'?",
  ],
  [
    'a certificate without its key',
    `${HEAD}tls: { certificate: a.pem }\n`,
    "ims.yaml:3:21: error: tls.certificate: is given without tls.key; found 'a.pem'",
  ],
  [
    'a run directory that is too long for a socket',
    `server: { name: mail.example.com, run: /${'r'.repeat(100)} }\nlisteners: { mx: { profile: mx } }\n`,
    `ims.yaml:1:40: error: server.run: makes the path of the control socket 109 octets long, and the system allows 107; set server.run to a short directory such as /run/ims; found '/${'r'.repeat(59)}...'`,
  ],
];

for (const [what, text, ...words] of mistakes) {
  test(`${what} is explained`, () => {
    assert.deepEqual(problemsOf(text), words);
  });
}

test('all problems are told at once, in the order of the file, and rules look past what the schema refused', () => {
  const text = `server: { nmae: x }
listeners:
  mx: { profile: mx, port: 0.5 }
domains:
  example.com:
    mailboxes: { postmaster: , bob: { disabled: [1] } }
routing:
  addressSpaces: [{ match: '*', via: nowhere }]
`;
  assert.deepEqual(
    problemsOf(text).map((line) => line.split(': ')[2]),
    [
      'server',
      'server.nmae',
      'listeners.mx.port',
      "domains.'example.com'.mailboxes.bob.disabled",
      'routing.addressSpaces[0].via',
    ],
  );
});

test('a good configuration gets defaults and absolute paths', () => {
  const loaded = loadConfiguration(`${HEAD}domains: { example.com: { mailboxes: { postmaster: } } }\n`, 'ims.yaml', {
    directory: '/etc/ims',
  });
  assert.ok(loaded.ok);
  const { server, reception, delivery } = loaded.settings;
  assert.deepEqual(
    [server.data, server.run, delivery.maildir],
    ['/etc/ims/data', '/etc/ims/data/run', '/etc/ims/data/mail/{domain}/{mailbox}'],
  );
  assert.equal(reception.timeouts.command, 300_000);
  assert.deepEqual(loaded.warnings, []);
  assert.deepEqual(loaded.position(['domains', 'example.com'], 'key'), { line: 3, column: 12 });
});

test('a listener that is written twice is ignored once, unless the two differ', () => {
  const text = (second: string): string =>
    `server: { name: mail.example.com }\nlisteners:\n  a: { profile: mx, port: 2525 }\n  b: ${second}\n`;
  const loaded = loadConfiguration(text('{ profile: mx, port: 2525 }'), 'ims.yaml', { directory: '/etc/ims' });
  assert.ok(loaded.ok);
  assert.deepEqual(Object.keys(loaded.settings.listeners), ['a']);
  assert.match(loaded.warnings.map(printProblem).join(), /listeners\.b: 0\.0\.0\.0 port 2525 is given twice/);
  const [once] = problemsOf(text("{ profile: mx, address: ['127.0.0.1', '127.0.0.1'], port: 26 }"));
  assert.match(once ?? '', /127\.0\.0\.1 port 26 is given twice, first in this listener/);
  assert.match(
    problemsOf(text('{ profile: mx, port: 2525, tls: none }')).join(),
    /is already taken by the listener 'a'/,
  );
});

test('Q181420: what editors of Windows leave in a file is told, and does no harm', () => {
  const text = `\ufeff${HEAD}domains: { example.com: { mailboxes: { postmaster: } } }\n`.replaceAll('\n', '\r\n');
  const loaded = loadConfiguration(text, 'ims.yaml', { directory: '/etc/ims' });
  assert.ok(loaded.ok);
  assert.match(loaded.warnings.map(printProblem).join(), /byte order mark \(BOM\) at its begin and CRLF line ends/);
});

test('the demonstration is a good configuration', () => {
  const loaded = loadConfiguration(
    demonstration({ dataDirectory: "/tmp/it's", passwords: { alice: HASH, bob: HASH } }),
    'ims.yaml',
    { directory: '/tmp' },
  );
  assert.ok(loaded.ok);
  assert.deepEqual(loaded.warnings, []);
  assert.deepEqual(Object.keys(loaded.settings.listeners), ['mx', 'submission', 'submissions', 'lmtp']);
  assert.equal(loaded.settings.server.data, "/tmp/it's");
});
