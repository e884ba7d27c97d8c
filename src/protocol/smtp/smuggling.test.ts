/** What is content for us can never be the end of a message for anybody behind us ("SMTP smuggling"). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DotStuffing } from './client/dot-stuffing.ts';
import { ContentScanner } from './content/content-scanner.ts';

const TOKENS = ['\r\n', '\r', '\n', '.', '\0', 'x'];
const LENGTH = 5;

/** All sequences of so many tokens. */
function* sequences(length: number): Generator<string> {
  if (length === 0) {
    yield '';
    return;
  }
  for (const head of TOKENS) for (const tail of sequences(length - 1)) yield head + tail;
}

/** Reads octets of DATA cut in two; the content, or undefined where it is refused. */
function received(
  octets: Buffer,
  cut: number,
  bareLineEndings: 'refuse' | 'normalise',
): { content: string | undefined; end: number } {
  const scanner = new ContentScanner({ dots: true, bareLineEndings, sizeMax: 1000 });
  const views: Buffer[] = [];
  const take = (view: Buffer): void => void views.push(Buffer.from(view));
  let end = scanner.scan(octets, 0, cut, take);
  if (!scanner.ended) end = scanner.scan(octets, cut, octets.length, take);
  assert.ok(scanner.ended, JSON.stringify(octets.toString('latin1')));
  return { content: scanner.broken === 'no' ? Buffer.concat(views).toString('latin1') : undefined, end };
}

function relayed(content: string, cut: number): string {
  const dots = new DotStuffing();
  const octets = Buffer.from(content, 'latin1');
  return Buffer.concat([dots.stuff(octets.subarray(0, cut)), dots.stuff(octets.subarray(cut)), dots.end()]).toString(
    'latin1',
  );
}

/** The end of data by the book: CR LF '.' CR LF, the first CR LF being that of the line before (RFC 5321 §4.1.1.4). */
function trueEnd(wire: string): number {
  return wire.startsWith('.\r\n') ? 3 : wire.indexOf('\r\n.\r\n') + 5;
}

test('every short sequence of CR, LF, NUL and dots: only CR LF . CR LF ends a message, here and at the next hop', () => {
  for (const sequence of sequences(LENGTH)) {
    const wire = `a${sequence}b\r\n.\r\n`;
    const octets = Buffer.from(wire, 'latin1');
    const bare = /\r(?!\n)|(?<!\r)\n/.test(wire.slice(0, trueEnd(wire)));
    for (const mode of ['refuse', 'normalise'] as const) {
      const whole = received(octets, octets.length, mode);
      assert.equal(whole.end, trueEnd(wire), JSON.stringify(wire));
      if (mode === 'refuse') assert.equal(whole.content === undefined, bare, JSON.stringify(wire));
      for (let cut = 1; cut < octets.length; cut += 1)
        assert.deepEqual(received(octets, cut, mode), whole, JSON.stringify([wire, cut]));
      if (whole.content === undefined) continue;
      assert.doesNotMatch(whole.content, /\r(?!\n)|(?<!\r)\n/, JSON.stringify(wire));
      const onward = relayed(whole.content, whole.content.length);
      // The laxest next hop takes any CR or LF around a dot for the end: it finds none before ours.
      assert.equal(onward.search(/(?:^|[\r\n])\.[\r\n]/) >= onward.length - 5, true, JSON.stringify([wire, onward]));
      for (let cut = 1; cut < whole.content.length; cut += 1) assert.equal(relayed(whole.content, cut), onward);
      assert.equal(received(Buffer.from(onward, 'latin1'), 0, 'refuse').content, whole.content);
    }
  }
});

test('BDAT content of every short sequence, with any end, passes to the next hop as it is or is refused', () => {
  for (const sequence of sequences(LENGTH)) {
    const octets = Buffer.from(sequence, 'latin1');
    const scanner = new ContentScanner({ dots: false, bareLineEndings: 'refuse', sizeMax: 1000 });
    const views: Buffer[] = [];
    const take = (view: Buffer): void => void views.push(Buffer.from(view));
    scanner.scan(octets, 0, octets.length, take);
    scanner.finish(take);
    assert.equal(scanner.broken !== 'no', /\r(?!\n)|(?<!\r)\n/.test(sequence), JSON.stringify(sequence));
    if (scanner.broken !== 'no') continue;
    const content = Buffer.concat(views).toString('latin1');
    assert.equal(content, sequence);
    const onward = relayed(content, 1);
    assert.equal(onward.search(/(?:^|[\r\n])\.[\r\n]/) >= onward.length - 5, true, JSON.stringify([sequence, onward]));
    const ended = content === '' || content.endsWith('\r\n') ? content : `${content}\r\n`;
    assert.equal(received(Buffer.from(onward, 'latin1'), 0, 'refuse').content, ended);
  }
});
