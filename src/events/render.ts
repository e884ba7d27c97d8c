import { printInstant } from '../base/calendar.ts';
import { printReply } from '../mail/reply.ts';
import { catalogue } from './catalogue/index.ts';
import type { FieldKind, FieldTypes } from './field.ts';
import type { EventName } from './journal.ts';
import type { Category, EventRow, Severity } from './row.ts';

/** Which process says it. */
export interface ProcessName {
  readonly role: 'supervisor' | 'worker' | 'operator' | 'command';
  readonly shard?: number;
}

/** An event that happened, as writers and readers have it. */
export interface EventRecord {
  readonly atMs: number;
  readonly number: number;
  readonly name: string;
  readonly severity: Severity;
  readonly category: Category;
  readonly process: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The number and row of an event. */
export interface NumberedRow {
  readonly number: number;
  readonly row: EventRow;
}

const byName: ReadonlyMap<string, NumberedRow> = new Map(
  Object.entries(catalogue).map(([number, row]: [string, EventRow]) => [row.name, { number: Number(number), row }]),
);

/** The number and row of a declared event. */
export function rowOf(name: EventName): NumberedRow {
  const found = byName.get(name);
  // The type says that the name is declared.
  if (found === undefined) throw new Error(`event ${String(name)} is not in the catalogue`);
  return found;
}

/** The row of a number or name, undefined where none is declared (an event log may be from another version). */
export function findRow(numberOrName: number | string): NumberedRow | undefined {
  if (typeof numberOrName === 'string') return byName.get(numberOrName);
  for (const entry of byName.values()) if (entry.number === numberOrName) return entry;
  return undefined;
}

/** What those mean that an operator can do something about. */
const errnoWords: Readonly<Record<string, string>> = {
  EACCES: ' (permission denied)',
  EDQUOT: ' (disk quota exceeded)',
  EIO: ' (the disk reports an error)',
  EMFILE: ' (too many open files)',
  ENOENT: ' (it is not there)',
  ENOSPC: ' (no space left)',
  EPERM: ' (not permitted)',
  EROFS: ' (the file system is read-only)',
};

const KILO = 1024;
const printers: { readonly [K in FieldKind]?: (value: FieldTypes[K]) => string } = {
  bytes: printBytes,
  milliseconds: printMilliseconds,
  time: printInstant,
  reply: printReply,
  errno: (value) => (value === '' ? 'no system error' : `${value}${errnoWords[value] ?? ''}`),
};

/** Prints one field by its kind: one line, without control characters. */
export function printFieldValue(kind: FieldKind, value: unknown): string {
  const printer = printers[kind] as ((value: unknown) => string) | undefined;
  const text = printer === undefined ? String(value) : printer(value);
  return text.replace(/[\x00-\x1f\x7f\u0080-\u009f\u2028\u2029]+/g, ' ');
}

/** The event as a sentence, with its fields printed by their kinds. A row that this version does not know prints name and data. */
export function renderText(event: Pick<EventRecord, 'name' | 'data'>): string {
  const found = byName.get(event.name);
  if (found === undefined) return `${event.name} ${JSON.stringify(event.data)}`;
  const { row } = found;
  return row.text.replace(/\{([A-Za-z0-9]+)\}/g, (whole, field: string) => {
    const kind = row.data[field];
    const value = event.data[field];
    return kind === undefined || value === undefined ? whole : printFieldValue(kind, value);
  });
}

/** The event as one JSON object of one line, without line end: what the log and machines read. */
export function toJson(event: EventRecord): string {
  return JSON.stringify({
    time: printInstant(event.atMs),
    event: event.number,
    name: event.name,
    severity: event.severity,
    category: event.category,
    process: event.process,
    text: renderText(event),
    data: event.data,
  });
}

/** The event as one line for people at a terminal. */
export function toLine(event: EventRecord): string {
  const mark = event.severity === 'information' ? '' : `${event.severity.toUpperCase()} `;
  return `${printInstant(event.atMs).slice(0, 19).replace('T', ' ')} ${event.number} ${mark}${event.process}: ${renderText(event)}`;
}

/** Reads an event back from a line of `toJson`; undefined where the line is none. */
export function fromJson(line: string): EventRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // A torn or foreign line is no event.
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { time, event, name, severity, category, process, data } = value as Record<string, unknown>;
  if (typeof time !== 'string' || typeof event !== 'number' || typeof name !== 'string') return undefined;
  const atMs = Date.parse(time);
  if (Number.isNaN(atMs) || typeof process !== 'string' || typeof data !== 'object' || data === null) return undefined;
  return {
    atMs,
    number: event,
    name,
    severity: severity as Severity,
    category: category as Category,
    process,
    data: data as Record<string, unknown>,
  };
}

/** Prints who speaks: 'worker 0'. */
export function printProcess(process: ProcessName): string {
  return process.shard === undefined ? process.role : `${process.role} ${process.shard}`;
}

function printBytes(value: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let amount = value;
  while (amount >= KILO && unit < units.length - 1) {
    amount /= KILO;
    unit += 1;
  }
  return `${unit === 0 || Number.isInteger(amount) ? amount : amount.toFixed(1)} ${units[unit]}`;
}

function printMilliseconds(value: number): string {
  if (value < 1000) return `${Math.round(value)} ms`;
  if (value < 120_000) return `${(value / 1000).toFixed(1)} s`;
  if (value < 7_200_000) return `${Math.round(value / 60_000)} min`;
  return value < 172_800_000 ? `${Math.round(value / 3_600_000)} h` : `${Math.round(value / 86_400_000)} d`;
}
