/** Any sequence of commands does the same to the log, over restarts and compactions, as to the reference engine. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { openMemoryQueue } from '../../src/flow/queue/memory/engine.ts';
import type { Claim, Queue, QueueFilter } from '../../src/flow/queue/port.ts';
import { SimDisk } from '../../src/world/sim/disk.ts';
import { seeded, TestClock } from './clock.ts';
import { openLog } from './log-queue.ts';
import { attempt, deferred, delivered, failed, message, put, recipient, T0 } from './queue-messages.ts';

const HOPS = ['local', 'mx:example.com', 'host:relay'];

type Step =
  | {
      readonly do: 'put';
      readonly size: number;
      readonly hops: readonly number[];
      readonly class: number;
      readonly due: number;
      readonly held: boolean;
    }
  | { readonly do: 'attempt'; readonly hop: number; readonly outcomes: readonly number[]; readonly owes: boolean }
  | { readonly do: 'release' | 'take'; readonly hop: number }
  | { readonly do: 'hold' | 'resume' | 'retryNow' | 'remove' | 'reroute'; readonly hop: number }
  | { readonly do: 'restart' };

const hop = fc.nat({ max: HOPS.length - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      size: fc.nat({ max: 6000 }),
      hops: fc.array(hop, { minLength: 1, maxLength: 3 }),
      class: fc.nat({ max: 2 }),
      due: fc.nat({ max: 50 }),
      held: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('attempt' as const),
      hop,
      outcomes: fc.array(fc.nat({ max: 2 }), { minLength: 3, maxLength: 3 }),
      owes: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('release' as const, 'take' as const), hop }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'hold' as const,
        'resume' as const,
        'retryNow' as const,
        'remove' as const,
        'reroute' as const,
      ),
      hop,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

/** One command on one engine; what it says must not depend on the engine. */
async function carryOut(queue: Queue, one: Step, n: number): Promise<unknown> {
  const nowMs = T0 + n;
  switch (one.do) {
    case 'put': {
      const deliveries = one.hops.map((to, at) => ({
        nextHop: HOPS[to] ?? '',
        recipients: [recipient(`a${at}@example.com`), recipient(`b${at}@example.net`)],
      }));
      const held = one.held && one.size % 3 === 0;
      await put(queue, 'x'.repeat(one.size), {
        messageId: `m${n}`,
        deliveries,
        class: (['urgent', 'normal', 'bulk'] as const)[one.class] ?? 'normal',
        dueAtMs: T0 + one.due,
        held,
      });
      return undefined;
    }
    case 'attempt': {
      const claims = await queue.claim(HOPS[one.hop] ?? '', nowMs, 2);
      for (const claim of claims) await conclude(queue, claim, one.outcomes, one.owes);
      return claims.map(plain);
    }
    case 'release': {
      const claims = await queue.claim(HOPS[one.hop] ?? '', nowMs, 1);
      // When a released delivery is due is not kept over a restart: it goes back as it was.
      for (const claim of claims) {
        const rows = await queue.list({ queueId: claim.queueId }, { offset: 0, most: 10, envelopes: false });
        queue.release(claim, rows.find((row) => row.deliveryId === claim.deliveryId)?.dueAtMs ?? nowMs);
      }
      return claims.map(plain);
    }
    case 'take': {
      const due = queue.nextDueMs();
      const taken = await queue.takeDue(nowMs, 3);
      for (const nextHop of taken) queue.rearm(nextHop, T0);
      return { due, taken: [...taken].sort() };
    }
    case 'reroute':
      return queue.reroute({ nextHop: HOPS[one.hop] ?? '' }, (to) =>
        to.mailbox.domain === 'example.net' ? 'host:relay' : 'local',
      );
    case 'restart':
      return undefined;
    default: {
      const filter: QueueFilter = one.hop === 2 ? { recipient: 'a0@example.com' } : { nextHop: HOPS[one.hop] ?? '' };
      return queue[one.do](filter);
    }
  }
}

async function conclude(queue: Queue, claim: Claim, numbers: readonly number[], owes: boolean): Promise<void> {
  const outcomes = claim.recipients.map((_, at) => [delivered, deferred, failed][numbers[at] ?? 0] ?? delivered);
  const owed = owes
    ? [
        {
          message: message({
            messageId: `r-${claim.messageId}`.slice(0, 40),
            deliveries: [{ nextHop: 'local', recipients: [recipient('s@x.test')] }],
          }),
          content: Buffer.from('report'),
        },
      ]
    : [];
  await queue.record(claim, attempt(outcomes, claim, { owed, nextDueMs: T0 + 5 }));
}

const plain = (claim: Claim): unknown => ({
  messageId: claim.messageId,
  recipients: claim.recipients,
  attempts: claim.attempts,
  size: claim.content.sizeBytes,
});

async function state(queue: Queue): Promise<unknown> {
  const rows = await queue.list({}, { offset: 0, most: 1000, envelopes: true });
  return { counts: queue.counts(), rows: rows.map(({ queueId: _q, deliveryId: _d, ...rest }) => rest) };
}

describe('the log and the reference engine', () => {
  it('do the same', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.nat(), async (steps, seed) => {
        const disk = new SimDisk({ random: seeded(seed) });
        const model = openMemoryQueue({ world: { clock: new TestClock() }, shard: 0 });
        let real = await openLog(disk);
        try {
          for (const [n, one] of steps.entries()) {
            assert.deepEqual(await carryOut(real.queue, one, n), await carryOut(model, one, n), `step ${n}`);
            if (one.do === 'restart') {
              await real.queue.close();
              real = await openLog(disk);
            }
            assert.deepEqual(await state(real.queue), await state(model), `after step ${n}`);
          }
        } finally {
          await real.queue.close();
          real.clock.stop();
        }
      }),
      { numRuns: 100 },
    );
  });
});
