/** What a worker is made of once it has started. */
import type { EtrnOutcome } from '../../flow/policy/policy.ts';
import { localLeases, type Leases } from '../../flow/reception/leases.ts';
import type { Dequeue } from '../../flow/dequeue/port.ts';
import { createIntroductions, type Introductions } from '../../flow/reception/introductions.ts';
import { createReception, type Reception } from '../../flow/reception/reception.ts';
import type { OutsideAnswer, OutsideLook } from '../../operate/actions/outside.ts';
import type { RunningJournal } from '../../operate/journal/journal.ts';
import { openTimelineLog, type TimelineLog } from '../../operate/tracking/timeline-log.ts';
import { readTransfer, takes } from '../../operate/transfer/state.ts';
import type { Gateways } from '../../transport/gateway/port.ts';
import type { ProxyHealth } from '../../transport/proxy-health.ts';
import { createProxyInward, type ProxyInward } from '../../transport/proxy-inward.ts';
import type { Briefing, ToChild } from '../messages.ts';
import type { Board } from '../parts/board.ts';
import { runDirectory, shardDirectory, shardLock, timelineDirectory } from '../paths.ts';
import { type Arrivals, both, countArrivals } from './arrivals.ts';
import { QueueDoor } from './door.ts';
import { openGateways } from './gateways.ts';
import { openDequeue } from './dequeue.ts';
import { openProxies } from './proxies.ts';
import { type Generation, makeGeneration } from './generation.ts';
import { waitsForNames } from '../../flow/routing/replies.ts';
import { letGoOn } from './go-on.ts';
import type { CalledParts } from './operator-calls.ts';
import { takeIn } from './take-in.ts';
import { lookOutside } from './look-outside.ts';
import type { Shares } from './shares.ts';
import { growing, shareOf } from './session-leases.ts';
import { openShard, type Shard, schedulerPart } from './shard.ts';
import type { Tally } from './tally.ts';
import { WorkerTransfer } from './transfer.ts';
import { queueOf, type WorkerVoice } from './voice.ts';
import { untilLocked, untilOpen, untilOpenOrFull, untilThere } from './waiting.ts';
import type { WorkerParts } from './worker.ts';

/** A worker that has started. */
export interface Running extends Pick<CalledParts, 'takeIn'> {
  generation: Generation;
  readonly makeGeneration: (briefing: Briefing) => Generation;
  readonly shards: readonly Shard[];
  readonly workers: number;
  readonly leases: Leases;
  readonly shares: Shares;
  readonly reception: Reception;
  readonly introductions: Introductions;
  readonly proxyInward: ProxyInward;
  readonly arrivals: Arrivals;
  readonly transfer: WorkerTransfer;
  readonly gateways: Gateways;
  readonly dequeue: Dequeue;
  readonly lookOutside: (look: OutsideLook) => Promise<OutsideAnswer>;
  readonly proxies: ProxyHealth;
  readonly tally: Tally;
  readonly journal: RunningJournal;
  readonly timeline: TimelineLog;
  /** Lets the schedulers look anew at how many deliveries may run. */
  readonly limitChanged: () => void;
  /** Resolves when the events told so far can be read from disk. */
  readonly writeEvents: () => Promise<void>;
  readonly closeJournal: () => Promise<void>;
}

