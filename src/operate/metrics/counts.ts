import type { CounterName, LabelsOf } from './table.ts';
import { metrics } from './table.ts';

/** What a process has counted since it started: numbers by series, so that they cross processes as they are. */
export type CountRecord = Readonly<Record<string, number>>;

/** One series. The message path adds to it and does nothing else. */
export interface Counter {
  value: number;
}

/** Series of one process; more are left out, which no configuration comes near. */
export const seriesMax = 5000;

const labelsOf: ReadonlyMap<string, readonly string[]> = new Map(metrics.map(({ name, labels }) => [name, labels]));
const SEPARATOR = '\0';

/** The counters of a process. */
export class Counts {
  readonly #series = new Map<string, Counter>();

  /** The series of a metric with these labels; callers on the message path keep it. */
  of<N extends CounterName>(name: N, labels: LabelsOf<N>): Counter {
    const values = (labelsOf.get(name) ?? []).map((label) => (labels as Readonly<Record<string, string>>)[label] ?? '');
    const key = [name, ...values].join(SEPARATOR);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const made: Counter = { value: 0 };
    if (this.#series.size < seriesMax) this.#series.set(key, made);
    return made;
  }

  all(): CountRecord {
    return Object.fromEntries([...this.#series].map(([key, { value }]) => [key, value]));
  }
}

/** One value with its labels. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The samples of what was counted; what another version counted is left out. */
export function samplesOf(counts: CountRecord): readonly Sample[] {
  return Object.entries(counts).flatMap(([key, value]) => {
    const [name = '', ...values] = key.split(SEPARATOR);
    const labels = labelsOf.get(name);
    if (labels === undefined || labels.length !== values.length) return [];
    return [{ name, labels: Object.fromEntries(labels.map((label, at) => [label, values[at] ?? ''])), value }];
  });
}

/** The sums of several. */
export function addCountRecords(records: readonly CountRecord[]): CountRecord {
  const sums: Record<string, number> = {};
  for (const record of records) for (const [key, value] of Object.entries(record)) sums[key] = (sums[key] ?? 0) + value;
  return sums;
}

/** The counts of a process that may be started again: what its predecessors counted stays, so that no sum goes backwards. */
export class KeptCounts {
  #before: CountRecord = {};
  #now: CountRecord = {};

  /** What the process that lives has counted so far. */
  heard(counts: CountRecord): void {
    this.#now = counts;
  }

  /** It has ended; its successor begins at nothing. */
  ended(): void {
    this.#before = addCountRecords([this.#before, this.#now]);
    this.#now = {};
  }

  sum(): CountRecord {
    return addCountRecords([this.#before, this.#now]);
  }
}
