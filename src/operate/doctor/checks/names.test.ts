import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atOnce } from '../../../../test/support/at-once.ts';
import { lookWith, settingsOf, type DoctorFacts } from '../../../../test/support/doctor-parts.ts';
import type { PretendedFacts } from '../../../../test/support/pretended-host.ts';
import { zoneResolver } from '../../../world/sim/resolver.ts';
import type { Check } from '../check.ts';
import type { Verdict } from '../verdict.ts';
import { serversConfigured, systemLooksUp } from './names.ts';
import { domainsLeadSomewhere, serverNameResolves, zonesValidate } from './names-own.ts';

const YAML = `server: { name: mail.company.com, data: /srv/ims, user: ims }
listeners: { mx: { profile: mx, address: 0.0.0.0 } }
domains: { company.com: { mailboxes: { a: {} } } }
`;
const PASSWD = 'root:x:0:0::/root:/bin/sh\nims:x:990:990::/:/bin/false\n';
const SERVERS = { servers: [{ address: '192.0.2.53', port: 53 }], from: 'resolv.conf', named: true } as const;

const causeOf = (verdict: Verdict): string => (verdict.kind === 'unhealthy' ? verdict.cause : verdict.kind);
const cureOf = (verdict: Verdict): string => (verdict.kind === 'unhealthy' ? verdict.cure : verdict.kind);

function configured(host: PretendedFacts, named = true): Promise<Verdict> {
  const texts = { '/etc/passwd': PASSWD, '/etc/group': '', ...host.texts };
  return lookWith(serversConfigured, {
    settings: settingsOf(YAML),
    host: { ...host, texts },
    more: { nameServers: { ...SERVERS, named } },
  });
}

test('ns-resolv-unreadable: a resolv.conf that the service user may not read is named with its mode', async () => {
  const texts = { '/etc/resolv.conf': 'nameserver 192.0.2.53\n' };
  const open = { '/etc/resolv.conf': { kind: 'file', mode: 0o644 } } as const;
  assert.equal((await configured({ texts, files: open })).kind, 'healthy');
  const closed = await configured({ texts, files: { '/etc/resolv.conf': { kind: 'file', mode: 0o600 } } });
  assert.match(causeOf(closed), /resolv\.conf has mode 600: ims \(uid 990\), .* may not read it/);
  assert.ok(closed.kind === 'unhealthy' && closed.repair === 'names.resolv-conf-mode');
  const denied = await configured({ errors: { '/etc/resolv.conf': 'EACCES' } }, false);
  assert.match(causeOf(denied), /resolv\.conf cannot be read \(EACCES\)/);
  const directory = { '/etc/resolv.conf': { kind: 'directory', mode: 0o755 } } as const;
  const wrong = await configured({ files: directory }, false);
  assert.match(causeOf(wrong), /resolv\.conf is a directory, not a file \(EISDIR\)/);
  assert.match(cureOf(wrong), /^mv \/etc\/resolv\.conf /);
});

test('a resolv.conf that leads nowhere, or names no address, is told', async () => {
  const gone = await configured({ links: { '/etc/resolv.conf': '../run/systemd/resolve/stub-resolv.conf' } }, false);
  assert.ok(gone.evidence.some(({ seen }) => /leads to \.\.\/run.*which is not there/.test(seen)));
  const strange = await configured({ texts: { '/etc/resolv.conf': 'nameserver ns.company.com\n' } });
  assert.match(causeOf(strange), /no address of a name server, only 'ns\.company\.com'/);
  const list = await configured({ texts: { '/etc/resolv.conf': 'nameserver 192.0.2.53, 192.0.2.54\n' } });
  assert.match(causeOf(list), /only '192\.0\.2\.53,'/);
  const search = await configured({ texts: { '/etc/resolv.conf': 'search a.test b.test\nnameserver 192.0.2.53\n' } });
  assert.ok(search.evidence.some(({ seen }) => seen === 'a.test b.test'));
});

test('ns-nsswitch-no-dns: without dns in nsswitch.conf other programs find nobody', async () => {
  const look = (line: string): Promise<Verdict> =>
    lookWith(systemLooksUp, { host: { texts: { '/etc/nsswitch.conf': `passwd: files\n${line}\n` } } });
  assert.match(causeOf(await look('hosts: files')), /nsswitch\.conf says 'hosts: files', without dns/);
  for (const line of [
    'hosts: files dns',
    'hosts:\tfiles resolve [!UNAVAIL=return] dns',
    'hosts: mymachines resolve',
    '# none',
  ])
    assert.equal((await look(line)).kind, 'healthy', line);
  assert.match(causeOf(await look('hosts: files # dns')), /without dns/);
  assert.equal((await lookWith(systemLooksUp, {})).kind, 'not-applicable');
});

const look = (
  check: Check,
  zone: string,
  more: Partial<DoctorFacts> & { readonly yaml?: string } = {},
): Promise<Verdict> =>
  lookWith(check, {
    settings: settingsOf(more.yaml ?? YAML),
    ...(more.host === undefined ? {} : { host: more.host }),
    more: { resolver: zoneResolver(zone), clock: atOnce },
  });

