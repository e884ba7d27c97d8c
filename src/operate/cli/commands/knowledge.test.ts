import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEADINGS } from '../../knowledge/index.ts';
import { main, type CliIo } from '../main.ts';

const text = (title: string, see = 'Nothing.', example = ''): string =>
  `# ${title}\n${HEADINGS.map((heading) => `\n## ${heading}\n\n${heading === 'See also' ? see : `Words of ${title}.`}\n`).join('')}${example}`;

const files: Readonly<Record<string, string>> = {
  '4007.md': text(
    '4007: A listener could not be bound',
    '[Behind](behind-a-proxy-2001.md), [x](https://x.test/)',
    '\n```json\n{}\n```\n',
  ),
  'behind-a-proxy-2001.md': text('Behind a proxy'),
};

async function run(
  ...words: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly error: string }> {
  let out = '';
  let error = '';
  const disk = {
    entry: (path: string) => Promise.resolve(path === '/opt/ims/kb' ? {} : undefined),
    list: () => Promise.resolve(Object.keys(files)),
    readFile: (path: string) => Promise.resolve(Buffer.from(files[path.slice('/opt/ims/kb/'.length)] ?? '')),
  };
  const io = {
    stdout: { write: (part: string) => (out += part) },
    stderr: { write: (part: string) => (error += part) },
    environment: {},
    version: '0',
    programDirectory: words.includes('nowhere') ? '/srv' : '/opt/ims/dist/src/service',
    world: { disk },
  } as unknown as CliIo;
  const code = await main(['kb', ...words], io);
  return { code, out, error };
}

test('an article is shown by number, by the name of its event, and by the name of a topic', async () => {
  const shown = await run('4007');
  assert.equal(shown.code, 0);
  assert.match(shown.out, /^4007: A listener could not be bound\n\nWhat happened\n/);
  assert.match(shown.out, /Behind \(ims kb behind-a-proxy-2001\), x \(https:\/\/x\.test\/\)/);
  assert.equal((await run('supervisor.listener-not-bound')).out, shown.out);
  assert.match((await run('behind-a-proxy-2001')).out, /^Behind a proxy\n/);
});

test('a number of the original service leads to the article of its situation', async () => {
  assert.match((await run('4003')).out, /^4003 is a number of the original service[^\n]*\n\nBehind a proxy\n/);
});

test('an event without article says that it asks nothing', async () => {
  const { code, error } = await run('1000');
  assert.equal(code, 1);
  assert.match(error, /Event 1000 \(The service runs\) asks nothing of anybody/);
});

test('words and pasted texts are searched for, with or without the word search', async () => {
  const pasted = 'fatal: bind 0.0.0.0 port 25: Address already in use';
  const { out, code } = await run('search', pasted);
  assert.equal(code, 0);
  assert.match(out, /^ARTICLE .*\n4007 /);
  assert.match(out, /\nRead the first: ims kb 4007\n$/);
  assert.equal((await run(...pasted.split(' '))).out, out);
  assert.match((await run('search', '--bind-address', 'EADDRINUSE')).out, /\n4007 /);
  assert.equal((await run('search', 'xyzzy')).code, 1);
});

test('every answer is there as JSON', async () => {
  const list: { articles: { article: string; severity: string }[] } = JSON.parse((await run('list', '--json')).out);
  assert.deepEqual(
    list.articles.map(({ article, severity }) => [article, severity]),
    [
      ['4007', 'error'],
      ['behind-a-proxy-2001', 'topic'],
    ],
  );
  const found: { results: { article: string }[] } = JSON.parse((await run('search', '10048', '--json')).out);
  assert.equal(found.results[0]?.article, '4007');
  const one: { number: number } = JSON.parse((await run('4007', '--json')).out);
  assert.equal(one.number, 4007);
});

test('where no articles are installed, that is said', async () => {
  const { code, error } = await run('nowhere');
  assert.equal(code, 5);
  assert.match(error, /The articles are not installed: there is no directory kb in \/srv or above it\./);
});
