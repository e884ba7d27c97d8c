import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimDisk } from '../../world/sim/disk.ts';
import { keepToken, sameSecret, tokenFile } from './token.ts';

const DIRECTORY = '/srv/ims';

async function stage() {
  const disk = new SimDisk({ random: { fraction: () => 0.5 } });
  await disk.makeDirectory(DIRECTORY);
  let made = 0;
  const random = {
    bytes: (count: number) => {
      made += 1;
      return Buffer.alloc(count, made);
    },
    fraction: () => 0,
  };
  return { disk, random };
}

test('a token is made once, and kept', async () => {
  const { disk, random } = await stage();
  const first = await keepToken({ disk, random }, DIRECTORY);
  assert.match(first.text, /^[\w-]{43}$/);
  assert.equal(first.notKept, undefined);
  assert.deepEqual(await keepToken({ disk, random }, DIRECTORY), first);
});

test('a token that is mangled, or that others could read, is made anew', async () => {
  const { disk, random } = await stage();
  const first = await keepToken({ disk, random }, DIRECTORY);
  await disk.replaceFile(tokenFile(DIRECTORY), 'short\n');
  const second = await keepToken({ disk, random }, DIRECTORY);
  assert.notEqual(second.text, first.text);
  const open = {
    entry: async (path: string) => {
      const entry = await disk.entry(path);
      return entry && { ...entry, mode: 0o644 };
    },
    readFile: (path: string) => disk.readFile(path),
    replaceFile: (path: string, content: Buffer | string) => disk.replaceFile(path, content),
  };
  assert.notEqual((await keepToken({ disk: open, random }, DIRECTORY)).text, second.text);
});

test('where no token can be kept there is one all the same, the same as before', async () => {
  const { disk, random } = await stage();
  assert.match((await keepToken({ disk, random }, '')).notKept ?? '', /no directory/);
  const first = await keepToken({ disk, random }, '/gone');
  assert.match(first.text, /^[\w-]{43}$/);
  assert.match(first.notKept ?? '', /ENOENT/);
  assert.equal((await keepToken({ disk, random }, '/gone', first)).text, first.text);
});

test('secrets are the same where every octet is', () => {
  assert.ok(sameSecret('abc', 'abc'));
  assert.ok(!sameSecret('abc', 'abd') && !sameSecret('abc', 'ab') && !sameSecret('', 'x'));
});
