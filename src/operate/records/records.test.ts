import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mtaStsPolicy, recordsToPublish, txtStrings, withAddress, zoneLine } from './index.ts';

const FACTS = { serverName: 'mail.company.com', domains: ['company.com'], addresses: ['192.0.2.7', '2001:db8::7'] };
const lines = (facts: Parameters<typeof recordsToPublish>[0]): readonly string[] =>
  recordsToPublish(facts).map((record) => record.zoneLine);

test('a server that sends itself gets every record as a line of a zone', () => {
  assert.deepEqual(lines({ ...FACTS, certificateKeyHash: 'ab'.repeat(32), mtaStsId: '20260101' }), [
    'mail.company.com. 3600 IN A 192.0.2.7',
    'mail.company.com. 3600 IN AAAA 2001:db8::7',
    '7.2.0.192.in-addr.arpa. 3600 IN PTR mail.company.com.',
    '7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. 3600 IN PTR mail.company.com.',
    'mail.company.com. 3600 IN TXT "v=spf1 a -all"',
    'company.com. 3600 IN MX 10 mail.company.com.',
    'company.com. 3600 IN TXT "v=spf1 mx ~all"',
    '_dmarc.company.com. 3600 IN TXT "v=DMARC1; p=none; rua=mailto:postmaster@company.com"',
    '_smtp._tls.company.com. 3600 IN TXT "v=TLSRPTv1; rua=mailto:postmaster@company.com"',
    '_mta-sts.company.com. 3600 IN TXT "v=STSv1; id=20260101"',
    `_25._tcp.mail.company.com. 3600 IN TLSA 3 1 1 ${'ab'.repeat(32)}`,
  ]);
});

test('a further greeting name has its address, the reverse name of that, and its SPF record', () => {
  const faces = [
    { name: 'Out.company.com', addresses: ['192.0.2.7'] },
    { name: 'exit.company.com', addresses: [] },
  ];
  const found = lines({ ...FACTS, addresses: ['192.0.2.7', '192.0.2.8'], faces });
  assert.deepEqual(
    found.filter((line) => / (A|PTR) |out\.|exit\./.test(line)),
    [
      'mail.company.com. 3600 IN A 192.0.2.7',
      'mail.company.com. 3600 IN A 192.0.2.8',
      '8.2.0.192.in-addr.arpa. 3600 IN PTR mail.company.com.',
      'out.company.com. 3600 IN A 192.0.2.7',
      '7.2.0.192.in-addr.arpa. 3600 IN PTR out.company.com.',
      'out.company.com. 3600 IN TXT "v=spf1 a -all"',
      'exit.company.com. 3600 IN A <the address that others see of it>',
      'exit.company.com. 3600 IN TXT "v=spf1 a -all"',
    ],
  );
});

test('what only a person knows is a gap, and said so', () => {
  const records = recordsToPublish({ ...FACTS, addresses: [], sending: 'smart-host' });
  const gaps = records.filter(({ incomplete }) => incomplete === true).map((record) => record.zoneLine);
  assert.deepEqual(gaps, [
    'mail.company.com. 3600 IN A <your public IPv4 address>',
    'company.com. 3600 IN TXT "v=spf1 include:<SPF domain of your smart host> ~all"',
  ]);
  assert.ok(!records.some(({ type }) => type === 'PTR'));
});

test('addresses that mail is sent from and that no MX covers are named in SPF', () => {
  const facts = { ...FACTS, sendingAddresses: ['192.0.2.7', '198.51.100.9'], spfIncludes: ['spf.relay.net'] };
  assert.ok(lines(facts).includes('company.com. 3600 IN TXT "v=spf1 mx ip4:198.51.100.9 include:spf.relay.net ~all"'));
  assert.ok(lines(facts).includes('9.100.51.198.in-addr.arpa. 3600 IN PTR mail.company.com.'));
});

test('a domain with letters beyond ASCII is published in its ASCII form', () => {
  assert.ok(lines({ ...FACTS, domains: ['Käse.example'] }).some((line) => line.startsWith('xn--kse-qla.example. ')));
});

test('a long TXT is split in strings of 255 octets, and quotes are escaped', () => {
  const text = `v=DKIM1; k=rsa; p=${'A'.repeat(300)}`;
  const [first = '', second = ''] = txtStrings(text).split('" "');
  assert.equal(first.length, 256);
  assert.equal(`${first.slice(1)}${second.slice(0, -1)}`, text);
  assert.equal(txtStrings('a"b\\c\u0007'), '"a\\"b\\\\c\\007"');
  assert.equal(txtStrings(''), '""');
  assert.equal(zoneLine({ name: 'a.test', type: 'MX', value: '10 b.test' }), 'a.test. 3600 IN MX 10 b.test.');
});

test('the policy of MTA-STS names our host', () => {
  assert.match(mtaStsPolicy(FACTS), /^version: STSv1\r\nmode: testing\r\nmx: mail\.company\.com\r\nmax_age: \d+\r\n$/);
});

test('an address is put before the term that ends a record', () => {
  assert.equal(withAddress('v=spf1 mx -all', '192.0.2.1'), 'v=spf1 mx ip4:192.0.2.1 -all');
  assert.equal(withAddress('v=spf1 redirect=a.test', '2001:db8::1'), 'v=spf1 ip6:2001:db8::1 redirect=a.test');
  assert.equal(withAddress('v=spf1', '192.0.2.1'), 'v=spf1 ip4:192.0.2.1');
});
