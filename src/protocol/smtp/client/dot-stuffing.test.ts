import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DotStuffing } from './dot-stuffing.ts';

function stuff(chunks: readonly Buffer[]): string {
  const dots = new DotStuffing();
  return Buffer.concat([...chunks.map((chunk) => dots.stuff(chunk)), dots.end()]).toString('latin1');
}

/** What a server makes of it (RFC 5321 §4.5.2). */
function unstuff(wire: string): string {
  const lines = wire.split('\r\n');
  assert.deepEqual(lines.slice(-2), ['.', '']);
  return lines
    .slice(0, -2)
    .map((line) => `${line.startsWith('.') ? line.slice(1) : line}\r\n`)
    .join('');
}

const pieces = fc.array(fc.constantFrom('.', '\r\n', '\r', '\n', 'a', '..', '\r\n.\r\n', 'bc'), { maxLength: 30 });

test('a server gets back what went in, in any chunking', () => {
  fc.assert(
    fc.property(pieces, (parts) => {
      const content = parts.join('');
      const wire = stuff(parts.map((part) => Buffer.from(part)));
      assert.equal(wire, stuff([Buffer.from(content)]));
      assert.equal(unstuff(wire), content === '' || content.endsWith('\r\n') ? content : `${content}\r\n`);
      assert.equal(wire.indexOf('\r\n.\r\n'), wire === '.\r\n' ? -1 : wire.length - 5);
    }),
  );
});

test('content without dots at line starts is not copied', () => {
  const content = Buffer.from('Subject: a\r\n\r\nb.c\r\n');
  assert.equal(new DotStuffing().stuff(content), content);
});

test('a dot after a bare LF is left alone, as only CRLF ends a line', () => {
  assert.equal(stuff([Buffer.from('a\n.\r\n')]), 'a\n.\r\n.\r\n');
});
