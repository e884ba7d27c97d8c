import assert from 'node:assert/strict';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { arrived, Town, until } from './town.ts';

const MESSAGES = 3;
let from: Town;
let to: Town;
before(async () => {
  // Nobody is at home at far.test as the first host sees it; the second one is its home.
  from = await Town.found({ scheduler: '  jitter: 0\n  normal: { first: 1h, longest: 1h }\n' });
  to = await Town.found({ more: '  far.test:\n    mailboxes: { u0: {}, u1: {}, u2: {} }\n' });
});
after(async () => {
  await from.leave();
  await to.leave();
});

const folder = (): string => join(from.service.directory, 'waiting');
const content = (n: number): string =>
  `Message-ID: <m${n}@x.test>\r\nSubject: x\r\n\r\n${n === 0 ? 'y'.repeat(70).concat('\r\n').repeat(70_000) : `kept ${n}`}\r\n`;

test('Q285090: a drain takes no more mail, sends the rest, and says what is left, why, and which MX still lead here', {
  timeout: 90_000,
}, async () => {
  from.zone('example.test MX 10 mail.example.test', 'mail.example.test A 127.0.0.1', 'far.test MX 10 none.far.test');
  from.zone('none.far.test A 127.0.9.9');
  const host = await from.host({}, 'near.test');
  for (let n = 0; n < MESSAGES; n += 1)
    assert.match(await from.send({ from: 'bob@client.test', to: [`u${n}@far.test`], content: content(n) }), /^250/);
  await from.waiting('far.test', ({ attempts }) => attempts > 0);
  await from.service.ims('transfer', 'in');
  await from.send({ from: 'bob@client.test', to: ['x@near.test'], content: 'Subject: x\r\n\r\nx\r\n' });
  const drained = await from.service.ims('drain', '--wait', '5s');
  assert.equal(drained.code, 1, drained.stderr);
  await arrived(host);
  assert.match(drained.stdout, /^ +3 .* mx:far\.test +.*ECONNREFUSED/m);
  assert.match(drained.stdout, /Remove or lower the MX records that name this host first: example\.test/);
  assert.match(drained.stdout, /ims queue export/);
  assert.match(await from.send({ from: 'a@client.test', to: ['u0@example.test'], content: 'x\r\n' }), /^421 4\.3\.2/);
});

test('Q285090: a server with mail that is nowhere else is not given up', { timeout: 60_000 }, async () => {
  const { code, stdout } = await from.service.ims('retire');
  assert.equal(code, 1);
  assert.match(stdout, /3 messages of the queue would be lost/);
  assert.match(stdout, /the MX of example\.test still names this host/);
});

test('Q285090: what is left goes into a folder, octet for octet, and nothing in it is overwritten', {
  timeout: 60_000,
}, async () => {
  const exported = await from.service.ims('queue', 'export', folder());
  assert.equal(exported.code, 0, exported.stdout + exported.stderr);
  const names = await readdir(folder());
  assert.equal(names.filter((name) => name.endsWith('.eml')).length, MESSAGES);
  assert.equal(names.filter((name) => name.endsWith('.envelope.json')).length, MESSAGES);
  const bodies = await Promise.all(
    names.filter((name) => name.endsWith('.eml')).map((name) => readFile(join(folder(), name), 'latin1')),
  );
  for (let n = 0; n < MESSAGES; n += 1) assert.equal(bodies.filter((body) => body.endsWith(content(n))).length, 1);
  const { rows } = await from.queue();
  assert.ok(rows.every(({ held }) => held));
  const again = await from.service.ims('queue', 'export', folder());
  assert.equal(again.code, 5);
  assert.match(again.stderr, /is not empty/);
  from.dns.load('far.test MX 10 none.far.test');
  const retired = await from.service.ims('retire', '--exported', folder());
  assert.equal(retired.code, 0, retired.stdout);
  assert.match(retired.stdout, /1\. ims stop/);
});

test('Q285090: another host takes the folder in, each message once, also where an import was cut off', {
  timeout: 90_000,
}, async () => {
  const [first = ''] = (await readdir(folder())).filter((name) => name.endsWith('.envelope.json'));
  const taken = await to.service.ims('queue', 'import', folder());
  assert.equal(taken.code, 0, taken.stdout + taken.stderr);
  assert.match(taken.stdout, /^3 messages taken/);
  for (let n = 0; n < MESSAGES; n += 1) {
    const [mail] = await to.mail(`u${n}@far.test`);
    assert.ok(mail?.toString('latin1').replace(/\r?\n/g, '\r\n').endsWith(content(n)));
  }
  assert.match((await to.service.ims('queue', 'import', folder())).stdout, /^0 messages taken .*3 had been before/);
  // As after a power failure between acceptance and the new name.
  const name = join(folder(), first.replace('.envelope.json', ''));
  await rename(`${name}.envelope.taken.json`, `${name}.envelope.taking.json`);
  const cut = await to.service.ims('queue', 'import', folder());
  assert.match(cut.stdout, /^0 messages taken .*3 had been before/);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  for (let n = 0; n < MESSAGES; n += 1) assert.equal((await to.mail(`u${n}@far.test`)).length, 1);
  assert.deepEqual(await readdir(join(to.service.directory, 'data/incoming')), []);
});

test('a folder whose files do not fit its envelopes is not taken', { timeout: 60_000 }, async () => {
  const name = (await readdir(folder())).find((one) => one.endsWith('.envelope.taken.json')) ?? '';
  const base = join(folder(), name.replace('.envelope.taken.json', ''));
  await rename(`${base}.envelope.taken.json`, `${base}.envelope.json`);
  await writeFile(`${base}.eml`, 'short');
  const { code, stdout } = await to.service.ims('queue', 'import', folder());
  assert.equal(code, 1);
  assert.match(stdout, /does not have the \d+ octets/);
  await until(
    async () => ((await readdir(folder())).includes(`${base.split('/').at(-1)}.envelope.json`) ? true : undefined),
    'it to stay',
  );
});
