import assert from 'node:assert/strict';
import { test } from 'node:test';
import packet from 'dns-packet';
import fc from 'fast-check';
import { readAnswer } from './answer.ts';
import { aliasesMax } from './limits.ts';
import { decodeResponse, encodeQuestion, framed } from './message.ts';
import type { DnsRecord, Response } from './message.ts';
import { printExtendedError, readExtendedErrors, speaksOfDnssec } from './extended-error.ts';
import { extendedErrorsMax, extendedErrorTextMax } from './limits.ts';
import { isHostName, isName } from './name.ts';

const question = { id: 4711, name: 'example.com', type: 'MX' } as const;

function respond(over: packet.Packet = {}): Buffer {
  return packet.encode({
    type: 'response',
    id: question.id,
    flags: packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE | packet.AUTHENTIC_DATA,
    questions: [{ name: 'example.com', type: 'MX', class: 'IN' }],
    answers: [{ name: 'Example.COM', type: 'MX', ttl: 60, data: { preference: 10, exchange: 'MX.example.com' } }],
    ...over,
  });
}

function response(answers: DnsRecord[], over: Partial<Response> = {}): Response {
  return { rcode: 0, truncated: false, authenticated: false, answers, negativeTtlSeconds: undefined, ...over };
}

test('a question asks for recursion, for the AD bit and for 1232 octets', () => {
  const decoded = packet.decode(encodeQuestion(question, true));
  assert.equal(decoded.id, 4711);
  assert.equal((decoded.flags ?? 0) & packet.AUTHENTIC_DATA, packet.AUTHENTIC_DATA);
  const opt = decoded.additionals?.[0];
  assert.equal(opt?.type === 'OPT' ? opt.udpPayloadSize : 0, 1232);
  assert.equal(packet.decode(encodeQuestion(question, false)).additionals?.length, 0);
  assert.equal(framed(encodeQuestion(question, false)).readUInt16BE(0), encodeQuestion(question, false).length);
});

test('a response is read with names in lower case', () => {
  const reading = decodeResponse(respond(), question);
  assert.ok(reading.kind === 'response');
  assert.equal(reading.response.authenticated, true);
  assert.deepEqual(reading.response.answers, [
    { name: 'example.com', type: 'MX', ttlSeconds: 60, data: { preference: 10, exchange: 'mx.example.com' } },
  ]);
});

test('an answer with another id, question, type or spelling is not ours', () => {
  for (const over of [
    { id: 4712 },
    { type: 'query' as const },
    { questions: [{ name: 'example.net', type: 'MX' as const }] },
    { questions: [{ name: 'EXAMPLE.com', type: 'MX' as const }] },
    { questions: [{ name: 'example.com', type: 'A' as const }] },
    { questions: [{ name: 'example.com', type: 'MX' as const, class: 'CH' as const }] },
    { questions: [] },
  ]) {
    assert.equal(decodeResponse(respond(over), question).kind, 'foreign', JSON.stringify(over));
  }
});

test('arbitrary octets after our id never throw', () => {
  const whole = respond();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(whole.length), (octets, cut) => {
      decodeResponse(Buffer.from(octets), question);
      decodeResponse(Buffer.concat([whole.subarray(0, cut), Buffer.from(octets)]), question);
      return true;
    }),
  );
});

test('the null MX and a TTL with the highest bit', () => {
  const reading = decodeResponse(
    respond({
      answers: [{ name: 'example.com', type: 'MX', ttl: 0x8000_0001, data: { preference: 0, exchange: '.' } }],
    }),
    question,
  );
  assert.ok(reading.kind === 'response');
  assert.deepEqual(readAnswer(reading.response, 'example.com', 'MX'), {
    kind: 'records',
    records: [{ preference: 0, exchange: '' }],
    canonicalName: 'example.com',
    ttlSeconds: 0,
  });
});

test('Q146783: a CNAME before the MX is followed within the answer', () => {
  const answers: DnsRecord[] = [
    { name: 'alias.test', type: 'CNAME', ttlSeconds: 20, data: 'real.test' },
    { name: 'real.test', type: 'MX', ttlSeconds: 60, data: { preference: 5, exchange: 'mx.real.test' } },
  ];
  assert.deepEqual(readAnswer(response(answers), 'alias.test', 'MX'), {
    kind: 'records',
    records: [{ preference: 5, exchange: 'mx.real.test' }],
    canonicalName: 'real.test',
    ttlSeconds: 20,
  });
});

