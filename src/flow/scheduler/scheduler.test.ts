import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import type { Clock } from '../../world/ports/clock.ts';
import type { AttemptResult } from '../delivery/port.ts';
import type { Claim, Queue } from '../queue/port.ts';
import { createScheduler, type SchedulerParts } from './scheduler.ts';

const MINUTE = 60_000;
const curve = { first: MINUTE, factor: 2, longest: 240 * MINUTE, expiry: 7200 * MINUTE, delayNotice: 240 * MINUTE };
const settings = {
  jitter: 0,
  urgent: curve,
  normal: curve,
  bulk: curve,
  breaker: { failures: 1, rest: 1000, longest: 5000 },
};
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const claim = {
  queueId: '0-1',
  deliveryId: '1',
  nextHop: 'mx:far.test',
  class: 'normal',
  attempts: 0,
  arrivedAtMs: 0,
  expiresAtMs: Number.MAX_SAFE_INTEGER,
  delayReported: false,
  envelope: { reversePath: null, body: '7bit', smtpUtf8: false },
  recipients: [{ index: 0, mailbox: { localPart: 'r', domain: 'far.test' } }],
} as unknown as Claim; // the parts that an attempt without a connection reads

/** A queue with one next hop whose claims are given; it is due once more after each time it was given back until `dueTimes` is used up. */
class OneHop {
  readonly rearmed: number[] = [];
  claimed = 0;
  #due = true;
  #dueTimes: number;
  readonly #claims: (readonly Claim[])[];

  constructor(dueTimes: number, claims: (readonly Claim[])[]) {
    this.#dueTimes = dueTimes;
    this.#claims = claims;
  }

  makeDue(): void {
    this.#due = true;
  }

