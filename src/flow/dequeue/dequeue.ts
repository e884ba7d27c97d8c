import type { DequeueEntry } from '../../settings/dequeue.ts';
import { Errand, type ErrandParts } from './errand.ts';
import type { Dequeue } from './port.ts';

/** What the entries of a worker are made of. */
export interface DequeueParts extends ErrandParts {
  /** This worker, and how many there are: each entry belongs to one of them. */
  readonly worker: number;
  readonly workers: number;
  /** An entry that this worker has no more. */
  readonly gone: (name: string) => void;
}

/** Makes the entries of a worker. They begin with `use`. */
export function createDequeue(parts: DequeueParts): Dequeue {
  const errands = new Map<string, Errand>();
  let closed = false;
  return {
    use(settings) {
      if (closed) return;
      const names = Object.keys(settings).sort();
      const own = new Set(names.filter((_, index) => index % parts.workers === parts.worker));
      for (const [name, errand] of errands) {
        if (own.has(name) && isSame(settings[name], errand.entry)) continue;
        errand.close();
        errands.delete(name);
        parts.gone(name);
      }
      for (const name of own) {
        const entry = settings[name];
        if (entry !== undefined && !errands.has(name)) errands.set(name, new Errand(name, entry, parts));
      }
    },
    states: () => [...errands.values()].map((errand) => errand.state()),
    start(name) {
      const errand = errands.get(name);
      errand?.start();
      return errand !== undefined;
    },
    progress: (name, fromLine) => errands.get(name)?.progress(fromLine),
    goOn() {
      for (const errand of errands.values()) errand.goOn();
    },
    close() {
      closed = true;
      for (const errand of errands.values()) errand.close();
    },
  };
}

function isSame(one: DequeueEntry | undefined, other: DequeueEntry): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
