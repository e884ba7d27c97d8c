/** The transfer mode: whether mail is taken, and whether it is sent. Set by an administrator, kept over restarts. */
import { errnoOf } from '../../events/fault.ts';
import type { Disk } from '../../world/ports/disk.ts';

/** The modes, the usual one first. */
export const transferModes = ['both', 'in', 'out', 'none'] as const;
export type TransferMode = (typeof transferModes)[number];

/** What was ordered. */
export interface TransferState {
  readonly mode: TransferMode;
  readonly sinceMs: number;
  /** When the mode ends by itself. */
  readonly untilMs?: number;
  /** The administrator's own words, '' where none were given. */
  readonly reason: string;
  /** When it was last told of by an event. */
  readonly toldMs: number;
}

/** What is in force where nobody has ordered anything. */
export const usualTransfer: TransferState = { mode: 'both', sinceMs: 0, reason: '', toldMs: 0 };

/** The version of the file. */
export const transferFormat = 1;
export const REASON_MAX = 500;
const FILE_BYTES_MAX = 8192;

/** Where the mode is kept. */
export const transferPath = (data: string): string => `${data}/transfer.json`;

/** Prints the file. */
export function printTransfer(state: TransferState): string {
  return `${JSON.stringify({ format: transferFormat, ...state }, undefined, 1)}\n`;
}

/** The file as it was found, or why it cannot be read: then both ways are in force. */
export type FoundTransfer = { readonly state: TransferState; readonly why?: string };

/** By hand: a worker reads it at its start, and loads no parser of schemas. */
function stateOf(value: unknown): TransferState | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { format, mode, sinceMs, untilMs, reason, toldMs } = value as Readonly<Record<string, unknown>>;
  const known = transferModes.find((one) => one === mode);
  if (format !== transferFormat || known === undefined) return undefined;
  if (typeof sinceMs !== 'number' || typeof toldMs !== 'number' || typeof reason !== 'string') return undefined;
  const state = { mode: known, sinceMs, toldMs, reason: reason.slice(0, REASON_MAX) };
  if (untilMs === undefined) return state;
  return typeof untilMs === 'number' ? { ...state, untilMs } : undefined;
}

/** Reads the file. Never rejects. */
export async function readTransfer(disk: Pick<Disk, 'readFile' | 'entry'>, data: string): Promise<FoundTransfer> {
  const path = transferPath(data);
  try {
    // A directory that cannot be searched is a trouble of the storage, which is told as that.
    const entry = await disk.entry(path).catch(() => undefined);
    if (entry === undefined) return { state: usualTransfer };
    if (entry.sizeBytes > FILE_BYTES_MAX) return { state: usualTransfer, why: 'it is too large' };
    const read = stateOf(JSON.parse((await disk.readFile(path)).toString('utf8')));
    return read === undefined ? { state: usualTransfer, why: 'it is damaged' } : { state: read };
  } catch (error) {
    const why = error instanceof SyntaxError ? 'it is not JSON' : `it cannot be read (${errnoOf(error)})`;
    return { state: usualTransfer, why };
  }
}

/** The mode in force at a time. */
export function modeAt({ mode, untilMs }: TransferState, nowMs: number): TransferMode {
  return untilMs !== undefined && nowMs >= untilMs ? 'both' : mode;
}

/** Whether mail is taken in a mode, and whether it is sent. */
export const takes = (mode: TransferMode): boolean => mode === 'both' || mode === 'in';
export const sends = (mode: TransferMode): boolean => mode === 'both' || mode === 'out';

/** What a mode means, in words. */
export const transferWords: Readonly<Record<TransferMode, string>> = {
  both: 'mail is taken and sent',
  in: 'mail is taken and delivered into mailboxes here, and none is sent to other hosts',
  out: 'no mail is taken, and what waits is sent',
  none: 'no mail is taken, sent or delivered',
};
