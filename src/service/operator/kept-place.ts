/** A place on this host at which the operator process answers, as a setting names it: one that cannot be had is tried again. */
import { errnoOf } from '../../events/fault.ts';
import { parseLoopbackPlace } from '../../operate/config/loopback-place.ts';
import type { Clock, Timer } from '../../world/ports/clock.ts';
import type { Disk } from '../../world/ports/disk.ts';
import type { ListenHandle, Network } from '../../world/ports/network.ts';

/** Bounds of keeping a place. */
export const placeLimits = {
  retryMs: 5_000,
  /** How long a socket that somebody may have left behind is tried. */
  dialMs: 3_000,
} as const;

/** What keeping a place needs, and who hears of it. */
export interface KeptPlaceParts {
  readonly world: {
    readonly clock: Pick<Clock, 'after'>;
    readonly network: Pick<Network, 'dial'>;
    readonly disk: Pick<Disk, 'entry' | 'unlink'>;
  };
  /** Borrows the bound socket of a place from the supervisor, which holds it for longer; undefined gives it back. */
  readonly socket: (place: string | undefined) => Promise<ListenHandle | undefined>;
  /** Begins to answer there; what comes back ends it. */
  readonly serve: (handle: ListenHandle) => Promise<{ close(): Promise<void> }>;
  /** It answers there; `again` after it could not. */
  readonly served: (place: string, again: boolean) => void;
  /** It cannot; `changed` where nobody was told of this cause yet. */
  readonly failed: (place: string, cause: string, changed: boolean) => void;
  /** No place is wanted any more. */
  readonly gone: () => void;
}

/** Answers where it is told to. */
export class KeptPlace {
  readonly #parts: KeptPlaceParts;
  #place: string | undefined;
  /** Raised with every change of the place: what was begun before it counts no more. */
  #turn = 0;
  #serving: { close(): Promise<void> } | undefined;
  #retry: Timer | undefined;
  #told: string | undefined;

  constructor(parts: KeptPlaceParts) {
    this.#parts = parts;
  }

  /** Answers at this place from now on; undefined for nowhere. Resolves when it does, or once it has found that it cannot. */
  async use(place: string | undefined): Promise<void> {
    if (place === this.#place) return;
    this.close();
    this.#place = place;
    this.#told = undefined;
    if (place !== undefined) return this.#open(place);
    this.#parts.gone();
    // Nothing is lent for no place, and nobody waits for it.
    void this.#parts.socket(undefined).catch(() => undefined);
  }

  /** Leaves the place to the process that comes after this one. */
  close(): void {
    this.#turn += 1;
    this.#place = undefined;
    this.#retry?.cancel();
    void this.#serving?.close();
    this.#serving = undefined;
  }

  async #open(place: string): Promise<void> {
    const turn = this.#turn;
    try {
      const where = parseLoopbackPlace(place);
      if (where === undefined) throw new Error('it is no loopback address with a port, and no path');
      if (where.port === 0) await this.#removeDead(where.address);
      const handle = await this.#parts.socket(place);
      if (handle === undefined) throw new Error('the supervisor lends no socket');
      const serving = await this.#parts.serve(handle);
      if (this.#turn !== turn) return void serving.close();
      this.#serving = serving;
      const again = this.#told !== undefined;
      this.#told = undefined;
      this.#parts.served(place, again);
    } catch (error) {
      if (this.#turn !== turn) return;
      const cause = errnoOf(error) || (error instanceof Error ? error.message : String(error));
      // A condition that lasts is told once, and again only when its cause changes.
      const changed = this.#told !== cause;
      this.#told = cause;
      this.#parts.failed(place, cause, changed);
      this.#retry = this.#parts.world.clock.after(placeLimits.retryMs, () => void this.#open(place));
    }
  }

  /** A process that was killed leaves its socket behind. */
  async #removeDead(path: string): Promise<void> {
    const { disk, network } = this.#parts.world;
    if ((await disk.entry(path))?.kind !== 'other') return;
    const dead = await network.dial({ address: path, port: 0, timeoutMs: placeLimits.dialMs }).then(
      (stream) => {
        stream.destroy();
        return false;
      },
      (error: unknown) => errnoOf(error) === 'ECONNREFUSED',
    );
    if (dead) await disk.unlink(path);
  }
}
