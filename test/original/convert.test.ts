import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ehlo } from '../support/scripted-peer.ts';
import { Client, stuffed } from './client.ts';
import { contents } from './contents.ts';
import type { PeerHost } from './peer.ts';
import { arrived, OURS, Town } from './town.ts';

let town: Town;
let client: Client;
let byData: PeerHost;
let byBdat: PeerHost;

before(async () => {
  town = await Town.found({ reception: '  messageSizeMax: 64MB\n' });
  byData = await town.host({ EHLO: ehlo(['STARTTLS', 'SIZE']) }, 'data.test');
  byBdat = await town.host({ EHLO: ehlo(['STARTTLS', 'SIZE'], ['CHUNKING']) }, 'bdat.test');
  client = await Client.open(town.port, OURS);
});
after(async () => {
  client?.close();
  await town.leave();
});

/** The content without the dots that DATA adds (RFC 5321 §4.5.2). */
const unstuffed = (wire: Buffer): Buffer => Buffer.from(wire.toString('latin1').replace(/(^|\r\n)\./g, '$1'), 'latin1');

const RECEIVED = /^Received: [^\r]*(?:\r\n[\t ][^\r]*)*\r\n$/;
const FINAL = /^Return-Path: <[^\r]*>\r\n(?:Delivered-To: [^\r]*\r\n)?Received: [^\r]*(?:\r\n[\t ][^\r]*)*\r\n$/;

/** What was sent is what came, with nothing but our trace fields before it. */
function assertPassed(came: Buffer, sent: Buffer, trace: RegExp): void {
  assert.ok(
    came.length >= sent.length && came.subarray(came.length - sent.length).equals(sent),
    'the octets are the same',
  );
  // A content that is all body gets the empty line that it lacks.
  assert.match(came.toString('latin1', 0, came.length - sent.length).replace(/\r\n\r\n$/, '\r\n'), trace);
}

let sentCount = 0;

async function passes(content: string | Buffer, chunked: boolean): Promise<void> {
  const octets = Buffer.isBuffer(content) ? content : Buffer.from(content);
  const mailbox = town.mailbox();
  const to = [`${mailbox}@example.test`, 'x@data.test', 'x@bdat.test'];
  assert.match(await client.send({ from: 'sender@far.test', to, content: octets, chunked }), /^250 2\.0\.0/);
  sentCount += 1;
  const [local] = await town.mail(mailbox);
  assert.ok(local);
  assertPassed(local, octets, FINAL);
  const data = (await arrived(byData, sentCount))[sentCount - 1];
  const bdat = (await arrived(byBdat, sentCount))[sentCount - 1];
  assert.ok(data && bdat);
  assertPassed(unstuffed(data), octets, RECEIVED);
  assertPassed(bdat, octets, RECEIVED);
}

for (const [id, content] of Object.entries(contents)) {
  test(`${id}: content passes octet for octet into a mailbox, and on by DATA and by BDAT`, () =>
    passes(content, sentCount % 2 === 0));
}

const MEGABYTE = 1024 ** 2;
for (const [title, content] of [
  ['Q182827: one line of 20 MB passes in linear time', `Subject: x\r\n\r\n${'p'.repeat(20 * MEGABYTE)}\r\n`],
  [
    'Q217155: 50 MB before a boundary that never comes pass',
    `Content-Type: multipart/mixed\r\n\r\n${'prolog without end\r\n'.repeat(2_621_440)}`,
  ],
] as const) {
  test(title, async () => {
    const mailbox = town.mailbox();
    const octets = Buffer.from(content);
    const began = performance.now();
    assert.match(
      await client.send({ from: 'sender@far.test', to: [`${mailbox}@example.test`], content: octets }),
      /^250 2\.0\.0/,
    );
    const [came] = await town.mail(mailbox, 1, 60_000);
    assert.ok(came);
    assertPassed(came, octets, FINAL);
    assert.ok(performance.now() - began < 60_000);
  });
}

test('Q161943: Bcc stays in relayed mail, whose octets are not ours to change; a submission loses it (see preparation)', async () => {
  await passes('To: a@b.test\r\nBcc: secret@b.test\r\n\r\nx\r\n', false);
});

test('the dots of a content are those that DATA carries', () => {
  assert.equal(stuffed(Buffer.from('.\r\n..x\r\ny')).toString(), '..\r\n...x\r\ny\r\n.\r\n');
});
