/** Starts this program once more as a child with another environment: Node cannot replace itself (exec). */
import { spawn, type StdioOptions } from 'node:child_process';
import { constants } from 'node:os';

const FIRST_DESCRIPTOR = 3;
const DESCRIPTORS_MAX = 256;
const RELAYED = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
/** What a service manager says of one process, by its id. */
const BY_PID = ['LISTEN_PID', 'WATCHDOG_PID'] as const;
const PARENT = 'IMS_BEGUN_BY';
const SIGNALLED = 128;

/**
 * Runs this program with the same words, descriptors and signals in `environment`, and resolves with its exit code; undefined where
 * it cannot be started. This process only waits meanwhile.
 */
export function beginAgain(environment: NodeJS.ProcessEnv): Promise<number | undefined> {
  const handed = Number(process.env['LISTEN_PID']) === process.pid ? Number(process.env['LISTEN_FDS'] ?? 0) : 0;
  const descriptors = Array.from({ length: Math.min(handed, DESCRIPTORS_MAX) }, (_, i) => FIRST_DESCRIPTOR + i);
  const stdio: StdioOptions = ['inherit', 'inherit', 'inherit', ...descriptors, 'ipc'];
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    env: { ...environment, [PARENT]: String(process.pid) },
    stdio,
  });
  const relay = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of RELAYED) process.on(signal, relay);
  return new Promise((resolve) => {
    const end = (code: number | undefined): void => {
      for (const signal of RELAYED) process.removeListener(signal, relay);
      resolve(code);
    };
    child.once('error', () => {
      if (child.pid === undefined) end(undefined);
    });
    child.once('exit', (code, signal) => end(code ?? SIGNALLED + (signal === null ? 0 : constants.signals[signal])));
  });
}

/** Called by every `run` before anything else: one that was begun again ends with the process that waits for it. */
export function afterBeginning(): void {
  const parent = process.env[PARENT];
  if (parent === undefined) return;
  delete process.env[PARENT];
  if (process.ppid !== Number(parent)) return;
  for (const name of BY_PID) if (process.env[name] === parent) process.env[name] = String(process.pid);
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel?.unref();
}
