/** The recorder of file system calls: how to run a program under it, and how to read what it wrote. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from './programs.ts';
import { projectRoot } from './root.ts';

/** What one call did. Times are nanoseconds of the machine's monotonic clock, as `process.hrtime.bigint()` has it. */
export type RecordedCall = {
  readonly beganNs: number;
  readonly returnedNs: number;
} & (
  | {
      readonly kind: 'opened';
      readonly path: string;
      readonly inode: number;
      readonly directory: boolean;
      readonly emptied: boolean;
      readonly mayCreate: boolean;
    }
  | { readonly kind: 'made'; readonly path: string; readonly inode: number }
  | { readonly kind: 'renamed' | 'linked'; readonly path: string; readonly to: string }
  | { readonly kind: 'unlinked'; readonly path: string }
  | {
      readonly kind: 'written';
      readonly inode: number;
      readonly position: number;
      readonly length: number;
      readonly octets: Buffer | 'zeros';
    }
  | { readonly kind: 'truncated'; readonly inode: number; readonly size: number }
  | { readonly kind: 'synced'; readonly inode: number }
  | { readonly kind: 'said'; readonly text: string }
);

/** What a program must find in its environment to be recorded. */
export interface RecorderOptions {
  /** Files below this directory are recorded; absolute. */
  readonly below: string;
  /** Where the records go; writable for the program's user. */
  readonly into: string;
  /** Replies on sockets that begin so are recorded too. */
  readonly replies: string;
}

/** Compiles the recorder to `library` and returns the environment for programs under it. */
export async function compileRecorder(library: string): Promise<(options: RecorderOptions) => Record<string, string>> {
  const source = join(projectRoot, 'test/support/record-writes.c');
  const { code, output } = await runProgram('cc', [
    '-shared',
    '-fPIC',
    '-O1',
    '-Wall',
    '-o',
    library,
    source,
    '-ldl',
    '-lpthread',
  ]);
  if (code !== 0) throw new Error(`cc ended with ${code}: ${output}`);
  return ({ below, into, replies }) => ({
    LD_PRELOAD: library,
    RECORD_BELOW: below,
    RECORD_INTO: into,
    RECORD_REPLIES: replies,
  });
}

/** Everything that the programs recorded into a directory, in the order in which the calls returned. */
export function readRecording(directory: string): RecordedCall[] {
  const calls: RecordedCall[] = [];
  for (const name of readdirSync(directory)) readCalls(readFileSync(join(directory, name)), calls);
  return calls.sort((a, b) => a.returnedNs - b.returnedNs);
}

const MAGIC = 0x31435257;
const HEADER_BYTES = 56;
const KINDS = [
  '',
  'opened',
  'written',
  'synced',
  'renamed',
  'linked',
  'unlinked',
  'made',
  'truncated',
  'said',
] as const;
const FLAG = { directory: 1, emptied: 2, zeros: 4 } as const;

function readCalls(bytes: Buffer, calls: RecordedCall[]): void {
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    if (bytes.readUInt32LE(at) !== MAGIC) throw new Error(`no record at ${at}`);
    const number = (offset: number): number => Number(bytes.readBigUInt64LE(at + offset));
    const flags = bytes.readUInt16LE(at + 6);
    const times = { beganNs: number(8), returnedNs: number(16) };
    const [inode, position, length] = [number(24), number(32), number(40)];
    const pathEnd = at + HEADER_BYTES + bytes.readUInt32LE(at + 48);
    const otherEnd = pathEnd + bytes.readUInt32LE(at + 52);
    const path = bytes.toString('utf8', at + HEADER_BYTES, pathEnd);
    const to = bytes.toString('utf8', pathEnd, otherEnd);
    const kind = KINDS[bytes.readUInt16LE(at + 4)] ?? '';
    const zeros = (flags & FLAG.zeros) !== 0;
    at = zeros ? otherEnd : otherEnd + length;
    const octets = bytes.subarray(otherEnd, at);
    if (kind === 'opened') {
      calls.push({
        ...times,
        kind,
        path,
        inode,
        directory: (flags & FLAG.directory) !== 0,
        emptied: (flags & FLAG.emptied) !== 0,
        mayCreate: position === 1,
      });
    } else if (kind === 'made') calls.push({ ...times, kind, path, inode });
    else if (kind === 'renamed' || kind === 'linked') calls.push({ ...times, kind, path, to });
    else if (kind === 'unlinked') calls.push({ ...times, kind, path });
    else if (kind === 'written')
      calls.push({ ...times, kind, inode, position, length, octets: zeros ? 'zeros' : octets });
    else if (kind === 'truncated') calls.push({ ...times, kind, inode, size: position });
    else if (kind === 'synced') calls.push({ ...times, kind, inode });
    else if (kind === 'said') calls.push({ ...times, kind, text: octets.toString('latin1') });
    else throw new Error(`a record of no kind at ${at}`);
  }
}
