import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { keptFieldBytesMax, keptFieldsMax, malformedLinesMax } from './limits.ts';
import { HeaderScanner, fieldValue } from './scanner.ts';

const KEEP = new Set(['bcc', 'message-id', 'content-type', 'subject']);

function scan(
  content: string | Buffer,
  options: { size?: number; hops?: number; cuts?: readonly number[] } = {},
): HeaderScanner {
  const scanner = new HeaderScanner({
    keep: KEEP,
    headerSizeMax: options.size ?? 256 * 1024,
    hopsMax: options.hops ?? 50,
  });
  const octets = Buffer.isBuffer(content) ? content : Buffer.from(content);
  const cuts = [0, ...(options.cuts ?? []), octets.length].sort((a, b) => a - b);
  for (let n = 1; n < cuts.length; n += 1) scanner.feed(Buffer.from(octets.subarray(cuts[n - 1], cuts[n])));
  scanner.finish();
  return scanner;
}

test('places of kept fields are exact, with their folds, however the content is cut', () => {
  const content = 'Received: a\r\n\tb\r\nBCC : x@y,\r\n z@y\r\nSubject: hi\r\nX: y\r\nbcc: again\r\n\r\nBcc: body\r\n';
  fc.assert(
    fc.property(fc.array(fc.nat(content.length), { maxLength: 20 }), (cuts) => {
      const scanner = scan(content, { cuts });
      assert.deepEqual(
        scanner.fields.map(({ name, start, end, octets }) => [name, content.slice(start, end), octets.toString()]),
        [
          ['bcc', 'BCC : x@y,\r\n z@y\r\n', 'BCC : x@y,\r\n z@y\r\n'],
          ['subject', 'Subject: hi\r\n', 'Subject: hi\r\n'],
          ['bcc', 'bcc: again\r\n', 'bcc: again\r\n'],
        ],
      );
      assert.equal(scanner.hops, 1);
      assert.equal(scanner.endsWithEmptyLine, true);
      assert.equal(scanner.end, content.indexOf('\r\n\r\n') + 2);
    }),
  );
});

test('Q175236: unfolding takes the line end away and leaves the white space', () => {
  const [field] = scan('Content-Type: multipart/mixed;\r\n\tboundary="a\r\n b"\r\n\r\n').fields;
  assert.ok(field);
  assert.equal(fieldValue(field), 'multipart/mixed;\tboundary="a b"');
});

test('Q175841: a header without an empty line keeps its last field, even without a line end', () => {
  const scanner = scan('Subject: a\r\nBcc: last');
  assert.equal(scanner.fields[1]?.octets.toString(), 'Bcc: last');
  assert.equal(scanner.fields[1]?.end, 21);
  assert.equal(scanner.endsWithEmptyLine, false);
});

test('Q301690: garbage, lines without a colon and NULs are counted and passed over', () => {
  const scanner = scan(
    Buffer.concat([
      Buffer.from([0, 255, 10, 13, 0, 58, 10]),
      Buffer.from('no colon\r\n: empty\r\nSubject: ok\r\n\r\n'),
    ]),
  );
  assert.equal(scanner.first('subject')?.octets.toString(), 'Subject: ok\r\n');
  assert.ok(scanner.malformed >= 3);
  assert.equal(scanner.excess, undefined);
});

test('any octets in any pieces: no throw, and the same result', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.array(fc.nat(400), { maxLength: 8 }), (octets, cuts) => {
      const content = Buffer.from(octets);
      const whole = scan(content);
      const pieces = scan(content, { cuts: cuts.filter((cut) => cut < content.length) });
      assert.deepEqual(
        [pieces.end, pieces.malformed, pieces.hops, pieces.fields],
        [whole.end, whole.malformed, whole.hops, whole.fields],
      );
    }),
  );
});

test('each limit is known as soon as it is passed', () => {
  assert.equal(scan(`X: ${'y'.repeat(2000)}\r\n\r\n`, { size: 1000 }).excess, 'size');
  assert.equal(scan(`${'X: y\r\n'.repeat(1000)}\r\n`, { size: 1000 }).excess, 'size');
  assert.equal(scan(`${'Received: x\r\n'.repeat(51)}\r\n`).excess, 'hops');
  assert.equal(scan(`${'Received: x\r\n'.repeat(50)}\r\nReceived: body\r\n`).excess, undefined);
  assert.equal(scan(`${'Bcc: a@b\r\n'.repeat(keptFieldsMax + 1)}\r\n`).excess, 'fields');
  const prose = scan('a line of a body without a header\r\n'.repeat(malformedLinesMax + 100_000));
  assert.equal(prose.excess, undefined);
  assert.equal(prose.done, true);
});

test('a field longer than what is kept is known by its place', () => {
  const long = `Subject: ${'x'.repeat(keptFieldBytesMax)}\r\n y\r\n`;
  const [field] = scan(`${long}\r\n`).fields;
  assert.equal(field?.end, long.length);
  assert.equal(field?.octets.length, keptFieldBytesMax);
  assert.equal(field?.cut, true);
});

test('Q182827: a line of 200 KB in single octets is read in linear time', () => {
  const scanner = new HeaderScanner({ keep: KEEP, headerSizeMax: 256 * 1024, hopsMax: 50 });
  const octet = Buffer.from('x');
  for (let count = 0; count < 200_000; count += 1) scanner.feed(octet);
  scanner.finish();
  assert.equal(scanner.malformed, 1);
});

test('a section that begins with a continuation is no section: it would continue the field that is put before it', () => {
  for (const content of [' folded\r\nSubject: x\r\n\r\n', '\tX\r\n\r\n', ' \r\nSubject: x\r\n\r\n']) {
    const scanner = scan(content);
    assert.deepEqual([scanner.hasFields, scanner.malformed, scanner.end], [false, 1, 0], JSON.stringify(content));
  }
});
