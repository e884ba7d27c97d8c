import type { QueueFilter } from '../queue/port.ts';
import { type AttemptRooms, record } from './attempt.ts';
import { schedulerReplies } from './replies.ts';

/** Deliveries leased at a time. */
const BATCH = 100;

/** Returns mail to its senders now, by an operator's order. Resolves with the number of deliveries that ended. */
export async function returnNow(rooms: AttemptRooms, filter: QueueFilter, text: string): Promise<number> {
  const reply = schedulerReplies.returnedByOperator(text);
  let count = 0;
  for (;;) {
    const claims = await rooms.queue.claimMatching(filter, BATCH);
    if (claims.length === 0) return count;
    await Promise.all(
      claims.map((claim) => {
        const outcomes = claim.recipients.map(({ index }) => ({ index, outcome: { kind: 'failed' as const, reply } }));
        return record(rooms, claim, { outcomes, nextHop: 'answered', durationMs: 0 });
      }),
    );
    count += claims.length;
  }
}
