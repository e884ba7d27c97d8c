/** What every engine of the queue must do, run unchanged against each. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Queue } from '../../src/flow/queue/port.ts';
import { expandedHop } from '../../src/mail/next-hop.ts';
import {
  attempt,
  claimOne,
  deferred,
  delivered,
  failed,
  message,
  octets,
  put,
  recipient,
  T0,
} from './queue-messages.ts';

/** An engine under test. */
export interface QueueUnderTest {
  readonly queue: Queue;
  /** Closes it and opens it again on what it left; absent where nothing is left. */
  readonly reopen?: () => Promise<Queue>;
  readonly end: () => Promise<void>;
}

const two = [{ nextHop: 'mx:example.com', recipients: [recipient('a@example.com'), recipient('b@example.com')] }];
const split = [
  { nextHop: 'local', recipients: [recipient('a@example.test')] },
  { nextHop: 'mx:example.com', recipients: [recipient('b@example.com')] },
];

/** Declares the tests for an engine. */
export function queueContract(name: string, open: () => Promise<QueueUnderTest>): void {
  describe(`queue contract: ${name}`, () => {
    let under: QueueUnderTest;
    let queue: Queue;
    beforeEach(async () => {
      under = await open();
      queue = under.queue;
    });
    afterEach(() => under.end());

    schedules(() => queue);
    records(() => queue);
    operates(() => queue);
    survives(() => under);
  });
}

function schedules(queue: () => Queue): void {
  it('hands out a message as it came, with its edits', async () => {
    const edits = [
      { at: 0, remove: 0, insert: Buffer.from('Received: x\r\n') },
      { at: 3, remove: 2, insert: Buffer.from('-') },
    ];
    const id = await put(queue(), 'abcdefgh', {
      edits,
      eightBit: true,
      envelope: { reversePath: null, body: '8bitmime', smtpUtf8: true, returned: 'headers', envelopeId: 'e 1' },
      deliveries: [
        {
          nextHop: 'mx:example.com',
          recipients: [{ ...recipient('bob@example.com'), notify: [], original: 'rfc822;b@x' }],
        },
      ],
    });
    const claim = await claimOne(queue());
    assert.equal(claim.queueId, id);
    assert.deepEqual(claim.envelope, {
      reversePath: null,
      body: '8bitmime',
      smtpUtf8: true,
      returned: 'headers',
      envelopeId: 'e 1',
    });
    assert.deepEqual(claim.recipients, [
      { ...recipient('bob@example.com'), notify: [], original: 'rfc822;b@x', index: 0 },
    ]);
    assert.equal(await octets(claim.content), 'Received: x\r\nabc-fgh');
    assert.equal(await octets(claim.content), 'Received: x\r\nabc-fgh');
    assert.equal(claim.content.sizeBytes, 20);
    assert.equal(claim.content.eightBit, true);
    assert.equal(claim.attempts, 0);
  });

  it('leases a delivery to one caller until it is released', async () => {
    await put(queue(), 'x');
    const claim = await claimOne(queue());
    assert.deepEqual(await queue().claim('mx:example.com', T0, 1), []);
    queue().release(claim, T0 + 5);
    assert.deepEqual(await queue().claim('mx:example.com', T0, 1), []);
    const again = await claimOne(queue(), 'mx:example.com', T0 + 5);
    assert.equal(again.deliveryId, claim.deliveryId);
    assert.equal(again.attempts, 0);
  });

  it('offers the most urgent class first, then what has been due longest', async () => {
    await put(queue(), '1', { class: 'bulk', dueAtMs: T0 - 9, messageId: 'bulk' });
    await put(queue(), '2', { dueAtMs: T0 - 1, messageId: 'late' });
    await put(queue(), '3', { dueAtMs: T0 - 5, messageId: 'early' });
    await put(queue(), '4', { class: 'urgent', messageId: 'urgent' });
    await put(queue(), '5', { class: 'urgent', dueAtMs: T0 + 1, messageId: 'not yet' });
    const claims = await queue().claim('mx:example.com', T0, 10);
    assert.deepEqual(
      claims.map((one) => one.messageId),
      ['urgent', 'early', 'late', 'bulk'],
    );
  });

  it('gives each next hop to one caller until it is given back', async () => {
    const told: string[] = [];
    queue().onDue((nextHop) => told.push(nextHop));
    assert.equal(queue().nextDueMs(), undefined);
    await put(queue(), '1', { dueAtMs: T0 + 10 });
    await put(queue(), '2', {
      deliveries: [{ nextHop: 'local', recipients: [recipient('a@example.test')] }],
      dueAtMs: T0 + 5,
    });
    assert.equal(queue().nextDueMs(), T0 + 5);
    assert.deepEqual(await queue().takeDue(T0 + 4, 10), []);
    assert.deepEqual(await queue().takeDue(T0 + 10, 1), ['local']);
    assert.deepEqual(await queue().takeDue(T0 + 10, 10), ['mx:example.com']);
    assert.deepEqual(await queue().takeDue(T0 + 10, 10), []);
    assert.equal(queue().nextDueMs(), undefined);
    told.length = 0;
    await put(queue(), '3', { dueAtMs: T0 });
    assert.deepEqual(told, ['mx:example.com'], 'a next hop that is taken is announced');
    queue().rearm('mx:example.com', T0 + 100);
    assert.equal(queue().nextDueMs(), T0 + 100);
    assert.deepEqual(await queue().takeDue(T0 + 99, 10), []);
    queue().rearm('local', T0);
    assert.deepEqual(await queue().takeDue(T0 + 100, 10), ['local', 'mx:example.com']);
  });

  it('takes large content and forgets a discarded draft', async () => {
    const text = 'line of text\r\n'.repeat(20_000);
    const gone = queue().begin();
    gone.write(Buffer.from(text));
    gone.discard();
    await put(queue(), text, { edits: [{ at: 4, remove: 270_000, insert: Buffer.from('...') }] });
    const claim = await claimOne(queue());
    assert.equal(await octets(claim.content), `${text.slice(0, 4)}...${text.slice(270_004)}`);
    assert.equal(queue().counts().deliveries, 1);
  });
}

