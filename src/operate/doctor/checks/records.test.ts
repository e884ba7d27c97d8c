import assert from 'node:assert/strict';
import { generateKeyPairSync, type X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { atOnce } from '../../../../test/support/at-once.ts';
import { lookWith, settingsOf } from '../../../../test/support/doctor-parts.ts';
import type { PretendedFacts } from '../../../../test/support/pretended-host.ts';
import { zoneResolver } from '../../../world/sim/resolver.ts';
import type { Check, Parts } from '../check.ts';
import type { Verdict } from '../verdict.ts';
import { certificateKeyHash, fits } from '../facts/own-certificate.ts';
import { tlsaFits } from './records-dane.ts';
import { dmarcValid, mtaStsValid, tlsReportValid } from './records-domain.ts';
import { notListed } from './records-lists.ts';
import { reverseNames, spfCovers } from './records-sender.ts';

const YAML = `server: { name: mail.company.com, data: /srv/ims }
listeners: { mx: { profile: mx, address: 0.0.0.0 } }
domains: { company.com: { mailboxes: { a: {} } } }
`;
const ROUTE4 = 'Iface\neth0\t00000000\t01020304\t0003\t0\t0\t0\t00000000\n';
const ROUTE6 = `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 ${'0'.repeat(31)}1 00000400 1 0 00000003 eth0\n`;
const FOUR: PretendedFacts = { texts: { '/proc/net/route': ROUTE4 }, addresses: ['192.0.2.10'] };
const BOTH: PretendedFacts = {
  texts: { '/proc/net/route': ROUTE4, '/proc/net/ipv6_route': ROUTE6 },
  addresses: ['192.0.2.10', '2001:db8::10'],
};
const PTR = '10.2.0.192.in-addr.arpa PTR mail.company.com\nmail.company.com A 192.0.2.10\n';
const MX = 'company.com MX 10 mail.company.com\n';

const look = (check: Check, zone: string, host = FOUR, more: Partial<Parts> = {}): Promise<Verdict> =>
  lookWith(check, { settings: settingsOf(YAML), host, more: { resolver: zoneResolver(zone), clock: atOnce, ...more } });
const causeOf = (verdict: Verdict): string =>
  verdict.kind === 'unhealthy'
    ? verdict.cause
    : 'because' in verdict
      ? `${verdict.kind}: ${verdict.because}`
      : verdict.kind;
const cureOf = (verdict: Verdict): string => (verdict.kind === 'unhealthy' ? verdict.cure : '');

test('ns-no-ptr: an address without reverse name is named with the record to ask for', async () => {
  assert.equal((await look(reverseNames, PTR)).kind, 'healthy');
  const none = await look(reverseNames, '');
  assert.match(causeOf(none), /192\.0\.2\.10, which mail is sent from, has no reverse name \(PTR record\)/);
  assert.match(cureOf(none), /10\.2\.0\.192\.in-addr\.arpa\. 3600 IN PTR mail\.company\.com\.$/);
  const astray = await look(reverseNames, '10.2.0.192.in-addr.arpa PTR host.isp.net\nhost.isp.net A 192.0.2.99\n');
  assert.match(causeOf(astray), /is host\.isp\.net, which does not lead back/);
  const silent = await look(reverseNames, '10.2.0.192.in-addr.arpa SILENT\n');
  assert.match(causeOf(silent), /^unknown: PTR of 192\.0\.2\.10/);
  const failing = await look(reverseNames, '10.2.0.192.in-addr.arpa SERVFAIL\n');
  assert.match(causeOf(failing), /\(PTR\) of 192\.0\.2\.10, .* cannot be looked up: .* \(SERVFAIL/);
  // Where the name has no address at all, that is the one fault.
  assert.equal((await look(reverseNames, '10.2.0.192.in-addr.arpa PTR mail.company.com\n')).kind, 'blocked');
});

test('the address of a gateway has the name that mail greets with there, and SPF covers each domain where it leaves', async () => {
  const gateway = `${YAML}gateways: { outside: { host: 203.0.113.5, keyFile: k, heloName: gw.company.com } }\nrouting: { proxy: outside }\n`;
  const by = (check: Check, zone: string): Promise<Verdict> =>
    look(check, zone, FOUR, { settings: settingsOf(gateway) });
  const none = await by(reverseNames, '');
  assert.match(causeOf(none), /203\.0\.113\.5, which mail is sent from, has no reverse name/);
  assert.match(cureOf(none), /5\.113\.0\.203\.in-addr\.arpa\. 3600 IN PTR gw\.company\.com\.$/);
  const zone = `${MX}company.com TXT "v=spf1 ip4:203.0.113.5 -all"\n`;
  assert.equal((await by(spfCovers, zone)).kind, 'healthy');
  const two = `${YAML.replace('domains: {', 'domains: { branch.com: { mailboxes: { b: {} } },')}routing:
  addressSpaces: [{ match: '*', senders: [branch.com], via: mx, source4: 192.0.2.11 }]
`;
  const texts = `${MX}branch.com MX 10 mail.company.com\ncompany.com TXT "v=spf1 ip4:192.0.2.10 -all"\n`;
  const spf = (text: string): Promise<Verdict> =>
    look(spfCovers, `${texts}${text}`, FOUR, { settings: settingsOf(two) });
  assert.equal((await spf('branch.com TXT "v=spf1 ip4:192.0.2.11 -all"\n')).kind, 'healthy');
  assert.match(
    causeOf(await spf('branch.com TXT "v=spf1 ip4:192.0.2.10 -all"\n')),
    /branch\.com does not cover 192\.0\.2\.11/,
  );
});

test('what is amiss with IPv6 alone is told without an alarm', async () => {
  assert.match(causeOf(await look(reverseNames, PTR, BOTH)), /^unknown: IPv4 is well.*2001:db8::10.*PTR/);
  const six: PretendedFacts = { ...BOTH, addresses: ['2001:db8::10'] };
  assert.match(causeOf(await look(reverseNames, PTR, six)), /^The address 2001:db8::10/);
});

test('behind an address translation nothing is guessed', async () => {
  const hidden: PretendedFacts = { ...FOUR, addresses: ['10.0.0.5'] };
  for (const check of [reverseNames, spfCovers, notListed])
    assert.match(causeOf(await look(check, PTR, hidden)), /^unknown: mail is sent from 10\.0\.0\.5 and translated/);
});

test('an SPF record must cover the address that we send from', async () => {
  const spf = (text: string): Promise<Verdict> => look(spfCovers, `${PTR}${MX}company.com TXT "${text}"\n`);
  for (const text of [
    'v=spf1 mx -all',
    'v=spf1 ip4:192.0.2.0/24 -all',
    'v=spf1 a:mail.company.com ~all',
    'v=spf1 ?all',
  ])
    assert.equal((await spf(text)).kind, 'healthy', text);
  const other = await spf('v=spf1 ip4:198.51.100.7 -all');
  assert.match(causeOf(other), /SPF record of company\.com does not cover 192\.0\.2\.10, .* \(fail by '-all' in/);
  assert.match(cureOf(other), /company\.com\. 3600 IN TXT "v=spf1 ip4:198\.51\.100\.7 ip4:192\.0\.2\.10 -all"/);
  assert.match(causeOf(await spf('v=spf1 a:192.0.2.10 -all')), /does not work, at 'a:192\.0\.2\.10': .*a takes a name/);
  assert.match(causeOf(await look(spfCovers, PTR + MX)), /company\.com has no SPF record/);
  assert.match(cureOf(await look(spfCovers, PTR + MX)), /Publish: company\.com\. 3600 IN TXT "v=spf1 mx ~all"/);
  assert.match(causeOf(await look(spfCovers, `${MX}company.com SERVFAIL TXT\n`)), /^unknown: the look-up failed/);
});

test('a list that names our address is told with its reason; codes that refuse are no listing', async () => {
  const on = (zone: string): Promise<Verdict> => look(notListed, MX + zone);
  assert.equal((await on('')).kind, 'healthy');
  const listed = await on('10.2.0.192.zen.spamhaus.org A 127.0.0.4\n10.2.0.192.zen.spamhaus.org TXT "see the page"\n');
  assert.match(causeOf(listed), /on the block list zen\.spamhaus\.org \(127\.0\.0\.4: see the page\)/);
  const refused = await on('*.zen.spamhaus.org A 127.255.255.254\n');
  assert.equal(refused.kind, 'healthy');
  assert.ok(refused.evidence.some(({ seen }) => /public resolvers \(127\.255\.255\.254\)/.test(seen)));
  assert.equal((await on('*.bl.spamcop.net A 127.0.0.2\n')).kind, 'healthy');
  assert.equal((await on('10.2.0.192.psbl.surriel.com A 198.51.100.99\n')).kind, 'healthy');
  const silent =
    'zen.spamhaus.org SERVFAIL\n10.2.0.192.zen.spamhaus.org SERVFAIL\n10.2.0.192.bl.spamcop.net SERVFAIL\n10.2.0.192.psbl.surriel.com SERVFAIL\n';
  assert.match(causeOf(await on(silent)), /^unknown: no list answers/);
});

test('a DMARC record that is there must hold; the one above the domain counts', async () => {
  const dmarc = (zone: string): Promise<Verdict> => look(dmarcValid, MX + zone);
  assert.equal((await dmarc('')).kind, 'healthy');
  assert.equal((await dmarc('_dmarc.company.com TXT "v=DMARC1; p=none"\n')).kind, 'healthy');
  assert.match(causeOf(await dmarc('_dmarc.company.com TXT "v=DMARC1; p=refuse"\n')), /not valid: p=refuse/);
  const two = '_dmarc.company.com TXT "v=DMARC1; p=none"\n_dmarc.company.com TXT "v=DMARC1; p=reject"\n';
  assert.match(causeOf(await dmarc(two)), /2 DMARC records/);
  const stranger = await dmarc('_dmarc.company.com TXT "v=DMARC1; p=none; rua=mailto:d@reports.net"\n');
  assert.ok(stranger.evidence.some(({ expected }) => /company\.com\._report\._dmarc\.reports\.net/.test(expected)));
  assert.match(
    causeOf(await look(tlsReportValid, `${MX}_smtp._tls.company.com TXT "v=TLSRPTv1"\n`)),
    /nowhere to report/,
  );
});

test('MTA-STS without a policy that can be fetched is told; without a way to it nobody is blamed', async () => {
  const record = `${MX}_mta-sts.company.com TXT "v=STSv1; id=1"\n`;
  assert.equal((await look(mtaStsValid, MX)).kind, 'healthy');
  assert.match(causeOf(await look(mtaStsValid, `${MX}_mta-sts.company.com TXT "v=STSv1"\n`)), /has no id=/);
  assert.match(causeOf(await look(mtaStsValid, record)), /mta-sts\.company\.com has no address/);
  const network: Partial<Parts> = {
    network: {
      dial: () => Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })),
      datagram: () => Promise.reject(new Error('none')),
    },
  };
  const closed = await look(mtaStsValid, `${record}mta-sts.company.com A 192.0.2.8\n`, FOUR, network);
  assert.ok(
    closed.kind === 'healthy' && closed.evidence.some(({ seen }) => /cannot be reached: ECONNREFUSED/.test(seen)),
  );
});

