import { errnoOf } from '../../../events/fault.ts';
import type { Journal } from '../../../events/journal.ts';
import type { Reply } from '../../../mail/reply.ts';
import type { Clock, Timer } from '../../../world/ports/clock.ts';
import type { Disk } from '../../../world/ports/disk.ts';
import { queueLimits } from '../limits.ts';

/** What a client is told while there is no space. */
export const fullReply: Reply = { code: 452, detail: '3.1', text: ['insufficient system storage'] };

/** Whether an error says that the file system has no space left, or its quota none. */
export function isFull(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'ENOSPC' || errno === 'EDQUOT';
}

/** What the watch over free space needs. */
export interface SpaceOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly path: string;
  readonly floorBytes: number;
  readonly resumeBytes: number;
  /** Whether nothing is allocated ahead. */
  readonly scarce: () => boolean;
  /** Called with each look. */
  readonly looked: () => void;
}

/** Watches the free space of the queue's file system: low below the floor, enough again from the higher mark. */
export class SpaceWatch {
  readonly #options: SpaceOptions;
  #timer: Timer | undefined;
  #closed = false;
  /** Why it cannot be measured; told when that changes. */
  #told: string | undefined;
  /** Whether mail must be refused. */
  low = false;

  constructor(options: SpaceOptions) {
    this.#options = options;
  }

  /** Looks now and then again and again. */
  async start(): Promise<void> {
    await this.look();
    if (this.#closed) return;
    const { clock, scarce } = this.#options;
    const ms = scarce() && !this.low ? queueLimits.spaceScarceMs : queueLimits.spaceCheckMs;
    this.#timer = clock.after(ms, () => void this.start());
  }

  /** A write found no space: low until a look says that there is enough. */
  exhausted(): void {
    if (!this.low) this.#turnLow(0);
  }

  async look(): Promise<void> {
    const { disk, path, floorBytes, resumeBytes, journal } = this.#options;
    try {
      const { freeBytes } = await disk.space(path);
      if (!this.low && freeBytes < floorBytes) this.#turnLow(freeBytes);
      else if (this.low && freeBytes >= resumeBytes) {
        this.low = false;
        journal.emit('storage.space-enough', { path, free: freeBytes });
      }
      this.#told = undefined;
    } catch (error) {
      const errno = errnoOf(error);
      if (errno !== this.#told)
        journal.emit('storage.maintenance-failed', { action: 'measure the free space', path, errno });
      this.#told = errno;
    }
    this.#options.looked();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #turnLow(free: number): void {
    const { path, floorBytes, resumeBytes, journal } = this.#options;
    this.low = true;
    journal.emit('storage.space-low', { path, free, floor: floorBytes, resume: resumeBytes });
  }
}
