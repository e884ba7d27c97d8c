import { errnoOf } from '../../events/fault.ts';
import type { Clock } from '../../world/ports/clock.ts';
import type { Host } from '../../world/ports/host.ts';
import type { HostChanges } from '../../world/ports/host-changes.ts';
import type { ProgramStarter } from '../../world/ports/process.ts';
import { startEveryMs, startMsMax, stopMsMax } from './limits.ts';

/** What a start of the service by a repair needs. */
export interface ServiceStart {
  readonly configuration: string;
  /** The lock that a running service holds. */
  readonly lock: string;
  /** Where the entry of the program lies. */
  readonly programDirectory: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly host: Pick<Host, 'link'>;
  readonly changes: Pick<HostChanges, 'socketAnswers'>;
  readonly programs: ProgramStarter;
  readonly clock: Pick<Clock, 'now' | 'after'>;
  /** Whether the service answers at its control socket. */
  answers(): Promise<boolean>;
}

/**
 * Starts the service as `ims run` does, by the same Node and with the same environment as this program, and waits until it answers.
 * One that was asked to stop is waited for first. Resolves with why it does not run.
 */
export async function startService(start: ServiceStart): Promise<string | undefined> {
  const { configuration, lock, host, changes, programs, programDirectory } = start;
  const ended = await until(start, stopMsMax, async () => !(await changes.socketAnswers(lock)));
  if (!ended) return `the service that runs did not end within ${stopMsMax / 1000} s`;
  const node = await host.link('/proc/self/exe');
  if (!node.ok || programDirectory === undefined) return 'this system does not say which program runs';
  const environment = Object.fromEntries(
    Object.entries(start.environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  try {
    const begun = await programs.begin({
      command: node.value,
      arguments: ['--enable-source-maps', `${programDirectory}/main.js`, 'run', '--config', configuration],
      environment,
      directory: '/',
    });
    const answers = await until(start, startMsMax, async () => begun.ended() !== undefined || (await start.answers()));
    if (begun.ended() !== undefined)
      return `it ended at once with ${begun.ended()}; ims run --config ${configuration} says why`;
    return answers ? undefined : `it runs (pid ${begun.pid}), and does not answer within ${startMsMax / 1000} s`;
  } catch (error) {
    return `it could not be started (${errnoOf(error)})`;
  }
}

/** Looks again and again until it is so; false where the time is over before. */
async function until({ clock }: Pick<ServiceStart, 'clock'>, ms: number, so: () => Promise<boolean>): Promise<boolean> {
  const end = clock.now() + ms;
  for (;;) {
    if (await so()) return true;
    if (clock.now() >= end) return false;
    await new Promise<void>((resolve) => void clock.after(startEveryMs, resolve));
  }
}
