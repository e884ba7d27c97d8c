import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import type { Check, Parts } from '../../../src/operate/doctor/check.ts';
import { introductionAnswer } from '../../../src/flow/reception/introductions.ts';
import { listenersAnswer } from '../../../src/operate/doctor/checks/listeners-answer.ts';
import { serversConfigured } from '../../../src/operate/doctor/checks/names.ts';
import { domainsLeadSomewhere, serverNameResolves } from '../../../src/operate/doctor/checks/names-own.ts';
import { noRewriting, serversAnswer, serversAnswerTcp } from '../../../src/operate/doctor/checks/names-servers.ts';
import { smartHostsAnswer } from '../../../src/operate/doctor/checks/smart-hosts.ts';
import { findNameServers } from '../../../src/operate/doctor/parts.ts';
import type { Verdict } from '../../../src/operate/doctor/verdict.ts';
import { nodeWorld } from '../../../src/world/node/world.ts';
import { zoneResolver } from '../../../src/world/sim/resolver.ts';
import type { Clock } from '../../../src/world/ports/clock.ts';
import { startDnsServer, type TestDnsServer } from '../../support/dns-server.ts';
import { type DoctorFacts, lookWith, runningService, settingsOf } from '../../support/doctor-parts.ts';
import { pretendedHost } from '../../support/pretended-host.ts';
import { freePort } from '../../support/service.ts';

/** Patience is cut short: what is silent here stays silent. */
const hasty: Clock = { ...nodeWorld.clock, after: (ms, fn) => nodeWorld.clock.after(ms / 10, fn) };
const REAL = 'server: { name: mail.company.com, data: /srv/ims }\n';
const ZONE = 'company.com MX 10 mail.company.com\nmail.company.com A 192.0.2.7\n';

async function withDns(look: (dns: TestDnsServer) => Promise<void>): Promise<void> {
  const dns = await startDnsServer('. NS ns.root\n');
  try {
    await look(dns);
  } finally {
    await dns.close();
  }
}

function names(check: Check, server: string, yaml = REAL): Promise<Verdict> {
  const [address = '', port = ''] = server.split(':');
  const nameServers = { servers: [{ address, port: Number(port) }], from: 'settings', named: true } as const;
  const { network, random } = nodeWorld;
  return lookWith(check, { settings: settingsOf(yaml), more: { nameServers, network, random, clock: hasty } });
}

test('a name server that answers is healthy by UDP and TCP', () =>
  withDns(async ({ server }) => {
    for (const check of [serversAnswer, serversAnswerTcp, noRewriting])
      assert.equal((await names(check, server)).kind, 'healthy', check.id);
  }));

test('a name server that is silent or fails is unhealthy, with its address', () =>
  withDns(async (dns) => {
    dns.fail('SILENT');
    const silent = await names(serversAnswer, dns.server);
    assert.ok(
      silent.kind === 'unhealthy' && silent.cause.includes(`${dns.server} does not answer`) && silent.event === 3701,
    );
    dns.fail('SERVFAIL');
    const failing = await names(serversAnswer, dns.server);
    assert.ok(failing.kind === 'unhealthy' && /answers SERVFAIL even for the root/.test(failing.cause));
  }));

test('lost packets alarm nobody: the question is sent again', () =>
  withDns(async (dns) => {
    let sent = 0;
    const network: Parts['network'] = {
      ...nodeWorld.network,
      async datagram(family, receive) {
        const socket = await nodeWorld.network.datagram(family, receive);
        return { ...socket, send: (...words) => void (++sent > 2 && socket.send(...words)) };
      },
    };
    const nameServers = { servers: [{ address: '127.0.0.1', port: dns.port }], from: 'settings', named: true } as const;
    const more = { nameServers, network, random: nodeWorld.random, clock: hasty };
    assert.equal((await lookWith(serversAnswer, { settings: settingsOf(REAL), more })).kind, 'healthy');
    assert.ok(sent >= 3, `${sent}`);
  }));

test('a configuration that needs no names raises no alarm about them', () =>
  withDns(async (dns) => {
    dns.fail('SILENT');
    assert.equal((await names(serversAnswer, dns.server, '')).kind, 'unknown');
    const via = `${REAL}routing: { smartHosts: { out: { hosts: [{ host: 192.0.2.9 }] } }, addressSpaces: [{ match: '*', via: out }] }\n`;
    assert.equal((await names(serversAnswer, dns.server, via)).kind, 'unknown');
  }));

