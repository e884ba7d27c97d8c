import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { LocalCourier } from '../../../src/flow/delivery/local/courier.ts';
import type { AttemptResult } from '../../../src/flow/delivery/port.ts';
import type { LocalMailbox } from '../../../src/flow/recipients/port.ts';
import type { LocalDelivery } from '../../../src/flow/routing/port.ts';
import { printReply } from '../../../src/mail/reply.ts';
import { nodeClock } from '../../../src/world/node/clock.ts';
import { nodeDisk } from '../../../src/world/node/disk.ts';
import { nodePrograms } from '../../../src/world/node/programs.ts';
import type { Disk } from '../../../src/world/ports/disk.ts';
import { claimOf, memoryContent, memoryJournal } from '../../support/claims.ts';

const base = await mkdtemp(join(tmpdir(), 'ims-local-'));
after(() => rm(base, { recursive: true, force: true }));
let root = base;
beforeEach(async () => {
  root = await mkdtemp(join(base, 'case-'));
});

const TEXT = 'Subject: x\r\n\r\nhello\r\n';

function courier(delivery: LocalDelivery | LocalMailbox, disk: Disk = nodeDisk) {
  const journal = memoryJournal();
  const found: LocalMailbox =
    'path' in delivery || delivery.kind === 'pipe' || delivery.kind === 'discard'
      ? { kind: 'mailbox', name: 'a', delivery }
      : delivery;
  const directory = { mailbox: async () => found };
  const world = { clock: nodeClock, disk, programs: nodePrograms };
  return { journal, courier: new LocalCourier({ world, directory, journal }) };
}

function show(result: AttemptResult): string[] {
  return result.outcomes.map(
    ({ outcome }) => `${outcome.kind} ${outcome.reply === undefined ? '' : printReply(outcome.reply)}`,
  );
}

/** The Maildir that the directory names for this case. */
const maildirHere = () => ({ kind: 'maildir', path: join(root, 'mail/y.test/a') }) as const;
const claim = (more: Parameters<typeof claimOf>[2] = {}) => claimOf(['a@y.test'], memoryContent(TEXT), more);

test('a message is in new, with its prefix, private, and nothing is left in tmp', async () => {
  assert.match(show(await courier(maildirHere()).courier.attempt(claim()))[0] ?? '', /^delivered/);
  const maildir = join(root, 'mail/y.test/a');
  const [name] = await readdir(join(maildir, 'new'));
  assert.equal(
    await readFile(join(maildir, 'new', name ?? ''), 'utf8'),
    `Return-Path: <s@x.test>\r\nDelivered-To: a@y.test\r\n${TEXT}`,
  );
  assert.deepEqual(await readdir(join(maildir, 'tmp')), []);
  assert.deepEqual(await readdir(join(maildir, 'cur')), []);
  assert.equal((await stat(join(maildir, 'new', name ?? ''))).mode & 0o777, 0o600);
  assert.equal((await stat(maildir)).mode & 0o777, 0o700);
});

test('a second attempt after a crash makes no duplicate: in new, in cur, or with a file left in tmp', async () => {
  const maildir = join(root, 'mail/y.test/a');
  await courier(maildirHere()).courier.attempt(claim());
  assert.match(show(await courier(maildirHere()).courier.attempt(claim()))[0] ?? '', /already in the mailbox/);
  const [name = ''] = await readdir(join(maildir, 'new'));
  await rename(join(maildir, 'new', name), join(maildir, 'cur', `${name}:2,S`));
  await writeFile(join(maildir, 'tmp', name), 'half');
  assert.match(show(await courier(maildirHere()).courier.attempt(claim()))[0] ?? '', /already in the mailbox/);
  assert.deepEqual(await readdir(join(maildir, 'new')), []);
  assert.match(show(await courier(maildirHere()).courier.attempt(claim({ deliveryId: '2.0' })))[0] ?? '', /^delivered/);
  await writeFile(join(maildir, 'tmp', name.replace('1.0', '3.0')), 'half');
  assert.match(show(await courier(maildirHere()).courier.attempt(claim({ deliveryId: '3.0' })))[0] ?? '', /^delivered/);
  assert.equal((await readdir(join(maildir, 'new'))).length, 2);
});

test('many recipients and many messages at once are all there', async () => {
  const { courier: one } = courier({ kind: 'maildir', path: join(root, 'shared') });
  const claims = Array.from({ length: 30 }, (_, i) =>
    claimOf(['a@y.test', 'b@y.test', 'c@y.test'], memoryContent(TEXT, { streamed: i % 2 === 0, chunkBytes: 5 }), {
      deliveryId: String(i),
    }),
  );
  await Promise.all(claims.map((each) => one.attempt(each)));
  assert.equal((await readdir(join(root, 'shared/new'))).length, 90);
});

test('a message that has been delivered here before is a loop', async () => {
  const looped = claimOf(['a@y.test'], memoryContent(`Delivered-To: A@y.test\r\n${TEXT}`));
  assert.match(show(await courier(maildirHere()).courier.attempt(looped))[0] ?? '', /^failed 554 5\.4\.6/);
});

test('missing mailboxes fail, a silent directory defers', async () => {
  assert.match(show(await courier({ kind: 'missing' }).courier.attempt(claim()))[0] ?? '', /^failed 550 5\.1\.1/);
  assert.match(
    show(await courier({ kind: 'unavailable', why: 'x' }).courier.attempt(claim()))[0] ?? '',
    /^deferred 451 4\.3\.0/,
  );
});

