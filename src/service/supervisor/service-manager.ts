import type { World } from '../../world/world.ts';

/** What systemd tells a service it starts, from its environment. */
export interface ServiceManager {
  /** Sends a state of sd_notify(3); does nothing without a manager. */
  notify(state: string): void;
  /** Descriptors handed over, with their names (LISTEN_FDS, LISTEN_FDNAMES); the first is number 3. */
  readonly descriptors: readonly { readonly descriptor: number; readonly name: string }[];
  /** How often the manager wants a sign of life; undefined without a watchdog. */
  readonly watchdogMs: number | undefined;
}

const FIRST_DESCRIPTOR = 3;
const NOTIFY_TIMEOUT_MS = 5_000;

/**
 * Reads the manager's environment. Node has no UNIX datagram sockets, so the notification goes through the program
 * `systemd-notify`, which is where systemd is (the unit needs NotifyAccess=all).
 */
export function serviceManager(
  environment: NodeJS.ProcessEnv,
  pid: number,
  world: Pick<World, 'programs'>,
): ServiceManager {
  const socket = environment['NOTIFY_SOCKET'];
  const count = Number(environment['LISTEN_PID']) === pid ? Number(environment['LISTEN_FDS'] ?? 0) : 0;
  const names = (environment['LISTEN_FDNAMES'] ?? '').split(':');
  const watchdog = Number(environment['WATCHDOG_USEC'] ?? 0);
  // One at a time: a manager that hears of the end of a reload before its beginning waits forever.
  let before: Promise<unknown> = Promise.resolve();
  return {
    notify(state) {
      if (socket === undefined) return;
      const tell = (): Promise<unknown> =>
        world.programs.run({
          command: 'systemd-notify',
          arguments: ['--no-block', `--pid=${pid}`, ...state.split('\n')],
          environment: { NOTIFY_SOCKET: socket, PATH: environment['PATH'] ?? '/usr/bin:/bin' },
          timeoutMs: NOTIFY_TIMEOUT_MS,
          outputBytesMax: 0,
        });
      before = before.then(tell).catch(() => undefined); // a manager without its own tool is told nothing; mail goes on
    },
    descriptors: Array.from({ length: Math.min(count, 256) }, (_, i) => ({
      descriptor: FIRST_DESCRIPTOR + i,
      name: names[i] ?? '',
    })),
    watchdogMs: watchdog > 0 ? watchdog / 1000 : undefined,
  };
}
