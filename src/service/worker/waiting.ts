import { Fault } from '../../events/fault.ts';
import type { Journal } from '../../events/journal.ts';
import { printFieldValue, renderText } from '../../events/render.ts';
import { isFull } from '../../flow/queue/log/space.ts';
import type { World } from '../../world/world.ts';

/** Waits between attempts to open storage that failed. */
const REOPEN_MS = 5_000;

/** Waits between looks for a directory that the supervisor makes when it can. */
const THERE_MS = 500;

/** Waits between looks at a shard that the worker of a supervisor that is gone is about to leave; told of after some of them. */
const HELD_MS = 50;
const HELD_TOLD_AFTER = 100;

/** What waiting needs. */
export interface WaitingParts {
  readonly world: Pick<World, 'clock'>;
  /** Takes the lock at a path for this process's life, or says that another process holds it. */
  readonly takeLock: (path: string) => Promise<object | 'held'>;
}

/** A shard has one owner: waits until the one before has left, which a kill of its supervisor gives a second or two. */
export async function untilLocked(parts: WaitingParts, journal: Journal, path: string, queue: string): Promise<void> {
  for (let looks = 1; ; looks += 1) {
    const why = await parts.takeLock(path).then(
      (lock) => (lock === 'held' ? 'another process still works on this shard' : undefined),
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    if (why === undefined) {
      if (looks > HELD_TOLD_AFTER) journal.emit('service.queue-available', { path: queue });
      return;
    }
    if (looks === HELD_TOLD_AFTER) journal.emit('service.queue-unavailable', { path, cause: why });
    await new Promise<void>((resolve) => void parts.world.clock.after(HELD_MS, resolve));
  }
}

/** Waits until a directory is there. */
export async function untilThere({ clock, disk }: Pick<World, 'clock' | 'disk'>, path: string): Promise<void> {
  while ((await disk.entry(path).catch(() => undefined)) === undefined)
    await new Promise<void>((resolve) => void clock.after(THERE_MS, resolve));
}

/**
 * Opens storage, and tries again for as long as it cannot be opened; says so once for each cause. `full` is called when it is for want
 * of space alone.
 */
export async function untilOpen<T>(
  parts: Pick<WaitingParts, 'world'>,
  journal: Journal,
  path: string,
  open: () => Promise<T>,
  full: () => void = () => undefined,
): Promise<T> {
  let told = '';
  for (;;) {
    try {
      const opened = await open();
      if (told !== '') journal.emit('service.queue-available', { path });
      return opened;
    } catch (error) {
      const cause = causeOf(error);
      if (cause !== told) journal.emit('service.queue-unavailable', { path, cause });
      told = cause;
      if (isFull(error instanceof Fault ? error.cause : error)) full();
      await new Promise<void>((resolve) => void parts.world.clock.after(REOPEN_MS, resolve));
    }
  }
}

/** The same, but it resolves when the first try has found no space, without what is opened later. */
export async function untilOpenOrFull<T>(
  ...[parts, journal, path, open]: Parameters<typeof untilOpen<T>>
): Promise<{ readonly opening: Promise<T>; readonly own: T | undefined }> {
  let full: () => void = () => undefined;
  const noSpace = new Promise<undefined>((resolve) => {
    full = () => resolve(undefined);
  });
  const opening = untilOpen(parts, journal, path, open, full);
  return { opening, own: await Promise.race([opening, noSpace]) };
}

function causeOf(error: unknown): string {
  if (!(error instanceof Fault)) return error instanceof Error ? error.message : String(error);
  // The constructor has checked that name and data belong together.
  const data = error.data as Readonly<Record<string, unknown>>;
  // What that event says of outcomes in memory is not so before a queue is open.
  if (error.event === 'storage.write-failed') return printFieldValue('errno', data['errno']);
  return renderText({ name: error.event, data });
}
