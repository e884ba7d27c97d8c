import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Journal } from '../../events/journal.ts';
import { printMailbox } from '../../mail/mailbox.ts';
import type { Mailbox } from '../../mail/mailbox.ts';
import type { DomainSettings, RecipientsSettings } from '../../settings/recipients.ts';
import { createDirectory } from './directory.ts';
import type { DirectoryOptions } from './directory.ts';
import { aliasDepthMax, aliasTargetsMax } from './limits.ts';

function domain(over: Partial<DomainSettings> = {}): DomainSettings {
  return { mailboxes: {}, aliases: {}, plusAddressing: '+', ...over };
}

const box = { maySendAs: [] };

function make(settings: RecipientsSettings, over: Partial<DirectoryOptions> = {}) {
  return createDirectory({
    settings,
    relayDomains: [],
    serverName: 'mail.example.test',
    dataDirectory: '/data',
    maildirTemplate: 'mail/{domain}/{mailbox}',
    passwordVerifier: async () => false,
    world: { clock: { now: () => 0 }, random: { bytes: (count) => Buffer.alloc(count) } },
    ...over,
  });
}

function address(text: string): Mailbox {
  const at = text.lastIndexOf('@');
  return at === -1 ? { localPart: text, domain: '' } : { localPart: text.slice(0, at), domain: text.slice(at + 1) };
}

async function targets(directory: ReturnType<typeof make>, text: string): Promise<string[] | string> {
  const resolution = await directory.resolve(address(text));
  return resolution.kind === 'ours' ? resolution.targets.map(printMailbox) : resolution.kind;
}

test('Q197976: mailboxes without regard to case, and nobody else', async () => {
  const directory = make({ 'example.test': domain({ mailboxes: { Alice: box } }) });
  assert.deepEqual(await targets(directory, 'aLICE@example.test'), ['aLICE@example.test']);
  assert.equal(await targets(directory, 'bob@example.test'), 'unknown');
  assert.equal(await targets(directory, 'alice@example.org'), 'remote');
  assert.equal(await targets(directory, 'alice'), 'unknown');
});

test('Q164457: domains that share the end of a local name are not local', async () => {
  const directory = make(
    { 'example.com': domain({ mailboxes: { a: box } }) },
    { relayDomains: ['*.backup.test', 'ours.test'] },
  );
  for (const name of ['notexample.com', 'ample.com', 'sub.example.com', 'com']) {
    assert.equal(directory.isLocalDomain(name), false, name);
    assert.equal(await targets(directory, `a@${name}`), 'remote');
  }
  assert.ok(directory.isRelayDomain('a.b.backup.test') && directory.isRelayDomain('OURS.test'));
  assert.ok(
    !directory.isRelayDomain('notours.test') &&
      !directory.isRelayDomain('xbackup.test') &&
      !directory.isRelayDomain('backup.test'),
  );
});

test('plus-addressing: the tag is ignored, an exact mailbox with a tag wins, it can be turned off', async () => {
  const mailboxes = { alice: box, 'alice+exact': { maySendAs: [], disabled: 'no' } };
  const directory = make({
    'a.test': domain({ mailboxes }),
    'b.test': domain({ mailboxes: { alice: box }, plusAddressing: '' }),
  });
  assert.deepEqual(await targets(directory, 'alice+x+y@a.test'), ['alice+x+y@a.test']);
  assert.equal(await targets(directory, 'alice+exact@a.test'), 'disabled');
  assert.equal(await targets(directory, '+x@a.test'), 'unknown');
  assert.equal(await targets(directory, 'alice+x@b.test'), 'unknown');
  assert.deepEqual(await directory.mailbox(address('alice+x@a.test')), {
    kind: 'mailbox',
    name: 'alice@a.test',
    delivery: { kind: 'maildir', path: '/data/mail/a.test/alice' },
  });
});

test('Q143375: nested, overlapping and cyclic aliases give one copy each', async () => {
  const directory = make({
    'a.test': domain({
      mailboxes: { x: box, y: box },
      aliases: {
        all: ['team', 'x', 'Y@A.test', 'x+tag', 'far@else.test', 'FAR@else.test'],
        team: ['x', 'all'],
        circle: 'ring',
        ring: 'circle',
        keep: ['keep', 'far@else.test'],
      },
    }),
  });
  assert.deepEqual(await targets(directory, 'all@a.test'), ['x@a.test', 'Y@a.test', 'far@else.test', 'FAR@else.test']);
  assert.equal(await targets(directory, 'circle@a.test'), 'broken');
});

