import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/service/main.js', import.meta.url));
const START_MS = 20_000;
const STARTED = 1000;

/** One event line of a running service. */
export interface SeenEvent {
  readonly event: number;
  readonly name: string;
  readonly process: string;
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A real service in a directory of its own. */
export interface TestService {
  readonly directory: string;
  readonly configuration: string;
  readonly pid: number;
  readonly events: readonly SeenEvent[];
  /** Resolves with the first event of that number, past or to come. */
  seen(number: number, ms?: number): Promise<SeenEvent>;
  /** All events so far, a line each, for the message of a test that fails. */
  told(): string;
  /** Runs `ims` with arguments against this service. */
  ims(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
  /** Process ids of the workers, by /proc. */
  workers(): Promise<number[]>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with the exit code. */
  stop(): Promise<number | undefined>;
  /** Starts it again in the same directory, and waits for that event: 1000 where it accepts mail. */
  restart(until?: number): Promise<void>;
  /** Ends it and removes the directory. */
  remove(): Promise<void>;
}

/** Ports below those that the system gives to outgoing connections, so that none of them takes one that was just found free. */
const PORTS = { first: 15_000, count: 17_000 };
/** Each test process walks from a place of its own: two that run at once do not find the same port. */
let walked = (process.pid * 211) % PORTS.count;

/** A TCP port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS.count; tries += 1) {
    walked = (walked + 1) % PORTS.count;
    const port = PORTS.first + walked;
    if (await isFree(port)) return port;
  }
  throw new Error('no port of loopback is free');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Starts a service with the configuration that `yaml` makes for its directory, and waits until it accepts mail. `entry` may be a variant of its main, `within` words before its command line. */
export async function startService(
  yaml: (directory: string) => string,
  entry = MAIN,
  within: readonly string[] = [],
): Promise<TestService> {
  const directory = await mkdtemp(join(tmpdir(), 'ims-'));
  const configuration = join(directory, 'ims.yaml');
  await writeFile(configuration, yaml(directory), { mode: 0o600 });
  const service = new SpawnedService(directory, configuration, entry, within);
  try {
    await service.restart();
  } catch (error) {
    await service.remove();
    throw error;
  }
  return service;
}

class SpawnedService implements TestService {
  readonly directory: string;
  readonly configuration: string;
  events: SeenEvent[] = [];
  readonly #entry: string;
  readonly #within: readonly string[];
  #child: ChildProcess | undefined;
  #ended: Promise<number | undefined> = Promise.resolve(undefined);
  #errors = '';
  #watchers: ((event: SeenEvent) => void)[] = [];

  constructor(directory: string, configuration: string, entry: string, within: readonly string[]) {
    this.#within = within;
    this.#entry = entry;
    this.directory = directory;
    this.configuration = configuration;
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  async restart(until = STARTED): Promise<void> {
    this.events = [];
    const [program = process.execPath, ...words] = [...this.#within, process.execPath];
    const child = spawn(
      program,
      [...words, '--enable-source-maps', this.#entry, 'run', '--config', this.configuration],
      {
        cwd: this.directory,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
      },
    );
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('exit', (code) => resolve(code ?? undefined)));
    let rest = '';
    child.stdout.on('data', (chunk: Buffer) => {
      rest += chunk.toString('utf8');
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#line(line);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString('utf8');
    });
    await Promise.race([
      this.seen(until, START_MS),
      this.#ended.then((code) => {
        throw new Error(`the service ended with ${code}: ${this.#errors}\n${this.told()}`);
      }),
    ]);
  }

  seen(number: number, ms = 10_000): Promise<SeenEvent> {
    const past = this.events.find(({ event }) => event === number);
    if (past !== undefined) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      const limit = setTimeout(
        () => reject(new Error(`no event ${number} in ${ms} ms; seen: ${this.told()} ${this.#errors}`)),
        ms,
      );
      this.#watchers.push((event) => {
        if (event.event !== number) return;
        clearTimeout(limit);
        resolve(event);
      });
    });
  }

  told(): string {
    return this.events.map(({ event, text }) => `${event} ${text}`).join('\n');
  }

  ims(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      const [program = process.execPath, ...line] = [...this.#within, process.execPath, MAIN, ...words];
      const child = spawn(program, line, {
        cwd: this.directory,
        env: { ...process.env, IMS_CONFIG: this.configuration },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (chunk: Buffer) => {
        stdout += chunk.toString('utf8');
      });
      child.stderr.on('data', (chunk: Buffer) => {
        stderr += chunk.toString('utf8');
      });
      child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
    });
  }

  async workers(): Promise<number[]> {
    const out: number[] = [];
    for (const name of await readdir('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      const status = await readFile(`/proc/${name}/status`, 'latin1').catch(() => '');
      if (!new RegExp(`^PPid:\\s+${this.pid}$`, 'm').test(status)) continue;
      const command = await readFile(`/proc/${name}/cmdline`, 'latin1').catch(() => '');
      if (command.split('\0').includes('worker')) out.push(Number(name));
    }
    return out;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async stop(): Promise<number | undefined> {
    this.kill('SIGTERM');
    return this.#ended;
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  #line(line: string): void {
    let event: SeenEvent;
    try {
      event = JSON.parse(line) as SeenEvent;
    } catch {
      return; // not an event: what a person would read
    }
    this.events.push(event);
    for (const watcher of this.#watchers) watcher(event);
  }
}
