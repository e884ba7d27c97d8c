import type { EnvelopeRecipient } from '../../src/mail/envelope.ts';
import type { Outcome } from '../../src/mail/outcome.ts';
import type { AttemptRecord, Claim, Content, NewMessage, Queue } from '../../src/flow/queue/port.ts';
import type { QueueId } from '../../src/mail/queue-id.ts';

/** The wall time at which test messages are due. */
export const T0 = 1_800_000_000_000;

/** A recipient 'bob@example.com' or another. */
export function recipient(address: string): EnvelopeRecipient {
  const at = address.lastIndexOf('@');
  return { mailbox: { localPart: address.slice(0, at), domain: address.slice(at + 1) } };
}

/** A message to one recipient of one next hop, changed as asked. */
export function message(change: Partial<NewMessage> = {}): NewMessage {
  return {
    envelope: { reversePath: { localPart: 'alice', domain: 'example.test' }, body: '7bit', smtpUtf8: false },
    edits: [],
    deliveries: [{ nextHop: 'mx:example.com', recipients: [recipient('bob@example.com')] }],
    class: 'normal',
    messageId: 'one@example.test',
    arrivedAtMs: T0,
    expiresAtMs: T0 + 432_000_000,
    eightBit: false,
    dueAtMs: T0,
    held: false,
    ...change,
  };
}

/** Puts a message into the queue. */
export async function put(queue: Queue, content: string | Buffer, change: Partial<NewMessage> = {}): Promise<QueueId> {
  const draft = queue.begin();
  const bytes = Buffer.from(content);
  for (let at = 0; at < bytes.length; at += 1500) {
    const more = draft.write(Buffer.from(bytes.subarray(at, at + 1500)));
    if (!more)
      await new Promise<void>((resolve, reject) =>
        draft.drained((error) => (error === undefined ? resolve() : reject(error))),
      );
  }
  return draft.commit(message(change));
}

/** All octets of a content, read in chunks. */
export async function octets(content: Content): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of content.chunks()) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('latin1');
}

/** Outcomes for tests. */
export const delivered: Outcome = { kind: 'delivered', how: 'relayed', dsnPassed: false };
export const deferred: Outcome = { kind: 'deferred', reply: { code: 451, detail: '4.1', text: ['later'] } };
export const failed: Outcome = {
  kind: 'failed',
  reply: { code: 550, detail: '1.1', text: ['no such mailbox', 'here'] },
};

/** An attempt with the same outcome for all, or with one per recipient. */
export function attempt(
  outcome: Outcome | readonly Outcome[],
  claim: Claim,
  change: Partial<AttemptRecord> = {},
): AttemptRecord {
  const outcomes = claim.recipients.map(({ index }, at) => ({
    index,
    outcome: Array.isArray(outcome) ? (outcome[at] as Outcome) : (outcome as Outcome),
  }));
  return { outcomes, nextDueMs: T0 + 60_000, delayReported: false, owed: [], ...change };
}

/** The one claim of a next hop. */
export async function claimOne(queue: Queue, nextHop = 'mx:example.com', nowMs = T0): Promise<Claim> {
  const claims = await queue.claim(nextHop, nowMs, 10);
  if (claims.length !== 1 || claims[0] === undefined) throw new Error(`expected one claim, got ${claims.length}`);
  return claims[0];
}
