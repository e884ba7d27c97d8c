import { openLogQueue } from '../../src/flow/queue/log/engine.ts';
import type { NewMessage } from '../../src/flow/queue/port.ts';
import type { Mailbox } from '../../src/mail/mailbox.ts';
import type { NextHop } from '../../src/mail/next-hop.ts';
import { nodeWorld } from '../../src/world/node/world.ts';

/** One message to put into a queue. */
export interface FilledMessage {
  readonly nextHop: NextHop;
  readonly recipient: Mailbox;
  readonly dueAtMs: number;
}

const AT_ONCE = 2_000;
const DAY = 86_400_000;

/** Fills the queue of a shard through its own door, as fast as the disk takes it. The service must not run. */
export async function fillQueue(
  directory: string,
  count: number,
  octets: number,
  message: (n: number) => FilledMessage,
): Promise<void> {
  const queue = await openLogQueue({
    world: nodeWorld,
    directory,
    shard: 0,
    settings: { spaceFloor: 1024 ** 2, spaceResume: 1024 ** 2, freshCache: 0, messagesMax: 100_000_000 },
    bodyMemoryMax: 512 * 1024 ** 2,
    journal: { emit: () => undefined },
    previousEnd: 'clean',
  });
  const body = Buffer.from(`Subject: old\r\n\r\n${'x'.repeat(70)}\r\n`.padEnd(octets, 'x'));
  const now = Date.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const n = next;
      next += 1;
      const draft = queue.begin();
      if (!draft.write(body)) await new Promise<void>((resolve) => draft.drained(() => resolve()));
      await draft.commit(asNew(message(n), n, now));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  await queue.close();
}

function asNew({ nextHop, recipient, dueAtMs }: FilledMessage, n: number, now: number): NewMessage {
  return {
    envelope: { reversePath: { localPart: 'sender', domain: 'client.test' }, body: '7bit', smtpUtf8: false },
    edits: [],
    deliveries: [{ nextHop, recipients: [{ mailbox: recipient }] }],
    class: 'normal',
    messageId: `m${n}@client.test`,
    arrivedAtMs: now,
    expiresAtMs: now + 5 * DAY,
    eightBit: false,
    dueAtMs,
    held: false,
  };
}