test('an alias that names itself keeps a copy in the mailbox', async () => {
  const directory = make({
    'a.test': domain({ mailboxes: { keep: box }, aliases: { keep: ['keep', 'far@else.test'] } }),
  });
  assert.deepEqual(await targets(directory, 'keep@a.test'), ['keep@a.test', 'far@else.test']);
  assert.equal(directory.localHop(address('keep@a.test')), 'local');
  assert.equal((await directory.mailbox(address('keep@a.test'))).kind, 'mailbox');
});

test('Q257578: a target that is no address concerns nobody but itself', async () => {
  const told: string[] = [];
  const journal: Journal = { emit: (name) => void told.push(name) };
  const directory = make(
    { 'a.test': domain({ mailboxes: { x: box }, aliases: { some: ['', 'smtp:', 'x', 'gone'], none: ['smtp:'] } }) },
    { journal },
  );
  assert.deepEqual(await targets(directory, 'some@a.test'), ['x@a.test']);
  assert.equal(await targets(directory, 'none@a.test'), 'broken');
  await directory.resolve(address('some@a.test'));
  assert.deepEqual(
    told,
    Array.from({ length: 4 }, () => 'recipients.alias-broken'),
  );
});

test('aliases are followed so deep and so wide, not further', async () => {
  const aliases: Record<string, string | string[]> = {};
  for (let i = 0; i <= aliasDepthMax; i += 1) aliases[`n${i}`] = `n${i + 1}`;
  aliases['wide'] = Array.from({ length: aliasTargetsMax + 10 }, (_, index) => `r${index}@else.test`);
  const directory = make({ 'a.test': domain({ mailboxes: { [`n${aliasDepthMax + 1}`]: box }, aliases }) });
  assert.equal(await targets(directory, 'n0@a.test'), 'broken');
  assert.deepEqual(await targets(directory, 'n2@a.test'), [`n${aliasDepthMax + 1}@a.test`]);
  assert.equal((await targets(directory, 'wide@a.test')).length, aliasTargetsMax);
});

test('Q245041: postmaster is always accepted, exactly and without case, at every domain and bare', async () => {
  const directory = make({ 'a.test': domain({ mailboxes: { alice: box } }), 'b.test': domain() });
  for (const text of [
    'postmaster@a.test',
    'PostMaster@b.test',
    'postmaster',
    'POSTMASTER',
    'postmaster@mail.example.test',
  ])
    assert.deepEqual(await targets(directory, text), ['alice@a.test'], text);
  for (const text of ['p@b.test', 'postmasters@b.test', 'post@b.test'])
    assert.equal(await targets(directory, text), 'unknown', text);
  assert.equal(await targets(directory, 'postmaster@else.test'), 'remote');
});

test('Q149542: a postmaster that leads nowhere stays here', async () => {
  for (const postmaster of ['gone@a.test', 'nonsense:', 'postmaster@a.test', undefined]) {
    const directory = make({ 'a.test': domain() }, postmaster === undefined ? {} : { postmaster });
    assert.deepEqual(await targets(directory, 'postmaster@a.test'), ['postmaster@a.test']);
    assert.deepEqual(await directory.mailbox(address('postmaster@a.test')), {
      kind: 'mailbox',
      name: 'postmaster@a.test',
      delivery: { kind: 'maildir', path: '/data/mail/a.test/postmaster' },
    });
    assert.equal(directory.localHop(address('postmaster@a.test')), 'local');
  }
});

test('Q183178: without any domain the postmaster of the host is still there', async () => {
  const directory = make({});
  assert.deepEqual(await targets(directory, 'postmaster'), ['postmaster@mail.example.test']);
  assert.equal((await directory.mailbox(address('postmaster@mail.example.test'))).kind, 'mailbox');
  assert.equal(directory.localHop(address('postmaster@mail.example.test')), 'local');
});

test('the postmaster configured gets the mail, elsewhere too', async () => {
  const directory = make({ 'a.test': domain({ mailboxes: { x: box } }) }, { postmaster: 'ops@else.test' });
  assert.deepEqual(await targets(directory, 'postmaster@a.test'), ['ops@else.test']);
});