function records(queue: () => Queue): void {
  it('ends a delivery with the final outcome of its last recipient', async () => {
    await put(queue(), 'x', { deliveries: two });
    const claim = await claimOne(queue());
    assert.deepEqual(await queue().record(claim, attempt([failed, deferred], claim)), []);
    assert.deepEqual(await queue().claim('mx:example.com', T0, 1), []);
    const again = await claimOne(queue(), 'mx:example.com', T0 + 60_000);
    assert.deepEqual(again.recipients, [
      { ...recipient('b@example.com'), index: 1, lastReply: { code: 451, detail: '4.1', text: ['later'] } },
    ]);
    assert.equal(again.attempts, 1);
    await queue().record(again, attempt(delivered, again));
    assert.equal(queue().counts().deliveries, 0);
    assert.equal(queue().counts().messages, 0);
    assert.equal(await queue().content(claim.queueId), undefined);
  });

  it('leaves a recipient without an outcome as it was', async () => {
    await put(queue(), 'x', { deliveries: two });
    const claim = await claimOne(queue());
    await queue().record(claim, {
      ...attempt(delivered, claim),
      outcomes: [{ index: 1, outcome: delivered }],
      delayReported: true,
    });
    const again = await claimOne(queue(), 'mx:example.com', T0 + 60_000);
    assert.deepEqual(again.recipients, [{ ...recipient('a@example.com'), index: 0 }]);
    assert.equal(again.delayReported, true);
  });

  it('keeps a message until the last of its deliveries has ended', async () => {
    const id = await put(queue(), 'body', { deliveries: split });
    const local = await claimOne(queue(), 'local');
    await queue().record(local, attempt(delivered, local));
    const content = await queue().content(id);
    assert.equal(content === undefined ? undefined : await octets(content), 'body');
    const far = await claimOne(queue());
    assert.notEqual(far.deliveryId, local.deliveryId);
    await queue().record(far, attempt(delivered, far));
    assert.equal(queue().counts().messages, 0);
  });

  it('makes the owed messages together with the outcome', async () => {
    await put(queue(), 'x');
    const claim = await claimOne(queue());
    const owed = {
      message: message({ deliveries: [{ nextHop: 'local', recipients: [recipient('alice@example.test')] }] }),
      content: Buffer.from('sorry'),
    };
    const [id] = await queue().record(claim, attempt(failed, claim, { owed: [owed] }));
    const report = await claimOne(queue(), 'local');
    assert.equal(report.queueId, id);
    assert.equal(await octets(report.content), 'sorry');
    assert.equal(queue().counts().deliveries, 1);
  });
}

