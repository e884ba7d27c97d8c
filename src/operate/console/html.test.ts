import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { escapeHtml, html } from './html.ts';
import { layout } from './layout.ts';
import { markdown } from './markdown.ts';

test('what is put into a page cannot become markup, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const page = html`<p title="${text}">${text}</p>`.text;
      const inside = page.slice('<p title="'.length, -'</p>'.length);
      assert.doesNotMatch(inside.replace('">', ''), /[<>"']/);
    }),
  );
});

test('controls and marks that turn the order of characters are shown as such', () => {
  assert.equal(escapeHtml('a\u202eb\0c\x1b[31m\u2066d\nx'), 'a\ufffdb\ufffdc\ufffd[31m\ufffdd\nx');
  assert.equal(escapeHtml('\ud800 lone, \u{1f600} whole'), '\ufffd lone, \u{1f600} whole');
});

test('pieces are joined, and what is missing is left out', () => {
  assert.equal(html`a${1}${undefined}${false}${['<', html`<b>`]}z`.text, 'a1&lt;<b>z');
});

test('the frame of a page escapes the names that it shows', () => {
  const text = layout({ server: '<s>', title: '<t>', at: '/', formToken: '"f"' }, 'x');
  assert.doesNotMatch(text, /<s>|<t>|"f"/);
  assert.match(text, /<a href="\/" aria-current="page">Overview<\/a>/);
});

test('the marks of articles become elements', () => {
  const shown = (text: string): string => markdown(text).text;
  assert.equal(shown('a `b<c` **d**\ne'), '<p>a <code>b&lt;c</code> <strong>d</strong> e</p>');
  assert.equal(shown('- a\n  b\n- c'), '<ul><li>a b</li><li>c</li></ul>');
  assert.equal(shown('1. a\n2. b\n\nc'), '<ol><li>a</li><li>b</li></ol><p>c</p>');
  assert.equal(shown('- a:\n  - b\n- c'), '<ul><li><p>a:</p><ul><li>b</li></ul></li><li>c</li></ul>');
  assert.equal(shown('```sh\n<x>\n```'), '<pre><code>&lt;x&gt;</code></pre>');
  assert.equal(
    shown('[see](4007.md), [x](https://a.test/)'),
    '<p><a href="/kb/4007">see</a>, <a href="https://a.test/" rel="noreferrer">x</a></p>',
  );
  assert.equal(shown('[bad](javascript:alert)'), '<p>bad (javascript:alert)</p>');
  assert.match(
    shown('| a | b |\n| --- | --- |\n| `c` | <d> |'),
    /<th>a<\/th><th>b<\/th>.*<td><code>c<\/code><\/td><td>&lt;d&gt;<\/td>/s,
  );
});

test('no text makes the reading of marks long, or makes an element of its own', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('`', '**', '[', '](', ')', '- ', '1. ', '|', '```', '\n', ' ', '<x>'), {
        maxLength: 200,
      }),
      (parts) => {
        assert.doesNotMatch(markdown(parts.join('')).text, /<x>/);
      },
    ),
  );
});
