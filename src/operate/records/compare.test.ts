import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zoneResolver } from '../../world/sim/resolver.ts';
import { compareRecord, recordsToPublish } from './index.ts';

const FACTS = { serverName: 'mail.company.com', domains: ['company.com'], addresses: ['192.0.2.7'] };
const ZONE = `mail.company.com A 192.0.2.7
mail.company.com TXT "v=spf1 a -all"
7.2.0.192.in-addr.arpa PTR mail.company.com
company.com MX 5 mail.company.com
company.com TXT "v=spf1 ip4:192.0.2.0/24 -all"
company.com TXT "some proof of ownership"
_dmarc.company.com TXT "v=DMARC1; p=reject"
_smtp._tls.company.com TXT "v=TLSRPTv1; rua=mailto:a@b.test"
`;

async function states(
  zone: string,
  facts: Parameters<typeof recordsToPublish>[0] = FACTS,
): Promise<Record<string, string>> {
  const resolver = zoneResolver(zone);
  const compared = await Promise.all(
    recordsToPublish(facts).map((record) => compareRecord(resolver, record, facts.addresses)),
  );
  return Object.fromEntries(compared.map(({ purpose, state }) => [purpose, state]));
}

test('what does the same in other words is published', async () => {
  assert.deepEqual(new Set(Object.values(await states(ZONE))), new Set(['published']));
});

test('nothing there is missing; something else in its place is different; no answer is unknown', async () => {
  assert.deepEqual(new Set(Object.values(await states(''))), new Set(['missing']));
  const other = await states(`mail.company.com A 192.0.2.8
7.2.0.192.in-addr.arpa PTR host.isp.net
company.com MX 10 mx.isp.net
company.com TXT "v=spf1 -all"
_dmarc.company.com TXT "v=DMARC1; p=x"
_smtp._tls.company.com SERVFAIL
`);
  assert.deepEqual(other, {
    address: 'different',
    reverse: 'different',
    'helo-spf': 'missing',
    mx: 'different',
    spf: 'different',
    dmarc: 'different',
    'tls-report': 'unknown',
  });
});

test('an SPF record that lacks an address is proposed with it, and stays as it is otherwise', async () => {
  const [spf] = recordsToPublish(FACTS).filter(({ purpose }) => purpose === 'spf');
  assert.ok(spf !== undefined);
  const resolver = zoneResolver('company.com TXT "v=spf1 ip4:198.51.100.1 ~all"\n');
  const { zoneLine } = await compareRecord(resolver, spf, ['192.0.2.7', '2001:db8::7']);
  assert.equal(zoneLine, 'company.com. 3600 IN TXT "v=spf1 ip4:198.51.100.1 ip4:192.0.2.7 ip6:2001:db8::7 ~all"');
});

test('a gap is filled by whatever is there', async () => {
  const found = await states(
    'mail.company.com A 198.51.100.1\ncompany.com TXT "v=spf1 include:a.test -all"\na.test TXT "v=spf1 -all"\n',
    {
      ...FACTS,
      addresses: [],
      sending: 'smart-host',
    },
  );
  assert.equal(found['address'], 'published');
  assert.equal(found['spf'], 'published');
});

test('keys and certificates are compared octet by octet', async () => {
  const facts = {
    ...FACTS,
    certificateKeyHash: 'ab'.repeat(32),
    dkimKeys: [{ domain: 'company.com', selector: 's1', algorithm: 'ed25519' as const, key: 'AAAA' }],
  };
  const same = await states(
    `_25._tcp.mail.company.com TLSA 3 1 1 ${'ab'.repeat(32)}\ns1._domainkey.company.com TXT "v=DKIM1; k=ed25519; p=AA AA"\n`,
    facts,
  );
  assert.ok(same['dane'] === 'published' && same['dkim'] === 'published');
  const old = await states(
    `_25._tcp.mail.company.com TLSA 3 1 1 ${'cd'.repeat(32)}\ns1._domainkey.company.com TXT "v=DKIM1; p=BBBB"\n`,
    facts,
  );
  assert.ok(old['dane'] === 'different' && old['dkim'] === 'different');
});