const PEM = `-----BEGIN CERTIFICATE-----
MIIBfTCCASOgAwIBAgIUcHl0aG9uIGlzIG5vdCB1c2VkMAoGCCqGSM49BAMCMBQx
-----END CERTIFICATE-----`;

test('a TLSA record is compared with certificate and key, in every form', async () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const raw = Buffer.from('the certificate');
  // Only the two members that are compared: making a certificate is for the tests of TLS.
  const leaf = { raw, publicKey } as unknown as X509Certificate;
  const hash = certificateKeyHash(leaf);
  assert.ok(fits({ usage: 3, selector: 1, matching: 1, data: Buffer.from(hash, 'hex') }, [leaf]));
  assert.ok(fits({ usage: 3, selector: 0, matching: 0, data: raw }, [leaf]));
  assert.ok(!fits({ usage: 1, selector: 0, matching: 0, data: raw }, [leaf]));
  assert.ok(!fits({ usage: 3, selector: 1, matching: 2, data: Buffer.from(hash, 'hex') }, [leaf]));
  const disk: Partial<Parts> = { disk: { ...({} as Parts['disk']), readFile: async () => Buffer.from(PEM) } };
  assert.match(causeOf(await look(tlsaFits, PTR, FOUR, disk)), /^not-applicable: there is no TLSA/);
  const zone = `${PTR}_25._tcp.mail.company.com TLSA 3 1 1 ${hash}\n`;
  assert.match(causeOf(await look(tlsaFits, zone, FOUR, disk)), /^unknown: there is no certificate/);
});
