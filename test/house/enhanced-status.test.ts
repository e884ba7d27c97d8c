import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectNone, sentences } from './expect.ts';
import { search, source, typescript, type Finding, type SourceFile } from './source.ts';

/**
 * The IANA registry of enhanced status codes (RFC 5248 §2): for each subject the highest detail; none below it is missing.
 * X.6.10 is left out: it was withdrawn as a double of X.6.8.
 */
const HIGHEST: Readonly<Record<string, number>> = { 0: 0, 1: 10, 2: 4, 3: 6, 4: 7, 5: 6, 6: 9, 7: 30 };

/** Not registered, but what widespread servers say of CR or LF alone; whoever does not know it reads X.6.0 (RFC 3463 §2). */
const CUSTOMARY = new Set(['6.11']);

/** Details that standards bind to a reply code: RFC 4954 §6, RFC 7504 §3, RFC 7505 §4.1, RFC 3463 §3.6. */
const BOUND: Readonly<Record<string, readonly string[]>> = {
  235: ['7.0'],
  521: ['3.2'],
  530: ['7.0'],
  534: ['7.9'],
  535: ['7.8'],
  538: ['7.11'],
};

function isRegistered(detail: string): boolean {
  const [subject = '', number = ''] = detail.split('.');
  return Number(number) <= (HIGHEST[subject] ?? -1) || CUSTOMARY.has(detail);
}

/** Every detail that stands beside a reply code, or as the detail of a reply, in the source. */
function unregistered(files: readonly SourceFile[]): Finding[] {
  const tested = files.filter(({ path }) => !path.endsWith('.test.ts'));
  const beside = search(tested, 'text', /\b([245]\d\d),\s*'(\d\.\d{1,3})'/g, ([, code = '', detail = '']) => {
    if (!isRegistered(detail)) return `X.${detail} is not in the registry of RFC 5248`;
    const bound = BOUND[code];
    return bound === undefined || bound.includes(detail)
      ? undefined
      : `${code} goes with ${bound.join(', ')}, not ${detail}`;
  });
  const alone = search(tested, 'text', /\bdetail: '(\d\.\d{1,3})'/g, ([, detail = '']) =>
    isRegistered(detail) ? undefined : `X.${detail} is not in the registry of RFC 5248`,
  );
  return [...beside, ...alone];
}

test('the rule finds codes that nobody registered', () => {
  const file = source(
    'src/a.ts',
    "a(550, '1.1'); a(550, '1.11');\na(535, '7.1');\nconst b = { code: 450, detail: '9.0' };\na(451, '6.10');",
  );
  assert.deepEqual(sentences(unregistered([file])), [
    '1: X.1.11 is not in the registry of RFC 5248',
    '2: 535 goes with 7.8, not 7.1',
    '4: X.6.10 is not in the registry of RFC 5248',
    '3: X.9.0 is not in the registry of RFC 5248',
  ]);
});

test('every enhanced status code that we give is registered (RFC 5248 §2)', () => {
  const files = typescript('src');
  const found = files.flatMap(({ text }) => [...text.matchAll(/\b[245]\d\d,\s*'\d\.\d{1,3}'/g)]);
  assert.ok(found.length > 100, `${found.length} are seen`);
  expectNone('enhanced status codes', unregistered(files));
});