test('a chain that the answer does not end is followed by another question, at most so far', () => {
  const alias: DnsRecord = { name: 'a.test', type: 'CNAME', ttlSeconds: 20, data: 'b.test' };
  assert.deepEqual(readAnswer(response([alias]), 'a.test', 'A'), {
    kind: 'follow',
    target: 'b.test',
    aliases: 1,
    ttlSeconds: 20,
  });
  assert.equal(readAnswer(response([alias]), 'a.test', 'A', aliasesMax).kind, 'too-many-aliases');
  const circle: DnsRecord[] = [alias, { name: 'b.test', type: 'CNAME', ttlSeconds: 20, data: 'a.test' }];
  assert.equal(readAnswer(response(circle), 'a.test', 'A').kind, 'too-many-aliases');
});

test('negative answers: NXDOMAIN and NODATA, their time from the SOA record, at most three hours', () => {
  assert.deepEqual(readAnswer(response([], { rcode: 3, negativeTtlSeconds: 60 }), 'x.test', 'A'), {
    kind: 'no-such-name',
    ttlSeconds: 60,
  });
  assert.deepEqual(readAnswer(response([], { rcode: 3 }), 'x.test', 'A'), { kind: 'no-such-name', ttlSeconds: 0 });
  assert.deepEqual(readAnswer(response([], { negativeTtlSeconds: 1e6 }), 'x.test', 'A'), {
    kind: 'no-data',
    canonicalName: 'x.test',
    ttlSeconds: 10_800,
  });
});

test('Q146677: a host name may begin with a digit; labels have bounds', () => {
  assert.ok(isHostName('3com.test') && isHostName('1.2.3.test'));
  for (const bad of [
    '',
    '-a.test',
    'a-.test',
    'a..test',
    'a b.test',
    '192.0.2.1',
    'a\r\nb.test',
    `${'a'.repeat(64)}.test`,
  ])
    assert.ok(!isHostName(bad), bad);
  assert.ok(isName('_25._tcp.mx.test') && isName('') && !isName(`${'a.'.repeat(127)}a`));
});

test('extended errors say why a server did not answer; their texts are bounded and plain', () => {
  const option = (code: number, text: string) => ({
    code: 15,
    data: Buffer.concat([Buffer.from([0, code]), Buffer.from(text)]),
  });
  const [bogus, network] = readExtendedErrors([
    option(6, 'DNSSEC Bogus: expired\x1b[31m\0'),
    option(23, ''),
    { code: 10 },
  ]);
  assert.ok(bogus !== undefined && network !== undefined);
  assert.equal(printExtendedError(bogus), 'DNSSEC Bogus: expired [31m');
  assert.equal(printExtendedError(network), 'Network Error');
  assert.ok(speaksOfDnssec([network, bogus]) && !speaksOfDnssec([network]));
  assert.equal(printExtendedError({ code: 4711, text: 'x' }), 'extended error 4711: x');
  const many = Array.from({ length: extendedErrorsMax + 1 }, () => option(0, 'a'.repeat(1000)));
  const read = readExtendedErrors(many);
  assert.equal(read.length, extendedErrorsMax);
  assert.equal(read[0]?.text.length, extendedErrorTextMax);
  assert.deepEqual(readExtendedErrors([{ code: 15, data: Buffer.from([1]) }]), []);
});

test('a question for an answer without validation has the CD bit', () => {
  const { flags = 0 } = packet.decode(encodeQuestion(question, true, 'unchecked'));
  assert.equal(flags & packet.CHECKING_DISABLED, packet.CHECKING_DISABLED);
});

test('an answer that was cut within a record is known as cut, so that TCP is asked; a forged one is not', () => {
  const whole = respond({ flags: packet.TRUNCATED_RESPONSE });
  const reading = decodeResponse(whole.subarray(0, whole.length - 3), question);
  assert.ok(reading.kind === 'response' && reading.response.truncated && reading.response.answers.length === 0);
  const other = respond({ flags: packet.TRUNCATED_RESPONSE, questions: [{ name: 'example.net', type: 'MX' }] });
  assert.equal(decodeResponse(other.subarray(0, other.length - 3), question).kind, 'malformed');
  assert.equal(decodeResponse(respond().subarray(0, whole.length - 3), question).kind, 'malformed');
});
