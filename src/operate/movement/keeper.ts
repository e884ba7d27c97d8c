import type { Clock, Timer } from '../../world/ports/clock.ts';
import type { Disk } from '../../world/ports/disk.ts';
import type { Settings } from '../../settings/index.ts';
import type { Workers } from '../actions/context.ts';
import { results } from '../actions/action.ts';
import type { QueueMovement } from '../actions/worker-calls.ts';
import { type Movement, MovementHistory, type MovementSample } from './history.ts';
import { SAMPLE_MS } from './limits.ts';

/** What the keeper looks at. */
export interface MovementParts {
  readonly clock: Pick<Clock, 'now' | 'after'>;
  readonly disk: Pick<Disk, 'space'>;
  readonly workers: Workers;
  readonly settings: () => Settings;
  /** Called with what the workers answered, at each look. */
  readonly looked: (answers: readonly QueueMovement[]) => void;
}

/** Looks at the queue of all workers now and then, and remembers an hour of it. One per service, in the operator process. */
export class MovementKeeper {
  readonly #parts: MovementParts;
  readonly #history = new MovementHistory();
  /** Arrivals that a worker told last: one that started anew counts from 0. */
  readonly #last = new Map<number, number>();
  #arrived = 0;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(parts: MovementParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = this.#parts.clock.after(SAMPLE_MS, () => void this.#again());
    void this.#sample().catch(() => undefined); // the next look comes soon
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** The movement up to now. */
  async look(): Promise<Movement> {
    const { disk, settings } = this.#parts;
    const { server, queue } = settings();
    const { sample, workers } = await this.#measure();
    const space = await disk.space(server.data).catch(() => undefined); // not measured: then only the messages are a bound
    return this.#history.look(sample, {
      freeBytes: space?.freeBytes,
      floorBytes: queue.spaceFloor,
      messagesMax: queue.messagesMax * Math.max(1, workers),
    });
  }

  async #again(): Promise<void> {
    await this.#sample().catch(() => undefined); // the next look comes soon
    if (!this.#stopped) this.#timer = this.#parts.clock.after(SAMPLE_MS, () => void this.#again());
  }

  async #sample(): Promise<void> {
    const { sample, whole } = await this.#measure();
    // A worker that does not answer now would look like mail that has left.
    if (whole) this.#history.add(sample);
  }

  async #measure(): Promise<{ sample: MovementSample; workers: number; whole: boolean }> {
    const answers = await this.#parts.workers.call('queue.movement', {});
    this.#parts.looked(results(answers));
    let messages = 0;
    let bytes = 0;
    let whole = answers.length > 0;
    for (const answer of answers) {
      if (!answer.ok) {
        whole = false;
        continue;
      }
      const { result, worker } = answer;
      messages += result.messages;
      bytes += result.bytes;
      const before = this.#last.get(worker) ?? 0;
      this.#arrived += result.arrived < before ? result.arrived : result.arrived - before;
      this.#last.set(worker, result.arrived);
    }
    const sample = { atMs: this.#parts.clock.now(), messages, bytes, arrived: this.#arrived };
    return { sample, workers: answers.length, whole };
  }
}
