import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { frame, Lines, parseGreeting, parseRequest, parseResponse } from './frames.ts';

test('lines come out whole, however the octets are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string().map((text) => text.replaceAll('\n', ' '))),
      fc.array(fc.integer({ min: 1, max: 9 })),
      (texts, cuts) => {
        const lines = new Lines(1_000_000);
        const octets = Buffer.from(texts.map((text) => `${text}\n`).join(''));
        const out: string[] = [];
        let at = 0;
        for (let i = 0; at < octets.length; i += 1) {
          const end = at + (cuts[i % Math.max(1, cuts.length)] ?? 5);
          out.push(...(lines.take(octets.subarray(at, end)) ?? []));
          at = end;
        }
        assert.deepEqual(out, texts);
      },
    ),
  );
});

test('a line that is too long ends the connection, also when it comes in pieces', () => {
  const lines = new Lines(10);
  assert.deepEqual(lines.take(Buffer.from('0123456789\n')), ['0123456789']);
  assert.deepEqual(lines.take(Buffer.from('012345')), []);
  assert.equal(lines.take(Buffer.from('678901')), undefined);
});

test('frames are read back, and anything else is not', () => {
  assert.deepEqual(parseRequest(frame({ id: 1, action: 'status', input: {} }).trim()), {
    id: 1,
    action: 'status',
    input: {},
  });
  assert.deepEqual(parseGreeting(frame({ ims: 'control', protocol: 1, version: '1' }).trim()), {
    ims: 'control',
    protocol: 1,
    version: '1',
  });
  assert.deepEqual(parseResponse(frame({ id: 1, ok: true, result: 1 }).trim()), { id: 1, ok: true, result: 1 });
  for (const bad of ['', 'null', '[]', '{', '{"id":"1"}', '220 mail.example.com ESMTP']) {
    assert.equal(parseRequest(bad), undefined);
    assert.equal(parseGreeting(bad), undefined);
    assert.equal(parseResponse(bad), undefined);
  }
});