for (const [errno, reply] of [
  ['ENOSPC', '452 4.3.1'],
  ['EDQUOT', '452 4.2.2'],
  ['EACCES', '451 4.3.0'],
  ['EIO', '451 4.3.0'],
] as const) {
  test(`${errno} at a Maildir defers with one event until it is over`, async () => {
    let broken = true;
    const disk: Disk = {
      ...nodeDisk,
      open: (path, how, mode) =>
        broken ? Promise.reject(Object.assign(new Error(errno), { code: errno })) : nodeDisk.open(path, how, mode),
    };
    const { courier: one, journal } = courier(maildirHere(), disk);
    for (let i = 0; i < 2; i++) assert.ok(show(await one.attempt(claim()))[0]?.startsWith(`deferred ${reply}`));
    assert.deepEqual(journal.names, ['delivery.mailbox-unwritable']);
    broken = false;
    assert.match(show(await one.attempt(claim({ deliveryId: '9' })))[0] ?? '', /^delivered/);
    broken = true;
    await one.attempt(claim({ deliveryId: '10' }));
    assert.equal(journal.names.length, 2);
  });
}

test('a sync that fails is not a delivery', async () => {
  const disk: Disk = {
    ...nodeDisk,
    syncDirectory: (path) =>
      path.endsWith('/new')
        ? Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' }))
        : nodeDisk.syncDirectory(path),
  };
  assert.match(show(await courier(maildirHere(), disk).courier.attempt(claim()))[0] ?? '', /^deferred 451 4\.3\.0/);
});

test('content that cannot be read is not the mailbox’s fault', async () => {
  const { courier: one, journal } = courier(maildirHere());
  let reads = 0;
  const content = {
    ...memoryContent(TEXT, { streamed: true }),
    async *chunks() {
      yield Buffer.from('Subject: x\r\n\r\n');
      reads += 1;
      if (reads > 0) throw new Error('EIO');
    },
  };
  assert.match(show(await one.attempt(claimOf(['a@y.test'], content)))[0] ?? '', /cannot be read from the queue/);
  assert.deepEqual(journal.names, ['delivery.content-unreadable']);
  assert.deepEqual(await readdir(join(root, 'mail/y.test/a/tmp')), []);
});

test('a directory gets one file a message', async () => {
  await mkdir(join(root, 'drop'));
  const { courier: one } = courier({ kind: 'directory', path: join(root, 'drop') });
  await one.attempt(claimOf(['a@y.test', 'b@y.test'], memoryContent(TEXT)));
  await one.attempt(claimOf(['a@y.test', 'b@y.test'], memoryContent(TEXT)));
  const names = await readdir(join(root, 'drop'));
  assert.equal(names.length, 2);
  assert.ok(names.every((name) => name.endsWith('.eml')));
});

test('a program gets the message and its exit code decides', async () => {
  const script = join(root, 'take.sh');
  await writeFile(
    script,
    `#!/bin/sh\ncat > "${root}/got"; printf '%s %s' "$SENDER" "$RECIPIENT" > "${root}/who"; test "$RECIPIENT" = a@y.test || { echo nobody; exit 67; }\n`,
  );
  await chmod(script, 0o755);
  const { courier: one } = courier({ kind: 'pipe', command: [script], timeoutMs: 10_000, environment: {} });
  assert.match(show(await one.attempt(claim()))[0] ?? '', /^delivered/);
  assert.equal(
    await readFile(join(root, 'got'), 'utf8'),
    `Return-Path: <s@x.test>\r\nDelivered-To: a@y.test\r\n${TEXT}`,
  );
  assert.equal(await readFile(join(root, 'who'), 'utf8'), 's@x.test a@y.test');
  assert.match(
    show(await one.attempt(claimOf(['b@y.test'], memoryContent(TEXT))))[0] ?? '',
    /^failed 550 5\.1\.1 .* nobody$/,
  );
});

test('a program that does not exist defers, with one event', async () => {
  const { courier: one, journal } = courier({
    kind: 'pipe',
    command: [join(root, 'absent')],
    timeoutMs: 1000,
    environment: {},
  });
  for (let i = 0; i < 2; i++) assert.match(show(await one.attempt(claim()))[0] ?? '', /^deferred 451 4\.3\.0/);
  assert.deepEqual(journal.names, ['delivery.program-not-started']);
});

test('a program that does not end is ended', async () => {
  const { courier: one } = courier({ kind: 'pipe', command: ['/bin/sleep', '60'], timeoutMs: 50, environment: {} });
  assert.match(show(await one.attempt(claim()))[0] ?? '', /did not end in time/);
});

test('discard delivers to nowhere, with an event', async () => {
  const { courier: one, journal } = courier({ kind: 'discard' });
  assert.match(show(await one.attempt(claim()))[0] ?? '', /^delivered/);
  assert.deepEqual(journal.names, ['delivery.message-discarded']);
});

test('two first messages of a mailbox could be recorded as delivered before the names of the new Maildir were stable', async () => {
  const calls: string[] = [];
  const disk: Disk = {
    ...nodeDisk,
    makeDirectory: async (path, mode) => {
      await nodeDisk.makeDirectory(path, mode);
      calls.push(`made ${path}`);
    },
    syncDirectory: async (path) => {
      await nodeDisk.syncDirectory(path);
      calls.push(`synced ${path}`);
    },
  };
  assert.match(show(await courier(maildirHere(), disk).courier.attempt(claim()))[0] ?? '', /^delivered/);
  const maildir = join(root, 'mail/y.test/a');
  const shown = calls.indexOf(`made ${join(maildir, 'tmp')}`);
  for (const path of [maildir, dirname(maildir), join(root, 'mail'), root]) {
    const synced = calls.indexOf(`synced ${path}`);
    assert.ok(synced >= 0 && synced < shown, `${path} is synced before tmp is there: ${calls.join(', ')}`);
  }
});
