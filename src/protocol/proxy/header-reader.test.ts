import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { crc32c } from './crc32c.ts';
import { HeaderReader, type HeaderReading } from './header-reader.ts';
import { writeV1, writeV2 } from './header-writer.ts';
import { TLVS_MAX, V1_HEADER_BYTES_MAX, V2_BODY_BYTES_MAX } from './limits.ts';
import { V2_SIGNATURE } from './v2.ts';

const read = (octets: Buffer | string): HeaderReading =>
  new HeaderReader().receive(Buffer.from(octets as string, 'latin1'));

/** Reads cut by cut, and says what the reader says of the whole. */
function readCut(octets: Buffer, cuts: readonly number[]): HeaderReading {
  const reader = new HeaderReader();
  let at = 0;
  for (const end of [...cuts, octets.length]) {
    const reading = reader.receive(octets.subarray(at, end));
    if (reading.kind === 'header') return { ...reading, rest: Buffer.concat([reading.rest, octets.subarray(end)]) };
    if (reading.kind === 'refused') return reading;
    at = end;
  }
  return { kind: 'more' };
}

/** A version 2 header of given fields. */
function v2(versionAndCommand: number, family: number, body: Buffer, length = body.length): Buffer {
  return Buffer.concat([V2_SIGNATURE, Buffer.from([versionAndCommand, family, length >>> 8, length & 255]), body]);
}

const FOUR = Buffer.from('c0000201c633640730390019', 'hex');
const SIX = Buffer.concat([
  Buffer.from('20010db8000000000000000000000001', 'hex'),
  Buffer.from('20010db8000000000000000000000002', 'hex'),
  Buffer.from('30390019', 'hex'),
]);
const tlv = (type: number, value: Buffer | string): Buffer => {
  const octets = Buffer.from(value as string, 'latin1');
  return Buffer.concat([Buffer.from([type, octets.length >>> 8, octets.length & 255]), octets]);
};

