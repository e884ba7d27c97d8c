import assert from 'node:assert/strict';
import { test } from 'node:test';
import { split } from './split.ts';

test('comments are told from strings, templates, divisions and regular expressions', () => {
  const text = [
    "const a = 'no // comment'; // yes one",
    'const b = `x ${a /* two */ + `in ${1}`} // no`;',
    'const c = d / e; /* three */ const f = /[/]\\/\\/ no/g; // four',
    "if (a) return /'/.test(b); // five",
  ].join('\n');
  const { code, comments } = split(text);
  assert.equal(code.length, text.length);
  assert.equal(comments.length, text.length);
  assert.deepEqual(
    comments.split(/\s{2,}|\n/).filter((part) => part.trim() !== ''),
    ['// yes one', '/* two */', '/* three */', '// four', '// five'],
  );
  assert.match(code, /const b = `\s+\{a\s+\+ `\s+\{1\}`\}\s+`;/);
});
