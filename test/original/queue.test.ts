import assert from 'node:assert/strict';
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ehlo } from '../support/scripted-peer.ts';
import { Client } from './client.ts';
import { arrived, OURS, STRANGER, Town, until } from './town.ts';

const PLAIN = ehlo(['STARTTLS', 'SIZE']);
const TEXT = 'From: a@far.test\r\nSubject: x\r\n\r\nx\r\n';
const ADDRESSES = 30;
let town: Town;

before(async () => {
  town = await Town.found({
    delivery: '  timeouts: { connect: 2s, idle: 1s, mail: 3s }\n',
    listeners: ({ peerPort }) =>
      `  many: { profile: mx, address: [${Array.from({ length: ADDRESSES }, (_, n) => `127.0.3.${n + 1}`).join(', ')}], port: ${peerPort}, tls: none }\n`,
    routing: () => `  source4: 127.0.3.17
  addressSpaces:
    - { match: '*.kept.test', via: hold }
`,
  });
});
after(() => town.leave());

async function sendFrom(to: readonly string[], content: string | Buffer = TEXT): Promise<string> {
  const mailbox = town.mailbox();
  assert.match(await town.send({ from: `${mailbox}@example.test`, to, content }), /^250/);
  return mailbox;
}

test('Q140934: one recipient fails now and one later: the first is reported at once, the second when it is decided', async () => {
  let decided = false;
  await town.host(
    { RCPT: (line) => (line.includes('gone') ? '550 5.1.1 gone' : decided ? '550 5.2.1 closed' : '450 4.2.0 later') },
    'two.test',
  );
  const mailbox = await sendFrom(['gone@two.test', 'later@two.test']);
  const [first] = await town.mail(mailbox);
  assert.match(first?.toString() ?? '', /Final-Recipient: rfc822;\s?gone@two\.test/);
  assert.doesNotMatch(first?.toString() ?? '', /later@two\.test/);
  decided = true;
  const both = await town.mail(mailbox, 2, 20_000);
  assert.ok(both.some((report) => /Final-Recipient: rfc822;\s?later@two\.test/.test(report.toString())));
});

test('Q146669: the history says what was decided: a final failure has no next attempt', async () => {
  await town.host({ RCPT: '550 5.1.1 gone' }, 'final.test');
  const mailbox = await sendFrom(['x@final.test']);
  await town.mail(mailbox);
  const attempt = await until(async () => {
    const { stdout } = await town.service.ims('trace', 'x@final.test', '--json');
    return /"what": "attempt"[\s\S]*?"ended"/.exec(stdout)?.[0];
  }, 'its timeline');
  assert.match(attempt, /"kind": "failed"/);
  assert.doesNotMatch(attempt, /nextDueMs/);
});

test('Q147051: fifty thousand deliveries are counted exactly, listed by pages, and filtered', async () => {
  const client = await Client.open(town.port, OURS);
  for (let n = 0; n < 50; n += 1) {
    const to = Array.from({ length: 1000 }, (_, m) => `x@d${m}.kept.test`);
    client.socket.write(
      `MAIL FROM:<s${n}@example.test>\r\n${to.map((one) => `RCPT TO:<${one}>\r\n`).join('')}DATA\r\n`,
    );
    for (let m = 0; m < 1001; m += 1) assert.match(await client.reply(), /^250/);
    assert.match(await client.reply(), /^354/);
    client.socket.write(`${TEXT}.\r\n`);
    assert.match(await client.reply(), /^250/);
  }
  client.close();
  const first = await town.queue('--most', '10');
  assert.equal(first.total, 50_000);
  assert.equal(first.rows.length, 10);
  const page = await town.queue('--most', '100', '--offset', '49950');
  assert.equal(page.rows.length, 50);
  assert.equal((await town.queue('--domain', 'd7.kept.test')).total, 50);
  assert.equal((await town.queue('--sender', 's3@example.test')).total, 1000);
  const began = performance.now();
  await town.queue('--most', '50');
  assert.ok(performance.now() - began < 3000);
  const { code } = await town.service.ims('queue', 'remove', '--sender', 's3@example.test', '--yes');
  assert.equal(code, 0);
  assert.equal((await town.queue()).total, 49_000);
});

test('Q302863: the state of the queue is shown as JSON while it works', async () => {
  const dump = await town.queue('--most', '2', '--domain', 'd1.kept.test');
  const [row] = dump.rows;
  assert.ok(row);
  for (const key of [
    'queueId',
    'deliveryId',
    'nextHop',
    'class',
    'sizeBytes',
    'arrivedAtMs',
    'expiresAtMs',
    'dueAtMs',
    'attempts',
    'held',
    'claimed',
    'sender',
    'recipients',
  ]) {
    assert.ok(key in row, key);
  }
  const { stdout } = await town.service.ims('status', '--json');
  assert.ok(JSON.parse(stdout).queue.deliveries >= 49_000);
  const { code, stderr } = await town.service.ims('queue', 'remove', '--all', '--yes');
  assert.equal(code, 0, stderr);
});

