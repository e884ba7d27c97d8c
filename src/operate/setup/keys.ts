import { dirname } from 'node:path';
import { readSigningKey, type SigningKey } from '../../protocol/dkim-signing/key.ts';
import type { Disk } from '../../world/ports/disk.ts';
import { makeKey, usualKeyFile, usualSelector } from '../records/new-key.ts';
import type { Owner } from './place.ts';

/** A key that signs mail of a domain. */
export interface SetUpKey {
  readonly domain: string;
  readonly selector: string;
  /** Relative to the configuration. */
  readonly keyFile: string;
  readonly key: SigningKey;
  /** The text to write; undefined where the file is there already. */
  readonly pem: string | undefined;
}

const MODE = 0o600;
const DIRECTORY_MODE = 0o750;

/** A key for each domain: the one that an earlier set-up has made, whose record may be published, else a new one. */
export async function keysFor(
  domains: readonly string[],
  where: { readonly disk: Pick<Disk, 'readFile' | 'entry'>; readonly directory: string; readonly nowMs: number },
): Promise<readonly SetUpKey[]> {
  const selector = usualSelector(where.nowMs, 'rsa');
  const keys: SetUpKey[] = [];
  for (const domain of domains) {
    const keyFile = usualKeyFile(domain, selector);
    const path = `${where.directory}/${keyFile}`;
    const there = (await where.disk.entry(path)) !== undefined;
    const pem = there
      ? (await where.disk.readFile(path)).toString('latin1')
      : (await makeKey(domain, selector, 'rsa')).pem;
    const read = readSigningKey(pem);
    // What is there and is no key is left alone: a person put it there.
    if (read.ok) keys.push({ domain, selector, keyFile, key: read.key, pem: there ? undefined : pem });
  }
  return keys;
}

/** Writes the new ones; resolves with their paths. */
export async function writeKeys(
  keys: readonly SetUpKey[],
  where: { readonly disk: Disk; readonly directory: string; readonly owner: Owner | undefined },
): Promise<readonly string[]> {
  const { disk, directory, owner } = where;
  const written: string[] = [];
  for (const { keyFile, pem } of keys) {
    if (pem === undefined) continue;
    const path = `${directory}/${keyFile}`;
    const folder = dirname(path);
    if ((await disk.entry(folder)) === undefined) {
      await disk.makeDirectory(folder, DIRECTORY_MODE);
      await owner?.set(folder, owner.uid, owner.gid);
    }
    await disk.replaceFile(path, pem, MODE);
    await owner?.set(path, owner.uid, owner.gid);
    written.push(path);
  }
  return written;
}