function operates(queue: () => Queue): void {
  it('lists a page, with and without envelopes', async () => {
    for (let at = 0; at < 5; at += 1) await put(queue(), 'x'.repeat(at + 1), { messageId: `m${at}` });
    const page = await queue().list({}, { offset: 1, most: 2, envelopes: true });
    assert.deepEqual(
      page.map((row) => row.messageId),
      ['m1', 'm2'],
    );
    assert.deepEqual(page[0]?.recipients, [{ mailbox: 'bob@example.com', state: 'waiting' }]);
    assert.equal(page[0]?.sender, 'alice@example.test');
    assert.deepEqual(
      (await queue().list({}, { offset: 3, most: 9, envelopes: false })).map((row) => row.sizeBytes),
      [4, 5],
    );
  });

  it('goes on after a message, whatever has left meanwhile; messages of other shards say nothing here', async () => {
    for (let at = 0; at < 4; at += 1) await put(queue(), 'x'.repeat(at + 1), { deliveries: split });
    const options = { offset: 0, most: 99, envelopes: false };
    const [first, , second] = await queue().list({}, options);
    assert.ok(first !== undefined && second !== undefined && first.queueId !== second.queueId);
    await queue().remove({ queueId: first.queueId });
    const sizes = async (after: readonly string[]): Promise<number[]> =>
      (await queue().list({ after }, options)).map((row) => row.sizeBytes);
    assert.deepEqual(await sizes([first.queueId]), [2, 2, 3, 3, 4, 4]);
    assert.deepEqual(await sizes([second.queueId, first.queueId, 'nonsense']), [3, 3, 4, 4]);
    assert.deepEqual(await sizes(['999-v']), [2, 2, 3, 3, 4, 4]);
    assert.equal(await queue().count({ after: [second.queueId] }), 4);
  });

  it('finds by every part of a filter', async () => {
    const id = await put(queue(), 'x', { messageId: 'find@me', deliveries: split, held: true });
    await put(queue(), 'y', { envelope: { ...message().envelope, reversePath: null }, arrivedAtMs: T0 - 50_000 });
    const counts: [object, number][] = [
      [{}, 3],
      [{ queueId: id }, 2],
      [{ queueId: '0-zz' }, 0],
      [{ nextHop: 'local' }, 1],
      [{ held: true }, 2],
      [{ held: false }, 1],
      [{ messageId: 'find@me' }, 2],
      [{ sender: 'ALICE@example.test' }, 2],
      [{ sender: '' }, 1],
      [{ recipient: 'b@example.com' }, 1],
      [{ domain: 'example.com' }, 2],
      [{ domain: 'example.com', held: false }, 1],
      [{ olderThanMs: 10_000 }, 1],
    ];
    for (const [filter, expected] of counts)
      assert.equal(await queue().count(filter), expected, JSON.stringify(filter));
  });

  it('holds and resumes', async () => {
    await put(queue(), 'x', { dueAtMs: T0 + 1000 });
    assert.equal(await queue().hold({}), 1);
    assert.equal(await queue().hold({}), 0);
    assert.equal(queue().nextDueMs(), undefined);
    assert.equal(queue().counts().held, 1);
    assert.equal(await queue().resume({}), 1);
    assert.equal(queue().nextDueMs(), T0, 'due at once');
    await claimOne(queue());
  });

  it('holds a claimed delivery once its attempt is over', async () => {
    await put(queue(), 'x');
    const claim = await claimOne(queue());
    assert.equal(await queue().hold({}), 1);
    await queue().record(claim, attempt(deferred, claim));
    assert.deepEqual(await queue().claim('mx:example.com', T0 + 90_000, 1), []);
    const [claimed] = await queue().claimMatching({ held: true }, 5);
    assert.equal(claimed?.recipients[0]?.lastReply?.code, 451);
  });

  it('retries now', async () => {
    await put(queue(), 'x', { dueAtMs: T0 + 1000 });
    assert.equal(await queue().retryNow({ domain: 'example.com' }), 1);
    await claimOne(queue());
    assert.equal(await queue().retryNow({}), 0, 'what is claimed is not touched');
  });

  it('removes without a word', async () => {
    await put(queue(), 'x', { deliveries: split });
    assert.equal(await queue().remove({ nextHop: 'local' }), 1);
    assert.equal(queue().counts().deliveries, 1);
    assert.equal(await queue().remove({}), 1);
    assert.equal(queue().counts().messages, 0);
  });

  it('routes anew, and splits a delivery where it must', async () => {
    await put(queue(), 'x', { deliveries: two });
    assert.equal(await queue().reroute({}, () => 'mx:example.com'), 0);
    assert.equal(await queue().reroute({}, (one) => (one.mailbox.localPart === 'a' ? 'host:relay' : 'lmtp:store')), 1);
    const a = await claimOne(queue(), 'host:relay');
    const b = await claimOne(queue(), 'lmtp:store');
    assert.deepEqual(
      [a.recipients, b.recipients].flat().map((one) => one.mailbox.localPart),
      ['a', 'b'],
    );
    assert.notEqual(a.deliveryId, b.deliveryId);
    await queue().record(a, attempt(delivered, a));
    assert.equal(await octets(b.content), 'x');
    await queue().record(b, attempt(delivered, b));
    assert.equal(queue().counts().messages, 0);
  });

  it('routes anew by the sender too', async () => {
    const from = (localPart: string) => ({
      reversePath: { localPart, domain: 'example.test' },
      body: '7bit' as const,
      smtpUtf8: false,
    });
    await put(queue(), 'x', { deliveries: two, envelope: from('sales') });
    await put(queue(), 'y', { deliveries: two, envelope: from('alice') });
    const moved = await queue().reroute({}, (_, { reversePath }) =>
      reversePath?.localPart === 'sales' ? 'host:sales' : 'mx:example.com',
    );
    assert.equal(moved, 1);
    assert.equal(await octets((await claimOne(queue(), 'host:sales')).content), 'x');
    assert.equal(await octets((await claimOne(queue(), 'mx:example.com')).content), 'y');
  });

  it('does not send to an alias whose report of expansion is owed', async () => {
    await put(queue(), 'x', { deliveries: [{ nextHop: expandedHop, recipients: [recipient('team@example.test')] }] });
    assert.equal(await queue().reroute({}, () => 'local'), 0);
    await claimOne(queue(), expandedHop);
  });

  it('accepts nothing once closed', async () => {
    const draft = queue().begin();
    draft.write(Buffer.from('x'));
    await queue().close();
    assert.equal(queue().condition().accepting, false);
    await assert.rejects(draft.commit(message()));
  });
}