test('Q155137: removing a message that is being sent says that it is in work; afterwards it works', async () => {
  const host = await town.host({ EHLO: PLAIN, MAIL: 'silence' }, 'slow.test');
  await sendFrom(['x@slow.test']);
  await until(() => (host.sessions.length > 0 ? true : undefined), 'the attempt');
  const busy = await town.service.ims('queue', 'remove', '--domain', 'slow.test', '--yes');
  assert.match(`${busy.stdout}${busy.stderr}`, /0 deliveries of 1|in work/);
  await until(
    async () => {
      const { code, stdout } = await town.service.ims('queue', 'remove', '--domain', 'slow.test', '--yes');
      return code === 0 && /1 delivery of 1/.test(stdout) ? true : undefined;
    },
    'its removal',
    20_000,
  );
  assert.equal((await town.queue('--domain', 'slow.test')).total, 0);
});

test('Q161939: with thirty addresses mail leaves by itself, from the source address of the settings', async () => {
  const host = await town.host({ EHLO: PLAIN }, 'source.test');
  for (const n of [1, ADDRESSES]) {
    const client = await Client.open(town.peerPort, OURS, `127.0.3.${n}`);
    assert.match(await client.send({ from: 'a@far.test', to: ['x@source.test'], content: TEXT }), /^250/);
    client.close();
  }
  await arrived(host, 2);
  assert.ok(
    host.callers.every((caller) => caller === '127.0.3.17'),
    host.callers.join(),
  );
});

test('Q168616: a message without a recipient never comes to be', async () => {
  const client = await Client.open(town.port, STRANGER);
  assert.deepEqual(await client.codes('MAIL FROM:<a@far.test>', 'RCPT TO:<nobody@example.test>'), [
    '250 2.1.0',
    '550 5.1.1',
  ]);
  assert.match((await client.codes('DATA'))[0] ?? '', /^(503|554) 5\.5\.1/);
  client.close();
});

test('Q239420: what was delivered is not delivered again at the next start', async () => {
  const host = await town.host({ EHLO: PLAIN }, 'once.test');
  await sendFrom(['x@once.test']);
  await arrived(host);
  await until(async () => ((await town.queue('--domain', 'once.test')).total === 0 ? true : undefined), 'its end');
  await new Promise((resolve) => setTimeout(resolve, 300)); // the end of a delivery travels with others, for a moment
  for (let n = 0; n < 2; n += 1) {
    town.service.kill('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 200));
    await town.service.restart();
  }
  await sendFrom(['y@once.test']);
  await arrived(host, 2);
  assert.equal(host.contents.length, 2);
});

test('Q193862: a message whose file was deleted is told of by its id and leaves no ghost', async () => {
  let open = false;
  const host = await town.host({ RCPT: () => (open ? '250 ok' : '450 4.2.0 later'), EHLO: PLAIN }, 'ghost.test');
  await sendFrom(['x@ghost.test'], `Subject: x\r\n\r\n${`${'y'.repeat(998)}\r\n`.repeat(2000)}`);
  const { queueId } = await town.waiting('ghost.test', ({ attempts }) => attempts > 0);
  const directory = join(town.service.directory, 'data/queue');
  const big = await until(async () => {
    const found = (await readdir(directory, { recursive: true })).filter((name) => /big\/[0-9a-v]+$/.test(name));
    return found.length > 0 ? found : undefined;
  }, 'the file of the content');
  for (const name of big) await rm(join(directory, name));
  open = true;
  await town.service.ims('queue', 'retry', '--domain', 'ghost.test');
  const event = await town.service.seen(4450, 20_000);
  assert.equal(event.data['queueId'], queueId);
  assert.ok(
    host.contents.every((content) => content.length === 0),
    'nothing was sent in part',
  );
  const { code } = await town.service.ims('queue', 'remove', queueId, '--yes');
  assert.ok(code === 0 || code === 1);
  await until(async () => {
    await town.service.ims('queue', 'remove', queueId, '--yes');
    return (await town.queue('--domain', 'ghost.test')).total === 0 ? true : undefined;
  }, 'its end');
  assert.equal(
    await town.service.stop(),
    0,
    town.service.events
      .slice(-5)
      .map(({ text }) => text)
      .join('\n'),
  );
  await town.service.restart();
  assert.equal((await town.queue('--domain', 'ghost.test')).total, 0);
});

test('Q174036: what one run has queued the next one reads and goes on with', async () => {
  // That an older form is read is held by the format number of every file; there is only one form so far.
  const host = await town.host({ EHLO: PLAIN, RCPT: '450 4.2.0 later' }, 'format.test');
  await sendFrom(['x@format.test']);
  await town.waiting('format.test', ({ attempts }) => attempts > 0);
  assert.ok(host.sessions.length > 0);
  assert.equal(
    await town.service.stop(),
    0,
    town.service.events
      .slice(-5)
      .map(({ text }) => text)
      .join('\n'),
  );
  await town.service.restart();
  await town.waiting('format.test', ({ attempts }) => attempts > 0);
});

test('Q146950: without its directory the queue takes nothing, and takes mail again once it is back', async () => {
  const directory = join(town.service.directory, 'data/queue');
  await rename(directory, `${directory}.away`);
  await town.service.seen(4900, 10_000);
  const client = await Client.open(town.port, OURS);
  const refused = await client.send({ from: 'a@far.test', to: ['postmaster@example.test'], content: TEXT });
  assert.match(refused, /^451 4\.3\.0/);
  await rename(`${directory}.away`, directory);
  await until(
    async () =>
      /^250/.test(await client.send({ from: 'a@far.test', to: ['postmaster@example.test'], content: TEXT }))
        ? true
        : undefined,
    'acceptance',
    60_000,
  );
  client.close();
});