test('the examples of the specification, version 1', () => {
  const cases: readonly (readonly [string, object])[] = [
    [
      'PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n',
      {
        kind: 'tcp',
        source: { address: '255.255.255.255', port: 65_535 },
        destination: { address: '255.255.255.255', port: 65_535 },
      },
    ],
    [
      'PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n',
      {
        kind: 'tcp',
        source: { address: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', port: 65_535 },
        destination: { address: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', port: 65_535 },
      },
    ],
    ['PROXY UNKNOWN\r\n', { kind: 'unknown' }],
    [
      'PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n',
      { kind: 'unknown' },
    ],
    [
      'PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n',
      {
        kind: 'tcp',
        source: { address: '192.168.0.1', port: 56_324 },
        destination: { address: '192.168.0.11', port: 443 },
      },
    ],
    [
      'PROXY TCP6 ::ffff:192.0.2.1 2001:DB8::1 1 2\r\n',
      { kind: 'tcp', source: { address: '192.0.2.1', port: 1 }, destination: { address: '2001:db8::1', port: 2 } },
    ],
  ];
  for (const [line, connection] of cases) {
    assert.ok(line.length <= V1_HEADER_BYTES_MAX);
    const reading = read(`${line}EHLO x\r\n`);
    assert.equal(reading.kind, 'header', line);
    if (reading.kind !== 'header') continue;
    assert.deepEqual(reading.header.connection, connection);
    assert.equal(reading.rest.toString(), 'EHLO x\r\n');
  }
});

test('a version 1 header that is not exactly one is refused', () => {
  const lines = [
    'PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n',
    'PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n',
    'PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n',
    'PROXY TCP4 010.2.3.4 5.6.7.8 1 2\r\n',
    'PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n',
    'PROXY TCP4 ::1 ::1 1 2\r\n',
    'PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n',
    'PROXY TCP6 ::1%eth0 ::1 1 2\r\n',
    'PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n',
    'PROXY tcp4 1.2.3.4 5.6.7.8 1 2\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r \r\n',
    'PROXY \r\n',
    'PROXY\r\n',
    'proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n',
    'EHLO x\r\n',
    '\r\n\r\nHELO\r\n',
    ' PROXY UNKNOWN\r\n',
    `PROXY UNKNOWN ${'x'.repeat(V1_HEADER_BYTES_MAX - 15)}\r\n`,
    `PROXY ${'x'.repeat(V1_HEADER_BYTES_MAX)}`,
  ];
  for (const line of lines) assert.equal(read(line).kind, 'refused', JSON.stringify(line));
});

test('a version 1 header is whole at its line end, and at most 107 octets long', () => {
  assert.equal(read(`PROXY UNKNOWN ${'x'.repeat(V1_HEADER_BYTES_MAX - 16)}\r\n`).kind, 'header');
  assert.equal(read(`PROXY UNKNOWN ${'x'.repeat(V1_HEADER_BYTES_MAX - 16)}`).kind, 'more');
  for (const part of [
    '',
    'P',
    'PROXY',
    'PROXY ',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1 2',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r',
    '\r\n\r\n\0',
  ]) {
    assert.equal(read(part).kind, 'more', JSON.stringify(part));
  }
});

test('version 2: TCP over IPv4 and IPv6, UDP, UNIX, LOCAL and unspecified', () => {
  const unix = Buffer.alloc(216);
  unix.write('/run/a', 0, 'latin1');
  unix.write('\0abstract', 108, 'latin1');
  const four = { source: { address: '192.0.2.1', port: 12_345 }, destination: { address: '198.51.100.7', port: 25 } };
  const cases: readonly (readonly [Buffer, object])[] = [
    [v2(0x21, 0x11, FOUR), { kind: 'tcp', ...four }],
    [v2(0x21, 0x12, FOUR), { kind: 'udp', ...four }],
    [
      v2(0x21, 0x21, SIX),
      {
        kind: 'tcp',
        source: { address: '2001:db8::1', port: 12_345 },
        destination: { address: '2001:db8::2', port: 25 },
      },
    ],
    [v2(0x21, 0x31, unix), { kind: 'unix', source: '/run/a', destination: '\0abstract' }],
    [v2(0x20, 0x00, Buffer.alloc(0)), { kind: 'local' }],
    [v2(0x20, 0x11, FOUR), { kind: 'local' }],
    [v2(0x20, 0xff, Buffer.alloc(9)), { kind: 'local' }],
    [v2(0x21, 0x00, Buffer.alloc(0)), { kind: 'unknown' }],
    [v2(0x21, 0x00, Buffer.from('anything')), { kind: 'unknown' }],
    [v2(0x21, 0x10, FOUR), { kind: 'unknown' }],
  ];
  for (const [octets, connection] of cases) {
    const reading = read(Buffer.concat([octets, Buffer.from('QUIT\r\n')]));
    assert.equal(reading.kind, 'header', octets.toString('hex'));
    if (reading.kind !== 'header') continue;
    assert.deepEqual(reading.header.connection, connection);
    assert.equal(reading.rest.toString(), 'QUIT\r\n');
  }
  const mapped = Buffer.concat([Buffer.from('00000000000000000000ffffc0000201', 'hex'), SIX.subarray(16)]);
  const reading = read(v2(0x21, 0x21, mapped));
  assert.ok(
    reading.kind === 'header' &&
      reading.header.connection.kind === 'tcp' &&
      reading.header.connection.source.address === '192.0.2.1',
  );
});

test('version 2: what is malformed or too long is refused at once', () => {
  const wrong = [
    v2(0x11, 0x11, FOUR),
    v2(0x31, 0x11, FOUR),
    v2(0x22, 0x11, FOUR),
    v2(0x2f, 0x11, FOUR),
    v2(0x21, 0x41, FOUR),
    v2(0x21, 0x13, FOUR),
    v2(0x21, 0x11, FOUR.subarray(0, 11)),
    v2(0x21, 0x21, SIX.subarray(0, 35)),
    v2(0x21, 0x31, Buffer.alloc(215)),
    v2(0x21, 0x11, Buffer.concat([FOUR, Buffer.from([4, 0])])),
    v2(0x21, 0x11, Buffer.concat([FOUR, Buffer.from([4, 0, 2, 0])])),
    v2(0x21, 0x11, Buffer.concat([FOUR, tlv(3, 'abc')])),
    v2(0x21, 0x11, Buffer.concat([FOUR, tlv(3, 'abcd')])),
    v2(0x21, 0x11, Buffer.concat([FOUR, tlv(5, 'x'.repeat(129))])),
    v2(0x21, 0x11, Buffer.concat([FOUR, tlv(0x20, '\x01\0\0\0')])),
    v2(0x21, 0x11, Buffer.concat([FOUR, tlv(0x20, '\x01\0\0\0\0\x21\0')])),
    v2(0x21, 0x11, Buffer.concat([FOUR, ...Array.from({ length: TLVS_MAX + 1 }, () => tlv(4, ''))])),
    // Refused by what it claims, before the rest has come.
    v2(0x21, 0x11, Buffer.alloc(0), V2_BODY_BYTES_MAX + 1),
    v2(0x21, 0x11, Buffer.alloc(0), 65_535),
    Buffer.from('\r\n\r\n\0\r\nQUIT\r', 'latin1'),
  ];
  for (const octets of wrong) assert.equal(read(octets).kind, 'refused', octets.toString('hex'));
  assert.equal(read(v2(0x21, 0x11, Buffer.alloc(0), V2_BODY_BYTES_MAX)).kind, 'more');
});

test('version 2: additional values, TLS facts and the checksum', () => {
  const ssl = Buffer.concat([
    Buffer.from([7, 0, 0, 0, 0]),
    tlv(0x21, 'TLSv1.3'),
    tlv(0x22, 'client.example'),
    tlv(0x23, 'TLS_AES_128_GCM_SHA256'),
    tlv(0x24, 'SHA256'),
    tlv(0x25, 'RSA2048'),
  ]);
  const tlvs = [
    { type: 1, value: Buffer.from('smtp') },
    { type: 2, value: Buffer.from('mail.example.com') },
    { type: 4, value: Buffer.alloc(9) },
    { type: 5, value: Buffer.from('id-1') },
    { type: 0x20, value: ssl },
    { type: 0x30, value: Buffer.from('blue') },
    { type: 0xea, value: Buffer.from('aws') },
  ];
  const octets = writeV2(
    { source: { address: '192.0.2.1', port: 1 }, destination: { address: '192.0.2.2', port: 2 } },
    tlvs,
    true,
  );
  const reading = read(octets);
  assert.ok(reading.kind === 'header', JSON.stringify(reading));
  assert.deepEqual(reading.header.facts, {
    alpn: 'smtp',
    authority: 'mail.example.com',
    uniqueId: Buffer.from('id-1'),
    namespace: 'blue',
    tls: {
      certificateOnConnection: true,
      certificateInSession: true,
      verified: true,
      version: 'TLSv1.3',
      cipher: 'TLS_AES_128_GCM_SHA256',
      commonName: 'client.example',
      signatureAlgorithm: 'SHA256',
      keyAlgorithm: 'RSA2048',
    },
    others: [{ type: 0xea, value: Buffer.from('aws') }],
  });
  for (const at of [12 + 4, 30, octets.length - 1]) {
    const broken = Buffer.from(octets);
    broken[at] = (broken[at] ?? 0) ^ 1;
    assert.equal(read(broken).kind, 'refused', `octet ${at}`);
  }
});

test('CRC-32C has the check value of its definition', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
});

test('the writer writes what the reader reads, however it is cut', () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  const endpoint = fc.record({ address, port: fc.nat({ max: 65_535 }) });
  fc.assert(
    fc.property(
      endpoint,
      endpoint,
      fc.boolean(),
      fc.uint8Array({ maxLength: 40 }),
      fc.array(fc.nat({ max: 120 })),
      (source, destination, first, rest, cuts) => {
        const header = first
          ? Buffer.from(writeV1({ source, destination }))
          : writeV2({ source, destination }, [{ type: 4, value: Buffer.alloc(3) }], true);
        const octets = Buffer.concat([header, rest]);
        const ends = [...cuts].sort((a, b) => a - b).filter((cut) => cut <= octets.length);
        const reading = readCut(octets, ends);
        const whole = read(octets);
        return (
          reading.kind === 'header' &&
          whole.kind === 'header' &&
          reading.rest.equals(Buffer.from(rest)) &&
          JSON.stringify(reading.header) === JSON.stringify(whole.header)
        );
      },
    ),
  );
});

test('the writer: LOCAL and UNKNOWN where there is no client', () => {
  assert.equal(writeV1(undefined), 'PROXY UNKNOWN\r\n');
  const mapped = { address: '::ffff:192.0.2.1', port: 1 };
  assert.equal(writeV1({ source: mapped, destination: mapped }), 'PROXY TCP4 192.0.2.1 192.0.2.1 1 1\r\n');
  assert.equal(
    writeV1({ source: { address: '192.0.2.1', port: 1 }, destination: { address: '::1', port: 2 } }),
    'PROXY UNKNOWN\r\n',
  );
  const reading = read(writeV2(undefined));
  assert.ok(reading.kind === 'header' && reading.header.connection.kind === 'local');
});

test('no octets make the reader throw or hold more than its bounds', () => {
  const start = fc.constantFrom(Buffer.from('PROXY '), V2_SIGNATURE, Buffer.alloc(0));
  fc.assert(
    fc.property(start, fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 20 }), (beginning, chunks) => {
      const reader = new HeaderReader();
      for (const chunk of [beginning, ...chunks]) if (reader.receive(Buffer.from(chunk)).kind !== 'more') break;
    }),
  );
});
