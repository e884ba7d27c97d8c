/** Looks after the spool while the service runs: a volume that is unmounted under it, or removed, is told as what it is. */
import { renderText, rowOf } from '../../events/render.ts';
import type { Journal } from '../../events/journal.ts';
import { holdsSpool, readSpoolMarker, spoolMarkerPath } from '../../operate/config/index.ts';
import type { Settings } from '../../settings/index.ts';
import type { Clock, Timer } from '../../world/ports/clock.ts';
import type { Disk } from '../../world/ports/disk.ts';
import type { Board } from '../parts/board.ts';
import { limits } from './limits.ts';
import { missing, type StorageTrouble, unusable } from './storage.ts';

/** What looking after the spool needs. */
export interface StorageWatchParts {
  readonly clock: Pick<Clock, 'after' | 'wall'>;
  readonly disk: Disk;
  readonly journal: Journal;
  readonly board: Board;
  readonly settings: Settings;
  readonly configurationPath: string;
  /** Called when the spool is away, and when it is back. */
  readonly changed: (is: 'away' | 'back') => void;
}

/** Looks every few seconds; makes nothing, ever. */
export class StorageWatch {
  readonly #parts: StorageWatchParts;
  #timer: Timer | undefined;
  #stopped = false;
  /** Whether the spool has been seen: a new one may still be on its way. */
  #seen = false;
  #told: string | undefined;

  constructor(parts: StorageWatchParts) {
    this.#parts = parts;
    this.#later();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #later(): void {
    if (!this.#stopped) this.#timer = this.#parts.clock.after(limits.storageLookMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    const trouble = await this.#find();
    if (!this.#stopped) this.#tell(trouble);
    this.#later();
  }

  async #find(): Promise<StorageTrouble | undefined> {
    const { disk, settings, configurationPath, clock } = this.#parts;
    const { data } = settings.server;
    try {
      if (await holdsSpool(disk, data)) {
        this.#seen = true;
        return undefined;
      }
      if (!this.#seen) return undefined;
      const marker = spoolMarkerPath(configurationPath, data);
      const sign = marker === undefined ? undefined : await readSpoolMarker(disk, marker).catch(() => undefined); // unreadable: as if there were none
      return await missing({ disk, settings }, marker ?? 'this service', sign?.madeAtMs ?? clock.wall());
    } catch (error) {
      return unusable({ settings, ownership: () => undefined }, data, error);
    }
  }

  #tell(trouble: StorageTrouble | undefined): void {
    const { journal, board, settings } = this.#parts;
    if (trouble === undefined) {
      if (this.#told === undefined) return;
      this.#told = undefined;
      this.#parts.changed('back');
      journal.emit('service.storage-available', { path: settings.server.data });
      return board.set({ part: 'storage', state: 'running' });
    }
    if (this.#told === trouble.event) return;
    if (this.#told === undefined) this.#parts.changed('away');
    this.#told = trouble.event;
    const cause = renderText({ name: trouble.event, data: trouble.data });
    const { number } = rowOf(trouble.event);
    board.set({
      part: 'storage',
      state: 'failed',
      event: number,
      cause,
      evidence: trouble.evidence,
      cure: trouble.cure,
    });
    if (trouble.event === 'service.spool-missing') journal.emit(trouble.event, trouble.data);
    else if (trouble.event === 'service.storage-unavailable') journal.emit(trouble.event, trouble.data);
  }
}