test('a name server without TCP is unhealthy', async () => {
  const port = await freePort();
  const verdict = await names(serversAnswerTcp, `127.0.0.1:${port}`);
  assert.ok(verdict.kind === 'unhealthy' && /by UDP and not by TCP/.test(verdict.cause));
});

test('a name server that answers for names that do not exist is unhealthy', () =>
  withDns(async (dns) => {
    dns.load('*.invalid A 192.0.2.66\n');
    const verdict = await names(noRewriting, dns.server);
    assert.ok(verdict.kind === 'unhealthy' && /a name that does not exist/.test(verdict.cause));
  }));

test('resolv.conf that cannot be read is unhealthy where names are needed', async () => {
  const look = async (text: string | undefined): Promise<Verdict> => {
    const host =
      text === undefined ? { errors: { '/etc/resolv.conf': 'EACCES' } } : { texts: { '/etc/resolv.conf': text } };
    const nameServers = await findNameServers(pretendedHost(host), undefined);
    return lookWith(serversConfigured, { settings: settingsOf(REAL), host, more: { nameServers } });
  };
  assert.equal((await look('nameserver 192.0.2.53\n')).kind, 'healthy');
  assert.match((await look('')).evidence[0]?.seen ?? '', /127\.0\.0\.1/);
  assert.equal((await look(undefined)).kind, 'unhealthy');
});

test('Q280118: our names and domains must be in the name service; where the look-up fails nobody is blamed', async () => {
  const yaml = `${REAL}listeners: { mx: { profile: mx, address: 0.0.0.0 } }\ndomains: { company.com: { mailboxes: { a: {} } } }\n`;
  const look = (check: Check, zone: string): Promise<Verdict> =>
    lookWith(check, { settings: settingsOf(yaml), more: { resolver: zoneResolver(zone) } });
  assert.equal((await look(serverNameResolves, ZONE)).kind, 'healthy');
  assert.equal((await look(domainsLeadSomewhere, ZONE)).kind, 'healthy');
  const name = await look(serverNameResolves, '');
  assert.ok(name.kind === 'unhealthy' && /mail\.company\.com\. 3600 IN A/.test(name.cure));
  const domain = await look(domainsLeadSomewhere, '');
  assert.ok(domain.kind === 'unhealthy' && domain.cure === 'Publish: company.com. 3600 IN MX 10 mail.company.com.');
  assert.equal((await look(serverNameResolves, 'mail.company.com SILENT\n')).kind, 'unknown');
  assert.equal((await lookWith(serverNameResolves, { more: { resolver: zoneResolver('') } })).kind, 'not-applicable');
});