test('catch-all takes unknown names, and cannot circle', async () => {
  const directory = make({
    'a.test': domain({ mailboxes: { x: box }, catchAll: 'x' }),
    'b.test': domain({ catchAll: 'nobody' }),
    'c.test': domain({ catchAll: 'any@else.test' }),
  });
  assert.deepEqual(await targets(directory, 'whoever@a.test'), ['x@a.test']);
  assert.equal(await targets(directory, 'whoever@b.test'), 'broken');
  assert.deepEqual(await targets(directory, 'whoever@c.test'), ['any@else.test']);
});

test('Q258203: unknown names of a shared name space go to the other system', async () => {
  const directory = make({ 'a.test': domain({ mailboxes: { x: box }, fallback: 'old' }) });
  assert.deepEqual(await targets(directory, 'other@a.test'), ['other@a.test']);
  assert.equal(directory.localHop(address('other@a.test')), 'host:old');
  assert.equal(directory.localHop(address('x@a.test')), 'local');
  assert.equal(directory.localHop(address('x@else.test')), undefined);
});

test('LMTP by mailbox and by domain', async () => {
  const directory = make({
    'a.test': domain({ mailboxes: { x: { maySendAs: [], delivery: { lmtp: 'dovecot' } }, y: box } }),
    'b.test': domain({ mailboxes: { x: box, y: { maySendAs: [], delivery: { discard: true } } }, lmtp: 'store' }),
  });
  const hops = ['x@a.test', 'y@a.test', 'x+t@b.test', 'y@b.test', 'gone@b.test'].map((text) =>
    directory.localHop(address(text)),
  );
  assert.deepEqual(hops, ['lmtp:dovecot', 'local', 'lmtp:store', 'local', 'local']);
  assert.deepEqual(await directory.mailbox(address('y@b.test')), {
    kind: 'mailbox',
    name: 'y@b.test',
    delivery: { kind: 'discard' },
  });
  assert.equal((await directory.mailbox(address('x@b.test'))).kind, 'unavailable');
  assert.equal((await directory.mailbox(address('gone@b.test'))).kind, 'missing');
});

test('Q237927: encapsulated addresses and percent signs are just unknown', async () => {
  const directory = make({ 'local.test': domain({ mailboxes: { user: box } }) });
  for (const text of [
    'IMCEASMTP-user+40remote+2Etest@local.test',
    'user%remote.test@local.test',
    'remote.test!user@local.test',
    'user@remote.test@local.test',
  ]) {
    assert.equal(await targets(directory, text), 'unknown', text);
  }
});

test('a mailbox name cannot leave its directory', async () => {
  const directory = make({ 'a.test': domain({ mailboxes: { '../../etc/x': box, '..': box, 'a/b': box } }) });
  const paths: string[] = [];
  for (const name of ['../../etc/x', '..', 'a/b']) {
    const found = await directory.mailbox({ localPart: name, domain: 'a.test' });
    if (found.kind === 'mailbox' && found.delivery.kind === 'maildir') paths.push(found.delivery.path);
  }
  assert.deepEqual(paths, [
    '/data/mail/a.test/%2e.%2f..%2fetc%2fx',
    '/data/mail/a.test/%2e.',
    '/data/mail/a.test/a%2fb',
  ]);
});

test('Q158590: fifty thousand mailboxes and aliases answer in constant time', async () => {
  const mailboxes: Record<string, typeof box> = {};
  const aliases: Record<string, string> = {};
  for (let i = 0; i < 50_000; i += 1) {
    mailboxes[`user${i}`] = box;
    aliases[`alias${i}`] = `user${i}`;
  }
  const directory = make({ 'a.test': domain({ mailboxes, aliases }) });
  for (let i = 0; i < 50_000; i += 1000)
    assert.deepEqual(await targets(directory, `alias${i}@a.test`), [`user${i}@a.test`]);
});

test('own address, tags, aliases and patterns may be used as sender; others not', async () => {
  const directory = make({
    'a.test': domain({
      mailboxes: { x: { maySendAs: ['*@c.test', 'Boss@d.test'] }, y: box },
      aliases: { info: 'sales', sales: ['x', 'far@else.test'], theirs: 'y' },
      catchAll: 'x',
    }),
  });
  for (const text of ['x@a.test', 'X+news@a.test', 'info@a.test', 'sales@a.test', 'any@c.test', 'boss@d.test'])
    assert.ok(directory.maySendAs('x@a.test', address(text)), text);
  for (const text of ['y@a.test', 'theirs@a.test', 'random@a.test', 'any@sub.c.test', 'other@d.test', 'x@b.test'])
    assert.ok(!directory.maySendAs('x@a.test', address(text)), text);
});
