/**
 * The formats of everything that is kept in the data directory, in one register there. A directory without a register is of
 * the time before it: format 0 of every part that it holds. A newer format is refused by name; an older one is migrated
 * before anything else works with it, with a snapshot of the files that a migration touches taken first.
 */
import { z } from 'zod';
import { errnoOf } from '../../events/fault.ts';
import { formatVersion as queueFormat } from '../../flow/queue/log/format.ts';
import type { Disk } from '../../world/ports/disk.ts';
import { conditionsFormat } from '../doctor/condition-store.ts';
import { transferFormat } from '../transfer/state.ts';
import { snapshotFormat } from '../repair/snapshot/manifest.ts';

/** One kind of thing in the data directory. */
export interface FormatPart {
  readonly name: string;
  /** Below the data directory; where it is not there the part is new. */
  readonly place: string;
  /** The newest format that this version knows. */
  readonly known: number;
}

/** Everything that is kept there, but for mailboxes, locks and sockets, and certificates. The file `spool`, which is made before this is read, says its own format. */
export const formatParts: readonly FormatPart[] = [
  { name: 'queue', place: 'queue', known: queueFormat },
  { name: 'timeline', place: 'timeline', known: 1 },
  { name: 'events', place: 'events', known: 1 },
  { name: 'snapshots', place: 'snapshots', known: snapshotFormat },
  { name: 'transfer', place: 'transfer.json', known: transferFormat },
  { name: 'last-good', place: 'last-good.json', known: 1 },
  { name: 'conditions', place: 'conditions.json', known: conditionsFormat },
];

/** The format of a part that a register does not name although its file is there: it is younger than registers. */
export const firstRegistered = 1;

/** From one format of a part to the next. */
export interface Migration {
  readonly part: string;
  readonly from: number;
  /** The files that it changes or removes, for the snapshot. */
  touches(disk: Disk, data: string): Promise<readonly string[]>;
  run(disk: Disk, data: string): Promise<void>;
}

const nothing = { touches: async () => [], run: async () => undefined };

/** Every step that there has been. What format 0 held is what format 1 holds: only the register is new. */
export const migrations: readonly Migration[] = formatParts.map(({ name }) => ({ part: name, from: 0, ...nothing }));

/** The version of the register itself. */
const REGISTER_FORMAT = 1;
const REGISTER_BYTES_MAX = 64 * 1024;
const register = z.object({
  format: z.number().int(),
  writtenBy: z.string(),
  parts: z.record(z.string(), z.number().int().min(0)),
});
/** What the register says. */
export type Register = z.infer<typeof register>;

/** A format that this version does not know. */
export interface NewerFormat {
  readonly part: string;
  readonly path: string;
  readonly found: number;
  readonly known: number;
  /** The version that wrote it, where the register says so. */
  readonly writtenBy: string;
}

/** Where the register is. */
export const registerPath = (data: string): string => `${data}/formats.json`;

/** What a data directory says of its formats. */
export type FoundFormats =
  | { readonly kind: 'register'; readonly register: Register }
  /** There is none: a new directory, or one from before there were registers. */
  | { readonly kind: 'none' }
  | { readonly kind: 'unreadable'; readonly why: string };

/** Reads the register. */
export async function readFormats(disk: Pick<Disk, 'readFile' | 'entry'>, data: string): Promise<FoundFormats> {
  const path = registerPath(data);
  try {
    const entry = await disk.entry(path);
    if (entry === undefined) return { kind: 'none' };
    if (entry.sizeBytes > REGISTER_BYTES_MAX) return { kind: 'unreadable', why: `${path} is too large` };
    const value: unknown = JSON.parse((await disk.readFile(path)).toString('utf8'));
    const newer = z.object({ format: z.number().int() }).safeParse(value);
    if (newer.success && newer.data.format > REGISTER_FORMAT)
      return { kind: 'register', register: { format: newer.data.format, writtenBy: writerOf(value), parts: {} } };
    const read = register.safeParse(value);
    return read.success
      ? { kind: 'register', register: read.data }
      : { kind: 'unreadable', why: `${path} is damaged: ${read.error.issues[0]?.message ?? ''}` };
  } catch (error) {
    if (error instanceof SyntaxError) return { kind: 'unreadable', why: `${path} is damaged: it is not JSON` };
    return { kind: 'unreadable', why: `${path} cannot be read (${errnoOf(error)})` };
  }
}

function writerOf(value: unknown): string {
  const read = z.object({ writtenBy: z.string() }).safeParse(value);
  return read.success ? read.data.writtenBy : '';
}

/** The first part whose format is newer than this version knows. */
export function newerIn(
  { format, writtenBy, parts }: Register,
  data: string,
  known: readonly FormatPart[] = formatParts,
): NewerFormat | undefined {
  const path = registerPath(data);
  if (format > REGISTER_FORMAT) return { part: 'formats', path, found: format, known: REGISTER_FORMAT, writtenBy };
  for (const [part, found] of Object.entries(parts)) {
    // A part that this version does not have is none of its business: it leaves it alone.
    const own = known.find(({ name }) => name === part);
    if (own !== undefined && found > own.known) return { part, path, found, known: own.known, writtenBy };
  }
  return undefined;
}

/** Prints the register. */
export function printRegister(parts: Readonly<Record<string, number>>, writtenBy: string): string {
  return `${JSON.stringify({ format: REGISTER_FORMAT, writtenBy, parts }, undefined, 1)}\n`;
}
