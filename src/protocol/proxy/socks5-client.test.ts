import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Socks5Client } from './socks5-client.ts';
import type { TunnelStep } from './tunnel.ts';

const LOGIN = { user: 'ims', password: 'secret' };
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** Feeds octets one by one and returns what was sent and the last step. */
function speak(client: Socks5Client, answers: Buffer, size = 1): { sent: string; step: TunnelStep } {
  const sent = [client.open()];
  let step: TunnelStep = { kind: 'more' };
  for (let at = 0; at < answers.length && step.kind === 'more'; at += size) {
    step = client.receive(answers.subarray(at, at + size));
    if (step.kind === 'more' && step.send !== undefined) sent.push(step.send);
  }
  return { sent: Buffer.concat(sent).toString('hex'), step };
}

test('names, IPv4 and IPv6 are asked for without a login', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['mx.example', '030a6d782e6578616d706c65'],
    ['192.0.2.1', '01c0000201'],
    ['2001:db8::1', '0420010db8000000000000000000000001'],
  ];
  for (const [host, address] of cases) {
    const { sent, step } = speak(new Socks5Client({ host, port: 25 }), hex('05 00 05 00 00 01 00000000 0000'));
    assert.equal(sent, `050100050100${address}0019`);
    assert.deepEqual(step, { kind: 'open', rest: Buffer.alloc(0) });
  }
});

test('user and password go only to a proxy that asks for them', () => {
  const asked = speak(
    new Socks5Client({ host: '192.0.2.1', port: 25 }, LOGIN),
    hex('05 02 01 00 05 00 00 03 02 6162 0019'),
  );
  assert.equal(asked.sent, `05020002${'0103696d7306736563726574'}05010001c00002010019`);
  assert.equal(asked.step.kind, 'open');
  const not = speak(new Socks5Client({ host: '192.0.2.1', port: 25 }, LOGIN), hex('0500'));
  assert.equal(not.sent, '0502000205010001c00002010019');
});

test('what follows the reply belongs to the tunnel', () => {
  const client = new Socks5Client({ host: '192.0.2.1', port: 25 });
  client.open();
  client.receive(hex('0500'));
  const step = client.receive(
    Buffer.concat([hex('05 00 00 04 00000000000000000000000000000000 0019'), Buffer.from('220 mx')]),
  );
  assert.ok(step.kind === 'open');
  assert.equal(step.rest.toString(), '220 mx');
});

test('every reply code is told in words, and those about the target as an errno', () => {
  const words = (code: string): string => {
    const { step } = speak(new Socks5Client({ host: '192.0.2.1', port: 25 }), hex(`0500 05${code}`));
    assert.ok(step.kind === 'failed');
    return `${step.failure.kind} ${'errno' in step.failure ? step.failure.errno : ''} ${step.failure.words}`;
  };
  assert.deepEqual(['01', '02', '03', '04', '05', '06', '07', '08', '09', 'ff'].map(words), [
    'refused  general SOCKS server failure',
    'refused  connection not allowed by ruleset',
    'target-unreachable ENETUNREACH network unreachable',
    'target-unreachable EHOSTUNREACH host unreachable',
    'target-unreachable ECONNREFUSED connection refused',
    'target-unreachable ETIMEDOUT TTL expired',
    'refused  command not supported',
    'refused  address type not supported',
    'refused  reply 9, which has no meaning in the standard',
    'refused  reply 255, which has no meaning in the standard',
  ]);
});

test('a login that is demanded, refused or not understood is told apart from a wrong protocol', () => {
  const kind = (answers: Buffer, login?: typeof LOGIN): string => {
    const { step } = speak(new Socks5Client({ host: '192.0.2.1', port: 25 }, login), answers, answers.length);
    return step.kind === 'failed' ? step.failure.kind : step.kind;
  };
  assert.equal(kind(hex('05ff')), 'login-refused');
  assert.equal(kind(hex('05ff'), LOGIN), 'login-refused');
  for (const wrong of ['0502', '0501', '0503', '0400', '004e', '050005'])
    assert.equal(kind(hex(wrong)), 'wrong-protocol', wrong);
  assert.equal(kind(Buffer.from('HTTP/1.1 400 Bad Request\r\n')), 'wrong-protocol');
  assert.equal(kind(Buffer.from('220 mail ESMTP\r\n')), 'wrong-protocol');
  const late = (answers: string, login?: typeof LOGIN): string => {
    const { step } = speak(new Socks5Client({ host: '192.0.2.1', port: 25 }, login), hex(answers));
    return step.kind === 'failed' ? step.failure.kind : step.kind;
  };
  assert.equal(late('0502 0101', LOGIN), 'login-refused');
  assert.equal(late('0502 0201', LOGIN), 'wrong-protocol');
  assert.equal(late('0500 04'), 'wrong-protocol');
  assert.equal(late('0500 050001'), 'wrong-protocol');
  assert.equal(late('0500 05000002'), 'wrong-protocol');
  assert.equal(late('0500 05000001 00000000 00'), 'more');
});

test('nothing a proxy sends makes the client throw', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 8 }), fc.boolean(), (chunks, login) => {
      const client = new Socks5Client({ host: 'mx.example', port: 25 }, login ? LOGIN : undefined);
      client.open();
      client.receive(hex('0500'));
      for (const chunk of chunks) if (client.receive(Buffer.from(chunk)).kind !== 'more') break;
    }),
  );
});
