/** A mail worker: sessions, one shard of the queue (and those of workers that are no more), its scheduler and deliveries. */
import type { LogGeometry } from '../../flow/queue/limits.ts';
import type { Timeline } from '../../mail/timeline.ts';
import type { CountRecord } from '../../operate/metrics/counts.ts';
import type { Listening, ListenHandle } from '../../world/ports/network.ts';
import type { Output } from '../../world/ports/output.ts';
import type { SecureShell } from '../../world/ports/secure-shell.ts';
import type { World } from '../../world/world.ts';
import type { Voice } from '../last-words.ts';
import type { ToChild } from '../messages.ts';
import { Board } from '../parts/board.ts';
import { type Descriptors, watchDescriptors } from './files.ts';
import { type Generation, limitsOf, nextHopOf } from './generation.ts';
import type { ChildDuties, SupervisorLink } from './link.ts';
import { answerCall } from './operator-calls.ts';
import { type Running, startRunning } from './running.ts';
import { type AskForMore, Shares } from './shares.ts';
import { SESSIONS, shareOf } from './session-leases.ts';
import { schedulerPart } from './shard.ts';
import { openVoice, queueOf, type WorkerVoice } from './voice.ts';

/** How long a gateway may take to give its ports back. */
const GATEWAY_CLOSE_MS = 300;

/** What a worker needs besides what it is told. */
export interface WorkerParts {
  readonly world: World;
  readonly output: Output;
  readonly descriptors: Descriptors;
  readonly ownAddresses: () => readonly string[];
  readonly verifyPassword: (hash: string, password: string) => Promise<boolean>;
  /** Takes the lock at a path for this process's life, or says that another process holds it. */
  readonly takeLock: (path: string) => Promise<object | 'held'>;
  /** The client of SSH, for gateways; it loads what it needs when it is used. */
  readonly shell?: SecureShell;
  /** Hears every timeline too, at the moment it is made; for simulations. */
  readonly witness?: Timeline;
  /** Sizes of the queue's log other than the usual ones; for simulations. */
  readonly queueGeometry?: Partial<LogGeometry>;
}

/** How often, and how long after one another, a worker asks for a look at what an attempt has met. */
const SUSPECT_TRIES = 3;
const SUSPECT_MS = 3_000;

/** Makes the duties of a worker process. */
export function createWorker(parts: WorkerParts, supervisor: SupervisorLink): ChildDuties {
  return new Worker(parts, supervisor);
}

class Worker implements ChildDuties {
  readonly #parts: WorkerParts;
  readonly #supervisor: SupervisorLink;
  readonly #listening: Listening[] = [];
  /** Those that the supervisor has not asked after yet. */
  #opening: Promise<void>[] = [];
  readonly #prepared = new Map<number, Generation>();
  #running: Running | undefined;
  #voice: WorkerVoice | undefined;

  constructor(parts: WorkerParts, supervisor: SupervisorLink) {
    this.#parts = parts;
    this.#supervisor = supervisor;
  }