/** Opens the queue and all that works with it; resolves when sessions may begin. */
export async function startRunning(
  parts: WorkerParts,
  message: Extract<ToChild, { kind: 'start' }>,
  shares: Shares,
  { journal, tally, flush, close }: WorkerVoice,
  board: Board,
  unreached: (nextHop: string) => void,
): Promise<Running> {
  const { world } = parts;
  const { briefing, shard, workers } = message;
  const { settings } = briefing;
  const timeline = openTimelineLog({
    world,
    directory: timelineDirectory(settings, shard),
    settings: settings.events,
    journal,
  });
  const told = countArrivals(tally.timeline(parts.witness === undefined ? timeline : both(timeline, parts.witness)));
  const shards: Shard[] = [];
  const etrn = async (domain: string): Promise<EtrnOutcome> => {
    let messages = 0;
    for (const { scheduler } of shards) messages += await scheduler.flush(domain);
    return messages === 0 ? { kind: 'nothing' } : { kind: 'started', messages };
  };
  const gateways = openGateways(parts, board, message, journal, tally, () => running);
  const proxies = openProxies(world, board, journal, tally, () => running);
  const goOn = (): void => {
    for (const words of waitsForNames) letGoOn(world.clock, shards, words);
  };
  const make = (next: Briefing): Generation =>
    makeGeneration(next, { ...parts, journal, workers, shares, gateways, proxies, tally, etrn, goOn });
  const generation = make(briefing);
  const open = (number: number, previousEnd: typeof message.previousEnd): Promise<Shard> =>
    openShard(number, generation, {
      world,
      journal,
      timeline: told,
      directory: shardDirectory(settings, number),
      previousEnd,
      unreached,
      activeElsewhere: (nextHop) =>
        shards.reduce((sum, other) => (other.number === number ? sum : sum + other.scheduler.active(nextHop)), 0),
      ...(parts.queueGeometry === undefined ? {} : { geometry: parts.queueGeometry }),
    });
  // Without space to open the queue, or even to make a directory for it, sessions begin all the same, and are told so.
  const door = new QueueDoor(shard);
  const at = shardDirectory(settings, shard);
  const lock = (): Promise<void> => untilLocked(parts, journal, shardLock(settings, shard), at);
  const openOwn = (): Promise<Shard> => open(shard, message.previousEnd);
  const away = briefing.place !== undefined;
  if (away) board.set({ part: queueOf(shard), state: 'failed', cause: 'waits for the data directory' });
  else await lock();
  const { opening, own } = away
    ? {
        opening: untilThere(world, runDirectory(settings))
          .then(lock)
          .then(() => untilOpen(parts, journal, at, openOwn)),
        own: undefined,
      }
    : await untilOpenOrFull(parts, journal, at, openOwn);
  const transfer = new WorkerTransfer(world.clock, () => shards.map(({ scheduler }) => scheduler));
  await transfer.use((await readTransfer(world.disk, settings.server.data)).state);
  const leases = growing(
    localLeases(shareOf(settings, workers, shares)),
    shares,
    () => running.generation.settings,
    workers,
  );
  const introductions = createIntroductions(world.clock);
  const running: Running = {
    introductions,
    generation,
    makeGeneration: make,
    shards,
    arrivals: told,
    transfer,
    workers,
    leases,
    shares,
    journal,
    timeline,
    limitChanged() {
      for (const { scheduler } of shards) scheduler.use(schedulerPart(running.generation));
    },
    writeEvents: flush,
    closeJournal: close,
    proxyInward: createProxyInward({ clock: world.clock, journal }),
    dequeue: openDequeue(world, board, message, journal, () => running),
    takeIn: (path, carried) =>
      takeIn({ world, queue: door.open(), timeline: told, generation: () => running.generation }, path, carried),
    lookOutside: (look) => lookOutside({ world, gateways, generation: () => running.generation }, look),
    gateways,
    proxies,
    tally,
    reception: createReception({
      clock: world.clock,
      random: world.random,
      settings: settings.reception,
      policy: generation.policy,
      preparation: generation.preparation,
      queue: { begin: () => door.begin(), condition: () => transfer.condition(door.condition()) },
      journal,
      timeline: told,
      serverName: settings.server.name,
      tls: () => running.generation.tls,
      leases,
      descriptors: parts.descriptors,
      introductions,
      counted: tally.connection,
    }),
  };
  gateways.use(settings.gateways);
  proxies.use(settings.routing.proxies);
  transfer.onChange(() => {
    if (takes(transfer.mode)) running.dequeue.goOn();
  });
  running.dequeue.use(settings.dequeue);
  const begin = async (opened: Shard): Promise<void> => {
    shards.unshift(opened);
    door.use(opened.queue);
    opened.scheduler.use(schedulerPart(running.generation));
    await transfer.prepare(opened.scheduler);
    opened.scheduler.start();
    board.set({ part: 'delivery', state: 'running' });
    if (away) board.set({ part: queueOf(shard), state: 'running' });
  };
  if (own === undefined) void opening.then(begin);
  else await begin(own);
  // Shards of workers that are no more only need emptying; new mail does not wait for them.
  for (const number of message.adopted) {
    void untilLocked(parts, journal, shardLock(settings, number), shardDirectory(settings, number))
      .then(() => untilOpen(parts, journal, shardDirectory(settings, number), () => open(number, 'killed')))
      .then((adopted) => {
        shards.push(adopted);
        void transfer.prepare(adopted.scheduler);
        adopted.scheduler.start();
      });
  }
  return running;
}
