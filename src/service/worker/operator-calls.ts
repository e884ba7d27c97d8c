import { explainPolicy } from '../../flow/policy/explain.ts';
import type { Dequeue } from '../../flow/dequeue/port.ts';
import type { Introductions } from '../../flow/reception/introductions.ts';
import type { Reception } from '../../flow/reception/reception.ts';
import { answerWorkerCalls, type OperatorQueue } from '../../operate/actions/worker-calls.ts';
import type { WorkerMeasure } from '../../operate/metrics/measures.ts';
import type { OutsideAnswer, OutsideLook } from '../../operate/actions/outside.ts';
import type { CarriedEnvelope, TakenIn } from '../../operate/actions/worker-calls.ts';
import type { RunningJournal } from '../../operate/journal/journal.ts';
import type { Gateways } from '../../transport/gateway/port.ts';
import type { ProxyHealth } from '../../transport/proxy-health.ts';
import type { Arrivals } from './arrivals.ts';
import type { Generation } from './generation.ts';
import type { WorkerTransfer } from './transfer.ts';
import type { Shard } from './shard.ts';
import type { Tally } from './tally.ts';

/** The parts of a worker that an operator's calls reach. */
export interface CalledParts {
  readonly shards: readonly Shard[];
  readonly generation: Generation;
  readonly reception: Reception;
  readonly journal: RunningJournal;
  readonly introductions: Introductions;
  readonly arrivals: Arrivals;
  readonly transfer: WorkerTransfer;
  readonly gateways: Pick<Gateways, 'states'>;
  readonly proxies: Pick<ProxyHealth, 'states'>;
  readonly dequeue: Dequeue;
  readonly lookOutside: (look: OutsideLook) => Promise<OutsideAnswer>;
  readonly tally: Tally;
  /** Takes a message into the queue of this worker. */
  readonly takeIn: (path: string, carried: CarriedEnvelope) => Promise<TakenIn>;
}

/** What this worker measures now. */
function measured({ tally, reception, generation, proxies, gateways, shards }: CalledParts): WorkerMeasure {
  const schedulers = shards.map(({ scheduler }) => scheduler.status());
  return {
    worker: shards[0]?.number ?? 0,
    lateMs: tally.lateMs,
    open: Object.fromEntries(tally.open),
    counts: tally.counts.all(),
    sessions: reception.sessions(),
    transports: tally.ways.states(generation.settings, proxies.states(), gateways.states()),
    queue: allShards(shards).counts(),
    attempts: schedulers.reduce((sum, { attempts }) => sum + attempts, 0),
    resting: schedulers.reduce((sum, { resting }) => sum + resting.length, 0),
  };
}

/** Answers one call of the operator process. Rejects for a name that no worker knows. */
export async function answerCall(parts: CalledParts, name: string, input: unknown): Promise<unknown> {
  if (name === 'levels') {
    parts.journal.setLevels(input as Parameters<RunningJournal['setLevels']>[0]);
    return undefined;
  }
  if (name === 'measure') return measured(parts);
  const calls = answerWorkerCalls({
    queue: allShards(parts.shards),
    router: parts.generation.router,
    directory: parts.generation.directory,
    explainPolicy: (question) => {
      const { settings, directory, policy } = parts.generation;
      return explainPolicy({ settings: settings.policy, directory, examine: policy.examine }, question);
    },
    bounce: (filter, text) => total(parts.shards, ({ scheduler }) => scheduler.returnNow(filter, text)),
    expectWord: (word, key) => parts.introductions.expect(word, key),
    transfer: parts.transfer,
    envelope: (queueId) => envelopeOf(parts.shards, queueId),
    takeIn: async (worker, path, carried) => (parts.shards[0]?.number === worker ? parts.takeIn(path, carried) : null),
    arrived: () => parts.arrivals.arrived,
    dequeue: parts.dequeue,
    lookOutside: parts.lookOutside,
    flush: (domain) => total(parts.shards, ({ scheduler }) => scheduler.flush(domain)),
  });
  const call = (calls as Readonly<Record<string, ((given: unknown) => Promise<unknown>) | undefined>>)[name];
  if (call === undefined) throw new Error(`unknown call ${name}`);
  return call(input);
}

/** Leases a message for a moment: only so is its envelope read as a whole. One in work has none. */
async function envelopeOf(shards: readonly Shard[], queueId: string): Promise<CarriedEnvelope | null> {
  for (const { queue } of shards) {
    const claims = await queue.claimMatching({ queueId }, DELIVERIES_MAX);
    const [first] = claims;
    const found = first && {
      envelope: first.envelope,
      recipients: claims.flatMap(({ recipients }) =>
        recipients.map(({ mailbox, notify, original }) => ({
          mailbox,
          ...(notify === undefined ? {} : { notify: [...notify] }),
          ...(original === undefined ? {} : { original }),
        })),
      ),
      class: first.class,
      messageId: first.messageId,
      arrivedAtMs: first.arrivedAtMs,
      expiresAtMs: first.expiresAtMs,
      eightBit: first.content.eightBit,
      sizeBytes: first.content.sizeBytes,
    };
    for (const claim of claims) queue.release(claim, 0);
    if (found !== undefined) return found;
  }
  return null;
}

/** Deliveries of one message. */
const DELIVERIES_MAX = 100_000;

async function total(shards: readonly Shard[], count: (shard: Shard) => Promise<number>): Promise<number> {
  return (await Promise.all(shards.map(count))).reduce((sum, one) => sum + one, 0);
}

/** The operator's verbs over all shards of a worker as over one queue. */
function allShards(shards: readonly Shard[]): OperatorQueue {
  const overAll = (count: (shard: Shard) => Promise<number>): Promise<number> => total(shards, count);
  return {
    counts() {
      const counts = shards.map(({ queue }) => queue.counts());
      const sum = (of: (one: (typeof counts)[number]) => number): number => counts.reduce((so, one) => so + of(one), 0);
      const oldest = counts.flatMap(({ oldestArrivalMs }) => oldestArrivalMs ?? []);
      return {
        messages: sum((one) => one.messages),
        deliveries: sum((one) => one.deliveries),
        held: sum((one) => one.held),
        quarantined: sum((one) => one.quarantined),
        claimed: sum((one) => one.claimed),
        bytes: sum((one) => one.bytes),
        nextHops: sum((one) => one.nextHops),
        oldestArrivalMs: oldest.length === 0 ? undefined : Math.min(...oldest),
      };
    },
    async list(filter, options) {
      const rows = await Promise.all(
        shards.map(({ queue }) => queue.list(filter, { ...options, offset: 0, most: options.offset + options.most })),
      );
      return rows.flat().slice(options.offset, options.offset + options.most);
    },
    count: (filter) => overAll(({ queue }) => queue.count(filter)),
    async content(queueId) {
      for (const { queue } of shards) {
        const content = await queue.content(queueId);
        if (content !== undefined) return content;
      }
      return undefined;
    },
    hold: (filter) => overAll(({ queue }) => queue.hold(filter)),
    resume: (filter) => overAll(({ queue }) => queue.resume(filter)),
    // An operator who asks for a try now does not mean after the rest of a next hop.
    retryNow: (filter) =>
      overAll(async ({ queue, scheduler }) => {
        const count = await queue.retryNow(filter);
        scheduler.wake(filter.nextHop);
        return count;
      }),
    remove: (filter) => overAll(({ queue }) => queue.remove(filter)),
    reroute: (filter, route) => overAll(({ queue }) => queue.reroute(filter, route)),
  };
}