  get queue(): Queue {
    const parts: Partial<Queue> = {
      takeDue: async () => {
        const due = this.#due;
        this.#due = false;
        return due ? [claim.nextHop] : [];
      },
      rearm: (_nextHop, notBeforeMs) => {
        this.rearmed.push(notBeforeMs);
        this.#dueTimes -= 1;
        if (this.#dueTimes > 0) this.#due = true;
      },
      nextDueMs: () => undefined,
      onDue: () => undefined,
      claim: async () => {
        this.claimed += 1;
        return this.#claims.shift() ?? [];
      },
      record: async () => [],
    };
    return parts as Queue; // the verbs that a scheduler uses
  }
}

function start(
  clock: Clock,
  hop: Pick<OneHop, 'queue'>,
  result: AttemptResult,
  more: Partial<SchedulerParts> = {},
): ReturnType<typeof createScheduler> {
  const scheduler = createScheduler({
    world: { clock, random: { bytes: (count) => Buffer.alloc(count), fraction: () => 0.5 } },
    settings,
    queue: hop.queue,
    router: {
      belongs: () => true,
      nextHop: () => claim.nextHop,
      route: async () => ({ kind: 'relay' }),
    } as unknown as SchedulerParts['router'], // a route that the courier below does not read
    courier: { attempt: async () => result, close: async () => undefined },
    reporter: { owed: async () => [], delayed: async () => [] },
    journal: { emit: () => undefined },
    timeline: { add: () => undefined },
    attemptsMax: 10,
    bounds: () => ({ connectionsMax: 10, messagesPerMinuteMax: undefined }),
    wantMore: () => undefined,
    activeElsewhere: () => 0,
    ...more,
  });
  scheduler.start();
  return scheduler;
}

const reply = { code: 451, detail: '4.1', text: ['later'] };
const outcomes: AttemptResult['outcomes'] = [{ index: 0, outcome: { kind: 'deferred', reply } }];

test('a next hop that is due again at the moment it is given back is served again', async () => {
  const hop = new OneHop(2, [[], [claim]]);
  const scheduler = start(new ManualClock(), hop, { outcomes, nextHop: 'answered', durationMs: 1 });
  await turn();
  assert.ok(hop.claimed >= 2, `claimed ${hop.claimed} times`);
  await scheduler.stop(0);
});

test('a next hop that rests for less than the wall clock tells apart is not due at once', async () => {
  const clock = new ManualClock();
  const hop = new OneHop(1, [[claim]]);
  const scheduler = start(clock, hop, { outcomes, nextHop: 'unreachable', durationMs: 1 });
  await turn();
  clock.advance(1000 - 1e-5);
  hop.makeDue();
  scheduler.use({} as Parameters<typeof scheduler.use>[0]); // nothing changes; it looks again
  await turn();
  assert.ok((hop.rearmed.at(-1) ?? 0) >= clock.wall() + 1, `given back until ${hop.rearmed.at(-1)} at ${clock.wall()}`);
  await scheduler.stop(0);
});

test('room that is about to be used counts as used while the queue reads what it leases', async () => {
  const hop = new OneHop(1, [[claim]]);
  const { queue } = hop;
  let lease: (claims: readonly Claim[]) => void = () => undefined;
  const slow: Queue = { ...queue, claim: () => new Promise((resolve) => (lease = resolve)) };
  const scheduler = start(new ManualClock(), { queue: slow }, { outcomes, nextHop: 'answered', durationMs: 1 });
  await turn();
  assert.equal(scheduler.active(claim.nextHop), 4, 'the window of a next hop that is not known yet');
  lease([]);
  await turn();
  assert.equal(scheduler.active(claim.nextHop), 0);
  await scheduler.stop(0);
});

test('a next hop that cannot be reached rests, and that is told once', async () => {
  const told: string[] = [];
  const clock = new ManualClock();
  const hop = new OneHop(1, [[claim], [claim]]);
  const journal: SchedulerParts['journal'] = { emit: (name) => void told.push(name) };
  const scheduler = start(clock, hop, { outcomes, nextHop: 'unreachable', durationMs: 1 }, { journal });
  await turn();
  assert.deepEqual(told, ['scheduler.next-hop-rests']);
  clock.advance(1100);
  hop.makeDue();
  scheduler.use({} as Parameters<typeof scheduler.use>[0]); // nothing changes; it looks again
  await turn();
  assert.equal(hop.claimed, 2);
  assert.deepEqual(told, ['scheduler.next-hop-rests']);
  await scheduler.stop(0);
});

test('an attempt that breaks is told, and its mail is tried again later', async () => {
  const told: string[] = [];
  const hop = new OneHop(1, [[claim]]);
  const recorded: unknown[] = [];
  const queue: Queue = {
    ...hop.queue,
    record: async (_claim, attempt) => {
      recorded.push(attempt.outcomes);
      return [];
    },
  };
  const scheduler = start(
    new ManualClock(),
    { queue },
    { outcomes, nextHop: 'answered', durationMs: 1 },
    {
      journal: { emit: (name) => void told.push(name) },
      courier: { attempt: () => Promise.reject(new Error('a defect')), close: async () => undefined },
    },
  );
  await turn();
  assert.deepEqual(told, ['scheduler.attempt-broke']);
  assert.match(JSON.stringify(recorded), /deferred.*a defect/);
  await scheduler.stop(0);
});

test('an outcome that cannot be recorded is told once, and written until it is', async () => {
  const told: string[] = [];
  const clock = new ManualClock();
  const hop = new OneHop(1, [[claim]]);
  let tries = 0;
  const record = async (): Promise<[]> => {
    tries += 1;
    if (tries < 4) throw new Error('EIO');
    return [];
  };
  const journal: SchedulerParts['journal'] = { emit: (name) => void told.push(name) };
  const result: AttemptResult = { outcomes, nextHop: 'answered', durationMs: 1 };
  const scheduler = start(clock, { queue: { ...hop.queue, record } }, result, { journal });
  for (let n = 0; n < 6; n += 1) {
    await turn();
    clock.advance(4000);
  }
  await turn();
  assert.equal(tries, 4);
  assert.deepEqual(told, ['scheduler.outcome-not-recorded']);
  await scheduler.stop(0);
});

test('a wall clock that jumps is told once', async () => {
  const told: string[] = [];
  const steady = new ManualClock();
  let ahead = 0;
  const clock: Clock = {
    now: () => steady.now(),
    wall: () => steady.wall() + ahead,
    after: (ms, fn) => steady.after(ms, fn),
    soon: (fn) => steady.soon(fn),
  };
  const hop = new OneHop(2, [[claim], [claim]]);
  const journal: SchedulerParts['journal'] = { emit: (name) => void told.push(name) };
  const scheduler = start(clock, hop, { outcomes, nextHop: 'answered', durationMs: 1 }, { journal });
  ahead = 7200 * MINUTE;
  await turn();
  await turn();
  assert.deepEqual(told, ['scheduler.clock-jumped']);
  await scheduler.stop(0);
});
