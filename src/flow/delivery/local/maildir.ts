import { dirname, join } from 'node:path';
import { errnoOf } from '../../../events/fault.ts';
import type { Disk } from '../../../world/ports/disk.ts';
import type { Content } from '../../queue/port.ts';
import { type DirectorySyncs, writeStable } from './files.ts';

/** One message for one Maildir. */
export interface MaildirDelivery {
  readonly path: string;
  readonly name: string;
  readonly prefix: Buffer;
  readonly content: Content;
  /** Whether an earlier attempt may have put it there already. */
  readonly maybeThere: boolean;
}

/**
 * Delivers into a Maildir: written and synced in `tmp`, renamed into `new`, `new` synced. A second attempt uses the same name, so in `new` it
 * replaces the first by the same octets; where a mail program has moved it to `cur` it is recognised.
 */
export async function deliverToMaildir(
  disk: Disk,
  syncs: DirectorySyncs,
  delivery: MaildirDelivery,
): Promise<'delivered' | 'there-already'> {
  const { path, name } = delivery;
  if (delivery.maybeThere) {
    const where = await whereItIs(disk, path, name);
    if (where !== undefined) {
      // The attempt that put it there may have failed in making its name stable.
      await syncs.sync(where);
      return 'there-already';
    }
  }
  const temporary = join(path, 'tmp', name);
  try {
    await writeStable(disk, temporary, delivery.prefix, delivery.content);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    await makeMaildir(disk, path);
    await writeStable(disk, temporary, delivery.prefix, delivery.content);
  }
  const fresh = join(path, 'new');
  await disk.rename(temporary, join(fresh, name));
  await syncs.sync(fresh);
  return 'delivered';
}

/** The directory that an earlier attempt's file is in now; undefined where there is none. */
async function whereItIs(disk: Disk, path: string, name: string): Promise<string | undefined> {
  const fresh = join(path, 'new');
  if ((await disk.entry(join(fresh, name))) !== undefined) return fresh;
  const read = join(path, 'cur');
  const seen = await disk.list(read).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  const moved = seen.some((other) => other === name || other.startsWith(`${name}:`) || other.startsWith(`${name},`));
  return moved ? read : undefined;
}

/** Levels whose names are made stable: the Maildir, the mailbox's domain, the folder of all domains, and what that lies in. */
const LEVELS = 4;

/**
 * Makes a Maildir. `tmp` comes last, when the names of all the others are stable: a message that arrives meanwhile does not find it, and
 * makes them stable itself; one that finds it may rely on them.
 */
async function makeMaildir(disk: Disk, path: string): Promise<void> {
  for (const part of ['new', 'cur']) await disk.makeDirectory(join(path, part), 0o700);
  for (let level = 0, at = path; level < LEVELS; level += 1, at = dirname(at)) await disk.syncDirectory(at);
  await disk.makeDirectory(join(path, 'tmp'), 0o700);
}

/** Delivers into a directory, one file a message: written and synced under a hidden name, renamed, the directory synced. */
export async function deliverToDirectory(
  disk: Disk,
  syncs: DirectorySyncs,
  delivery: MaildirDelivery,
): Promise<'delivered' | 'there-already'> {
  const { path, name } = delivery;
  const final = join(path, `${name}.eml`);
  if (delivery.maybeThere && (await disk.entry(final)) !== undefined) {
    await syncs.sync(path);
    return 'there-already';
  }
  const temporary = join(path, `.${name}.tmp`);
  try {
    await writeStable(disk, temporary, delivery.prefix, delivery.content);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    await disk.makeDirectory(path, 0o700);
    await disk.syncDirectory(dirname(path));
    await writeStable(disk, temporary, delivery.prefix, delivery.content);
  }
  await disk.rename(temporary, final);
  await syncs.sync(path);
  return 'delivered';
}
