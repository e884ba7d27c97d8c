import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Disk } from '../../world/ports/disk.ts';
import { HEADINGS, parseArticle } from './article.ts';
import { readLibrary } from './library.ts';
import { ARTICLE_BYTES_MAX } from './limits.ts';

const topic = `# A topic\n${HEADINGS.map((heading) => `\n## ${heading}\n\nWords.\n`).join('')}`;

function disk(directory: string, files: Readonly<Record<string, string>>): Pick<Disk, 'entry' | 'list' | 'readFile'> {
  return {
    entry: (path) =>
      Promise.resolve(
        path === directory ? ({ kind: 'directory' } as unknown as Awaited<ReturnType<Disk['entry']>>) : undefined,
      ),
    list: () => Promise.resolve(Object.keys(files)),
    readFile: (path) => {
      const text = files[path.slice(directory.length + 1)];
      return text === undefined ? Promise.reject(new Error('ENOENT')) : Promise.resolve(Buffer.from(text));
    },
  };
}

test('articles are found above the program; one that cannot be read takes no other away', async () => {
  const library = await readLibrary(
    disk('/opt/ims/kb', { 'b.md': topic, 'a.md': 'x', 'c.txt': '', 'd.md': ' '.repeat(ARTICLE_BYTES_MAX + 1) }),
    '/opt/ims/dist/src/service',
  );
  assert.ok(library.ok);
  assert.deepEqual(
    library.articles.map(({ name }) => name),
    ['b'],
  );
  assert.deepEqual(library.problems, [
    'a.md: the first line does not begin with "# "',
    'd.md: it is longer than an article may be',
  ]);
});

test('where no articles are installed, the place is named', async () => {
  const library = await readLibrary(disk('/elsewhere/kb', {}), '/opt/ims/dist');
  assert.deepEqual(library, { ok: false, why: 'there is no directory kb in /opt/ims/dist or above it' });
});

test('an article says what is wrong with its form', () => {
  const problem = (name: string, text: string): string => {
    const read = parseArticle(name, text);
    return 'problem' in read ? read.problem : '';
  };
  assert.equal(problem('a', topic), '');
  assert.equal(problem('4007', topic), 'the first line does not begin with "# 4007: "');
  assert.equal(problem('4007', topic.replace('# A', '# 4007: A')), 'it has 0 example lines');
  assert.match(problem('a', topic.replace('## Why', '## Because')), /^its headings are What happened, Because/);
  assert.equal(problem('a', topic.replace('## Why\n\nWords.', '## Why\n')), '"Why" is empty');
});
