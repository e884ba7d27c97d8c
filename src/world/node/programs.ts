import { spawn } from 'node:child_process';
import type { Programs, ProgramStarter } from '../ports/process.ts';

/** How long a program that was asked to end may take until it is killed. */
const KILL_AFTER_MS = 3000;

/** What ends the programs that run. Nobody waits for them once this process is over, and their work is begun anew: they must not go on alone. */
const running = new Set<() => void>();
process.once('exit', () => {
  for (const end of running) end();
});

/** Runs programs of the machine, each in a process group of its own so that a time-out ends its children too. */
export const nodePrograms: Programs & ProgramStarter = {
  begin: ({ command, arguments: words, environment, directory }) =>
    new Promise((resolve, reject) => {
      const child = spawn(command, words, {
        env: environment,
        stdio: 'ignore',
        detached: true,
        ...(directory === undefined ? {} : { cwd: directory }),
      });
      let ended: number | undefined;
      child.once('exit', (code) => {
        ended = code ?? -1;
      });
      child.once('error', reject);
      child.once('spawn', () => {
        child.unref();
        resolve({ pid: child.pid ?? 0, ended: () => ended });
      });
    }),
  run: (options, input) =>
    new Promise((resolve, reject) => {
      const child = spawn(options.command, options.arguments, {
        env: options.environment,
        stdio: ['pipe', 'pipe', 'pipe'],
        detached: true,
        ...(options.directory === undefined ? {} : { cwd: options.directory }),
        ...(options.user === undefined ? {} : { uid: options.user.uid, gid: options.user.gid }),
      });
      let output = '';
      let timedOut = false;
      const keep = (chunk: Buffer): void => {
        if (output.length < options.outputBytesMax)
          output += chunk.toString('utf8').slice(0, options.outputBytesMax - output.length);
      };
      child.stdout.on('data', keep);
      child.stderr.on('data', keep);
      const kill = (signal: NodeJS.Signals): void => {
        try {
          if (child.pid !== undefined) process.kill(-child.pid, signal);
        } catch {
          child.kill(signal); // the group is gone; the child itself may not be
        }
      };
      const endWithUs = (): void => kill('SIGTERM');
      running.add(endWithUs);
      const limit = setTimeout(() => {
        timedOut = true;
        kill('SIGTERM');
        setTimeout(() => kill('SIGKILL'), KILL_AFTER_MS).unref();
      }, options.timeoutMs);
      child.once('error', (error) => {
        clearTimeout(limit);
        running.delete(endWithUs);
        reject(error);
      });
      child.once('close', (code, signal) => {
        clearTimeout(limit);
        running.delete(endWithUs);
        resolve({ code: code ?? undefined, signal: signal ?? undefined, timedOut, output });
      });
      // A program may end without reading its input: EPIPE is its right, its exit code decides.
      child.stdin.on('error', () => undefined);
      if (input === undefined) child.stdin.end();
      else void feed(child.stdin, input).catch(() => kill('SIGTERM'));
    }),
};

async function feed(stdin: NodeJS.WritableStream, input: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of input) {
    if (!stdin.writable) return;
    if (!stdin.write(chunk))
      await new Promise<void>((resolve) => {
        const go = (): void => {
          stdin.removeListener('drain', go);
          stdin.removeListener('close', go);
          stdin.removeListener('error', go);
          resolve();
        };
        stdin.on('drain', go);
        stdin.on('close', go);
        stdin.on('error', go);
      });
  }
  stdin.end();
}