function survives(under: () => QueueUnderTest): void {
  it('finds everything as it was after it was closed', async () => {
    const { queue, reopen } = under();
    // Nothing of such an engine survives.
    if (reopen === undefined) return;
    const big = 'big '.repeat(50_000);
    await put(queue, 'one', { deliveries: two, class: 'urgent' });
    await put(queue, big, { deliveries: split, messageId: 'big', eightBit: true });
    await put(queue, 'held', { held: true, messageId: 'held' });
    const claim = await claimOne(queue, 'local');
    await queue.record(claim, attempt(delivered, claim));
    const [first] = await queue.claim('mx:example.com', T0, 1);
    assert(first !== undefined);
    await queue.record(first, attempt([delivered, deferred], first, { delayReported: true }));
    await queue.reroute({ messageId: 'held' }, () => 'host:other');
    const before = await queue.list({}, { offset: 0, most: 10, envelopes: true });
    const counts = queue.counts();
    const again = await reopen();
    assert.deepEqual(await again.list({}, { offset: 0, most: 10, envelopes: true }), before);
    assert.deepEqual(again.counts(), counts);
    const [deferredOne] = await again.claim('mx:example.com', T0 + 60_000, 1);
    assert.deepEqual(
      deferredOne?.recipients.map((one) => [one.index, one.lastReply?.code]),
      [[1, 451]],
    );
    assert.equal(deferredOne?.delayReported, true);
    const [bigOne] = await again.claim('mx:example.com', T0 + 60_000, 1);
    assert(bigOne !== undefined);
    assert.equal(await octets(bigOne.content), big);
    assert.equal(bigOne.content.eightBit, true);
  });
}
