/** Programs that scenarios run: to their end, or in the background until the test is over. */
import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How a program is started. */
export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads from its standard input. */
  readonly input?: string | Buffer;
}

/** How a program ended; `output` is both streams as they came. */
export interface ProgramResult {
  readonly code: number | null;
  readonly output: string;
}

/** A program that runs until it is ended. */
export interface RunningProgram {
  readonly pid: number;
  readonly output: string;
  readonly ended: boolean;
  /** Ends it, by force when it does not go within seconds. */
  end(): Promise<void>;
}

const RUN_MS = 25_000;
const END_MS = 3_000;

/** Runs a program to its end. */
export function runProgram(
  command: string,
  words: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const limit = setTimeout(() => child.kill('SIGKILL'), RUN_MS);
    const said = outputOf(child);
    child.once('error', reject);
    child.stdin.on('error', () => undefined); // it may end without reading
    child.stdin.end(options.input);
    child.once('close', (code) => {
      clearTimeout(limit);
      resolve({ code, output: said() });
    });
  });
}

/** Starts a program in the background, in a process group of its own that ends with it. */
export function startProgram(
  command: string,
  words: readonly string[],
  options: Omit<ProgramOptions, 'input'> = {},
): RunningProgram {
  const child = spawn(command, words, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const said = outputOf(child);
  let ended = false;
  const gone = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  }).then(() => {
    ended = true;
  });
  return {
    pid: child.pid ?? -1,
    get output() {
      return said();
    },
    get ended() {
      return ended;
    },
    async end() {
      child.kill('SIGTERM');
      const limit = setTimeout(() => child.kill('SIGKILL'), END_MS);
      await gone;
      clearTimeout(limit);
      killGroup(child.pid);
    },
  };
}

/** What is left of a group whose leader has ended. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function outputOf(child: ChildProcess): () => string {
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  return () => output;
}

/** Asks again and again until the answer is neither undefined nor false; throws with `what` after `ms`. */
export async function until<T>(
  what: string | (() => string),
  ask: () => T | Promise<T>,
  ms = 15_000,
): Promise<Exclude<T, undefined | false>> {
  const end = performance.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>;
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${typeof what === 'string' ? what : what()}`);
    await sleep(40);
  }
}

/** Waits until somebody accepts connections at an address or path. */
export async function listens(
  where: { readonly port: number; readonly address?: string } | { readonly path: string },
): Promise<void> {
  const target = 'path' in where ? where : { host: where.address ?? '127.0.0.1', port: where.port };
  const open = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(target);
      socket.once('error', () => resolve(false));
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
    });
  await until(`nobody listens at ${JSON.stringify(target)}`, open);
}