const ROUTED: PretendedFacts = {
  texts: { '/proc/net/route': 'Iface\neth0\t00000000\t01020304\t0003\t0\t0\t0\t00000000\n' },
  addresses: ['127.0.0.1', '192.0.2.10'],
};

test('ns-helo-unresolvable: a greeting name without address is named with the record, or a better name', async () => {
  const lost = await look(serverNameResolves, 'company.com MX 10 mail.company.com\n', { host: ROUTED });
  assert.match(causeOf(lost), /mail\.company\.com, which this server greets with \(HELO, EHLO\), does not resolve/);
  assert.match(cureOf(lost), /Publish: mail\.company\.com\. 3600 IN A 192\.0\.2\.10; or set server\.name to/);
  const zone = '10.2.0.192.in-addr.arpa PTR real.company.com\nreal.company.com A 192.0.2.10\n';
  assert.match(cureOf(await look(serverNameResolves, zone, { host: ROUTED })), /set server\.name: real\.company\.com/);
});

test('a further greeting name must lead to the address that its mail comes from', async () => {
  const yaml = `${YAML}gateways: { outside: { host: 203.0.113.5, keyFile: k, heloName: gw.company.com } }\nrouting: { proxy: outside }\n`;
  const own = 'mail.company.com A 192.0.2.10\n';
  const lost = await look(serverNameResolves, own, { yaml, host: ROUTED });
  assert.match(
    causeOf(lost),
    /gw\.company\.com, which gateways\.outside\.heloName lets mail greet with, does not resolve/,
  );
  assert.match(cureOf(lost), /Publish: gw\.company\.com\. 3600 IN A 203\.0\.113\.5/);
  const astray = await look(serverNameResolves, `${own}gw.company.com A 203.0.113.99\n`, { yaml, host: ROUTED });
  assert.match(causeOf(astray), /does not lead to 203\.0\.113\.5, where that mail comes from/);
  const well = await look(serverNameResolves, `${own}gw.company.com A 203.0.113.5\n`, { yaml, host: ROUTED });
  assert.equal(well.kind, 'healthy');
});

test('a zone that fails is told apart from a look-up that nobody answers', async () => {
  assert.match(causeOf(await look(serverNameResolves, 'mail.company.com SERVFAIL\n')), /name servers of its zone fail/);
  assert.equal((await look(serverNameResolves, 'mail.company.com SILENT\n')).kind, 'unknown');
});

test('a name for private use is looked up where the name service here knows its domain', async () => {
  const yaml = YAML.replaceAll('company.com', 'corp.test');
  assert.equal((await look(serverNameResolves, '', { yaml })).kind, 'not-applicable');
  assert.equal((await look(serverNameResolves, 'corp.test MX 10 mail.corp.test\n', { yaml })).kind, 'unhealthy');
});

test('an MX must lead to a host with an address', async () => {
  const cases: readonly [zone: string, cause: RegExp][] = [
    ['', /neither MX nor address/],
    ['company.com MX 0 .\n', /takes no mail/],
    ['company.com MX 10 192.0.2.7\n', /is 192\.0\.2\.7, an address/],
    ['company.com MX 10 gone.company.com\n', /names gone\.company\.com, which has no address/],
    [
      'company.com MX 10 gone.company.com\ncompany.com MX 20 b.company.com\nb.company.com A 192.0.2.8\n',
      /One MX .* gone/,
    ],
    ['company.com MX 10 b.company.com\nb.company.com A 192.0.2.8\n', /^healthy$/],
    [
      'company.com MX 10 b.company.com\nb.company.com CNAME c.company.com\nc.company.com A 192.0.2.8\n',
      /names b\.company\.com, an alias \(CNAME\) of c\.company\.com: an MX must name a host itself/,
    ],
    ['company.com A 192.0.2.8\n', /^healthy$/],
    ['company.com SILENT\n', /^unknown$/],
    ['company.com SERVFAIL\n', /name servers of its zone fail \(SERVFAIL/],
  ];
  for (const [zone, cause] of cases) assert.match(causeOf(await look(domainsLeadSomewhere, zone)), cause, zone);
});

test('an MX that is our own name without address is one fault, and that of the name', async () => {
  const verdict = await look(domainsLeadSomewhere, 'company.com MX 10 mail.company.com\n');
  assert.ok(verdict.kind === 'blocked' && verdict.by === 'names.server-name');
});

test('a zone of ours whose signatures do not hold is named', async () => {
  const resolver = zoneResolver('');
  resolver.fail('SERVFAIL from 192.0.2.53: DNSSEC validation of company.com fails (DNSSEC Bogus)');
  const verdict = await lookWith(zonesValidate, { settings: settingsOf(YAML), more: { resolver } });
  assert.match(causeOf(verdict), /DNSSEC signatures of the zone of mail\.company\.com do not hold/);
  resolver.fail('SERVFAIL from 192.0.2.53');
  assert.equal((await lookWith(zonesValidate, { settings: settingsOf(YAML), more: { resolver } })).kind, 'unknown');
});
