/** The token of administrators: who knows it may do what the control socket may. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Disk } from '../../world/ports/disk.ts';
import type { Random } from '../../world/ports/random.ts';

const OCTETS = 32;
const FORM = /^[A-Za-z0-9_-]{43}$/;
const OTHERS = 0o077;
const OURS_ALONE = 0o600;

/** Where the token is kept, in the data directory or where the service stands in for it. */
export function tokenFile(directory: string): string {
  return `${directory}/console.token`;
}

/** What is known of the token. */
export interface Token {
  readonly text: string;
  /** Why it lasts only as long as the process; undefined where it is kept. */
  readonly notKept?: string;
}

/** Reads the token of a directory. One that is missing, mangled, or that others could read is made anew; where none can be kept, the one before stays. */
export async function keepToken(
  { disk, random }: { readonly disk: Pick<Disk, 'entry' | 'readFile' | 'replaceFile'>; readonly random: Random },
  directory: string,
  before?: Token,
): Promise<Token> {
  const path = tokenFile(directory);
  try {
    if (directory === '') throw new Error('no directory can be used');
    const entry = await disk.entry(path);
    if (entry?.kind === 'file' && (entry.mode & OTHERS) === 0) {
      const text = (await disk.readFile(path)).toString('latin1').trim();
      if (FORM.test(text)) return { text };
    }
    const text = made(random);
    await disk.replaceFile(path, `${text}\n`, OURS_ALONE);
    return { text };
  } catch (error) {
    // A drive that is full or read-only must not keep the administrator out: the control socket tells this one.
    const why = error instanceof Error ? error.message : String(error);
    return { text: before?.text ?? made(random), notKept: why };
  }
}

const made = (random: Random): string => random.bytes(OCTETS).toString('base64url');

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Whether two secrets are the same, in a time that tells nothing of where they differ. */
export function sameSecret(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}
