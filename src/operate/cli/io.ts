import type { Host } from '../../world/ports/host.ts';
import type { HostChanges } from '../../world/ports/host-changes.ts';
import type { Programs, ProgramStarter } from '../../world/ports/process.ts';
import type { SecureShell } from '../../world/ports/secure-shell.ts';
import type { World } from '../../world/world.ts';

/** A stream that text is written to. */
export interface TextOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  /** Says when nobody reads any more, as behind `| head`. */
  on?(event: 'error', fn: (error: Error) => void): unknown;
}

/** Where typed or piped input comes from. */
export interface TextInput extends AsyncIterable<Buffer | string> {
  readonly isTTY?: boolean;
  /** On a terminal: turns the echo of typed characters off and on. */
  setRawMode?(on: boolean): unknown;
}

/** Everything the command line touches. */
export interface CliIo {
  readonly stdin: TextInput;
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly world: Pick<World, 'network' | 'disk' | 'clock' | 'random'>;
  readonly version: string;
  /** Where the running program lies; the articles are in `kb/` there or above it. */
  readonly programDirectory?: string;
  /** The version of Node that runs the program. */
  readonly nodeVersion?: string;
  /** Loads what looks at the host; only `doctor` asks for it. */
  host?(): Promise<Host>;
  /** Loads what changes owners and modes; repairs and the set-up ask for it. */
  changes?(): Promise<HostChanges>;
  /** Loads what runs commands of the host; only repairs ask for it. */
  programs?(): Promise<Programs & ProgramStarter>;
  /** Loads the client of SSH; only `gateway` asks for it. */
  shell?(): Promise<SecureShell>;
  /** Makes the hash of a password. */
  hashPassword(password: string): Promise<string>;
  /** Calls `fn` at Ctrl-C; the function that comes back takes that off again. Without it Ctrl-C ends the process. */
  onInterrupt?(fn: () => void): () => void;
}

/** Longest input that is read from a pipe or terminal: a message to send. */
export const INPUT_BYTES_MAX = 64 * 1024 ** 2;

/** Reads all of the input; undefined where it is longer than `most`. */
export async function readAll(input: TextInput, most = INPUT_BYTES_MAX): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of input) {
    const octets = typeof part === 'string' ? Buffer.from(part) : part;
    length += octets.length;
    if (length > most) return undefined;
    parts.push(octets);
  }
  return Buffer.concat(parts);
}

const ENTER = new Set(['\r', '\n', '\x04']);
const CANCEL = '\x03';
const BACK = new Set(['\x7f', '\b']);
const LINE_MAX = 4096;

/** Asks for a line without showing what is typed; from a pipe its first line. Undefined where it was cancelled. */
export async function askSecret(io: Pick<CliIo, 'stdin' | 'stderr'>, question: string): Promise<string | undefined> {
  if (io.stdin.isTTY !== true || io.stdin.setRawMode === undefined) {
    const text = (await readAll(io.stdin, LINE_MAX))?.toString('utf8');
    return text?.split(/\r?\n/, 1)[0];
  }
  io.stderr.write(question);
  io.stdin.setRawMode(true);
  try {
    let line = '';
    for await (const part of io.stdin) {
      for (const character of part.toString()) {
        if (character === CANCEL) return undefined;
        if (ENTER.has(character)) return line;
        if (BACK.has(character)) line = line.slice(0, -1);
        else if (line.length < LINE_MAX) line += character;
      }
    }
    return line;
  } finally {
    io.stdin.setRawMode(false);
    io.stderr.write('\n');
  }
}