/** A server that answers lines as it is told: the banner first, then a reply for each command. */
async function withServer(
  banner: string,
  replies: Readonly<Record<string, string>>,
  look: (port: number) => Promise<void>,
): Promise<void> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    if (banner !== '') socket.write(banner);
    socket.on('data', (chunk) => socket.write(replies[String(chunk).slice(0, 4)] ?? '502 no\r\n'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  try {
    await look(typeof address === 'object' && address !== null ? address.port : 0);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

function smart(port: number, more: string, host = '127.0.0.1'): Promise<Verdict> {
  const settings = settingsOf(
    `routing: { smartHosts: { out: { hosts: [{ host: ${host}, port: ${port} }], ${more} } } }\n`,
  );
  const parts: Partial<Parts> = {
    network: nodeWorld.network,
    clock: hasty,
    resolver: zoneResolver('gone.company.com SERVFAIL\n'),
  };
  return lookWith(smartHostsAnswer, { settings, more: parts });
}

test('a smart host that greets and offers what is required is healthy', () =>
  withServer('220 smart ESMTP\r\n', { EHLO: '250-smart\r\n250-AUTH PLAIN\r\n250 PIPELINING\r\n' }, async (port) => {
    assert.equal((await smart(port, 'tls: opportunistic')).kind, 'healthy');
    const without = await smart(port, 'tls: required');
    assert.ok(without.kind === 'unhealthy' && /does not offer STARTTLS, and tls: required is set/.test(without.cause));
  }));

test('a smart host that refuses, hangs, or is none is unhealthy in words', async () => {
  const closed = await freePort();
  const refused = await smart(closed, 'tls: none');
  assert.ok(refused.kind === 'unhealthy' && /refuses the connection/.test(refused.cause));
  await withServer('', {}, async (port) => {
    const hung = await smart(port, 'protocol: lmtp, tls: none');
    assert.ok(hung.kind === 'unhealthy' && /accepts connections and sends no greeting/.test(hung.cause));
  });
  await withServer('554 5.7.1 you are on a list\r\n', {}, async (port) => {
    const listed = await smart(port, 'tls: none');
    assert.ok(listed.kind === 'unhealthy' && /554 5\.7\.1 you are on a list/.test(listed.cause));
  });
  await withServer('HTTP/1.1 400 Bad Request\r\n', {}, async (port) => {
    const web = await smart(port, 'tls: none');
    assert.ok(web.kind === 'unhealthy' && /no SMTP reply/.test(web.cause));
  });
  const nowhere = await smart(25, 'tls: none', 'nowhere.company.com');
  assert.ok(nowhere.kind === 'unhealthy' && /has no address/.test(nowhere.cause));
  assert.equal((await smart(25, 'tls: none', 'gone.company.com')).kind, 'unknown');
});

test('a smart host that answers at one of its addresses is there, as for deliveries', () =>
  withServer('220 smart ESMTP\r\n', { EHLO: '250 smart\r\n' }, async (port) => {
    const settings = settingsOf(
      `routing: { smartHosts: { out: { hosts: [{ host: two.company.com, port: ${port} }], tls: none } } }\n`,
    );
    const resolver = zoneResolver('two.company.com A 127.0.0.2\ntwo.company.com A 127.0.0.1\n');
    const more: Partial<Parts> = { network: nodeWorld.network, clock: hasty, resolver };
    assert.equal((await lookWith(smartHostsAnswer, { settings, more })).kind, 'healthy');
  }));

const answersAt = (port: number, answers: DoctorFacts['answers'] = {}): Promise<Verdict> =>
  lookWith(listenersAnswer, {
    service: runningService([
      { name: 'mx', address: '127.0.0.1', port },
      { name: 'submission', address: '127.0.0.1', port },
    ]),
    answers,
    more: { network: nodeWorld.network, random: nodeWorld.random, clock: hasty },
  });

test('a listener that answers with a banner of somebody else is unhealthy', async () => {
  await withServer('220 mail.example.test ESMTP\r\n', {}, async (port) =>
    assert.equal((await answersAt(port)).kind, 'healthy'),
  );
  await withServer('220 postfix.company.com ESMTP\r\n', {}, async (port) => {
    const verdict = await answersAt(port);
    assert.ok(verdict.kind === 'unhealthy' && /not our banner: .*: 220 postfix/.test(verdict.cause));
  });
  await withServer('421 4.7.0 too many\r\n', {}, async (port) => assert.equal((await answersAt(port)).kind, 'unknown'));
});

test('a listener without TLS where it should have it is left to the checks of TLS', async () => {
  const listener = '{ profile: submission, address: 127.0.0.1, port: 2525, tls: implicit }';
  await withServer('220 mail.example.test ESMTP\r\n', {}, async (port) => {
    const verdict = await lookWith(listenersAnswer, {
      settings: settingsOf('', listener),
      service: runningService([{ name: 'mx', address: '127.0.0.1', port }], undefined, 'implicit'),
      more: { network: nodeWorld.network, random: nodeWorld.random, clock: hasty },
    });
    assert.ok(verdict.kind === 'unknown' && /the TLS handshake failed/.test(verdict.because), JSON.stringify(verdict));
  });
});

test('a server that greets as we do and does not know the word is not us', () =>
  withServer('220 mail.example.test ESMTP\r\n', { NOOP: '250 2.0.0 OK\r\n' }, async (port) => {
    const verdict = await answersAt(port, { 'listeners.introduce': () => ({ workers: 1, of: 1 }) });
    assert.ok(verdict.kind === 'unhealthy' && /not our banner/.test(verdict.cause));
  }));

test('a listener that answers at the place of another is told: something redirects', async () => {
  const replies: Record<string, string> = {};
  await withServer('220 mail.example.test ESMTP\r\n', replies, async (port) => {
    const answers = {
      'listeners.introduce': (input: unknown) => {
        const { word, key } = input as { word: string; key: string };
        replies['NOOP'] = `250 2.0.0 ${introductionAnswer(key, word, 'submission')}\r\n`;
        return { workers: 1, of: 1 };
      },
    };
    const verdict = await answersAt(port, answers);
    assert.ok(verdict.kind === 'unhealthy' && /of listener mx come to listener submission/.test(verdict.cause));
  });
});