  async start(message: Extract<ToChild, { kind: 'start' }>): Promise<void> {
    const { shard: worker } = message;
    const ask: AskForMore = async (key, limit, wanted) =>
      Number(await this.#supervisor.ask('more', { worker, key, limit, wanted }));
    const shares = new Shares(message.workers, this.#parts.world.clock, ask, message.shares);
    const board = new Board(this.#parts.world.clock);
    const { settings, layer } = message.briefing;
    this.#voice = openVoice(this.#parts, settings, worker, board, layer);
    board.set({ part: queueOf(worker), state: 'starting' });
    board.set({ part: 'delivery', state: 'stopped' });
    // Told when the start has gone on to where it may wait, and then with every change.
    board.onChange(() => void this.#supervisor.ask('parts', { parts: board.all() }).catch(() => undefined));
    // Smart hosts and mail stores are ours to look after: what an attempt has met is looked into at once.
    const unreached = (nextHop: string): void => {
      if (/^(?:host|lmtp):/.test(nextHop)) this.#suspect('ways.smart-hosts', SUSPECT_TRIES);
    };
    this.#running = await startRunning(this.#parts, message, shares, this.#voice, board, unreached);
    // What an event has said meanwhile stays.
    if (board.get(queueOf(worker))?.state === 'starting') board.set({ part: queueOf(worker), state: 'running' });
    watchDescriptors(this.#parts, this.#running, worker);
    const proxies = Object.keys(message.briefing.settings.routing.proxies).map((name) => `proxy ${name}`);
    for (const part of ['resolver', ...proxies])
      if (board.get(part) === undefined) board.set({ part, state: 'running' });
  }

  /** Has a check look at once; at a start the operator process may not be there yet. */
  #suspect(check: string, tries: number): void {
    const again = (): void => this.#suspect(check, tries - 1);
    this.#supervisor.ask('suspect', check).catch(() => tries > 1 && this.#parts.world.clock.after(SUSPECT_MS, again));
  }

  listen({ name }: Extract<ToChild, { kind: 'listen' }>, handle: ListenHandle): void {
    const running = this.#running;
    if (running === undefined) return;
    const { journal } = running;
    const accept: Parameters<World['network']['listen']>[1] = (stream) => {
      const settings = running.generation.settings.listeners[name];
      if (settings === undefined) return stream.destroy();
      const { proxyProtocol } = settings;
      if (proxyProtocol === undefined) return running.reception.accept(stream, { name, ...settings });
      void running.proxyInward.take(stream, name, proxyProtocol).then((taken) => {
        if (taken !== undefined) running.reception.accept(taken, { name, ...settings });
      });
    };
    const opening = this.#parts.world.network.listen({ handle }, accept).then(
      (listening) => void this.#listening.push(listening),
      (error: unknown) => journal.emit('service.part-failed', { part: `listener ${name}`, error: String(error) }),
    );
    this.#opening.push(opening);
  }

  async prepare({ briefing }: Extract<ToChild, { kind: 'prepare' }>): Promise<void> {
    const running = this.#started();
    this.#prepared.set(briefing.generation, running.makeGeneration(briefing));
  }

  apply(number: number): void {
    const running = this.#started();
    const next = this.#prepared.get(number);
    this.#prepared.clear();
    if (next === undefined) return;
    const before = running.generation;
    running.generation = next;
    running.journal.setLevels(next.settings.events.levels);
    const { settings, policy, preparation } = next;
    running.leases.resize(shareOf(settings, running.workers, running.shares));
    running.reception.use({ settings: settings.reception, policy, preparation, serverName: settings.server.name });
    running.gateways.use(settings.gateways);
    running.proxies.use(settings.routing.proxies);
    running.dequeue.use(settings.dequeue);
    for (const { scheduler } of running.shards) scheduler.use(schedulerPart(next));
    before.names.replaced();
    void before.courier.close();
  }

  forget(number: number): void {
    this.#prepared.delete(number);
  }

  async call(name: string, input: unknown): Promise<unknown> {
    if (name === 'listening') return this.#opened();
    if (name === 'recent-events') return this.#voice?.recent.all() ?? [];
    if (name === 'give-up') {
      const { key, wanted } = input as { key: string; wanted: number };
      return giveUp(this.#started(), key, wanted);
    }
    const running = this.#started();
    if (name === 'write-timeline') return running.timeline.flush();
    if (name === 'write-events') return running.writeEvents();
    return answerCall(running, name, input);
  }

  /** Resolves when every socket lent so far accepts connections. */
  async #opened(): Promise<void> {
    const opening = this.#opening;
    this.#opening = [];
    await Promise.all(opening);
  }

  async stop(graceMs: number): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    const { world } = this.#parts;
    running.dequeue.close();
    running.generation.names.close();
    await Promise.all([
      within(world, GATEWAY_CLOSE_MS, running.gateways.stopListening()),
      ...this.#listening.map((listening) => within(world, 100, listening.close())),
    ]);
    await Promise.all([
      running.reception.stop(graceMs),
      ...running.shards.map(({ scheduler }) => scheduler.stop(graceMs)),
    ]);
    await running.generation.courier.close();
    running.gateways.close();
    running.proxies.close();
    await Promise.all(running.shards.map(({ queue }) => queue.close()));
    await running.timeline.close();
    await running.closeJournal();
  }

  late(ms: number): void {
    if (this.#voice !== undefined) this.#voice.tally.lateMs = ms;
  }

  counts(): CountRecord {
    return this.#voice?.tally.counts.all() ?? {};
  }

  voice(): Voice | undefined {
    return this.#voice && { journal: this.#voice.journal, flush: this.#voice.close };
  }

  #started(): Running {
    if (this.#running === undefined) throw new Error('the worker has not started yet');
    return this.#running;
  }
}

/** Gives up what this worker does not use of a common limit; answers how much. */
function giveUp({ shares, leases, shards, generation, workers }: Running, key: string, wanted: number): number {
  const { settings } = generation;
  if (key === SESSIONS) {
    // Sessions last: only what is not in use now is given up, and nothing yielded.
    const unused = Math.max(0, shareOf(settings, workers, shares).connections - leases.taken);
    const given = shares.giveUp(key, settings.reception.connectionsMax, leases.taken, Math.min(wanted, unused));
    leases.resize(shareOf(settings, workers, shares));
    return given;
  }
  const nextHop = nextHopOf(key);
  const used = shards.reduce((sum, { scheduler }) => sum + scheduler.active(nextHop), 0);
  return shares.giveUp(key, limitsOf(settings, nextHop).connectionsMax, used, wanted);
}

function within(world: World, ms: number, promise: Promise<void>): Promise<void> {
  return Promise.race([promise, new Promise<void>((resolve) => void world.clock.after(ms, resolve))]);
}
