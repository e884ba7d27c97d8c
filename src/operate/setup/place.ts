import { dirname } from 'node:path';
import type { Disk } from '../../world/ports/disk.ts';
import { loadConfigurationFile, type Problem } from '../config/index.ts';
import type { Answers } from './answers.ts';
import { type SetUpKey, writeKeys } from './keys.ts';
import { type MailboxHash, PASSWORD_FILE, writeConfiguration } from './write.ts';

/** Whose the files become; undefined where they stay those of the one who writes. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
  set(path: string, uid: number, gid: number): Promise<void>;
}

/** What putting a configuration in its place needs. */
export interface Placing {
  readonly disk: Disk;
  readonly nowMs: number;
  readonly path: string;
  readonly answers: Answers;
  readonly hashes: readonly MailboxHash[];
  /** Keys that sign, one for each domain or none. */
  readonly keys: readonly SetUpKey[];
  readonly owner: Owner | undefined;
}

/** Where things are now, or why nothing was changed. */
export type Placed =
  | {
      readonly ok: true;
      readonly path: string;
      readonly kept: readonly string[];
      readonly warnings: readonly Problem[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const CONFIGURATION_MODE = 0o640;
const SECRET_MODE = 0o600;
const DIRECTORY_MODE = 0o755;
const ROOT = 0;

/** '20261122-202501Z': part of a file name that sorts by time. */
const stamp = (ms: number): string =>
  `${new Date(ms).toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}Z`;

/** Keeps what is about to be replaced; what was kept stays for good. */
async function keep({ disk, nowMs }: Placing, path: string): Promise<readonly string[]> {
  if ((await disk.entry(path)) === undefined) return [];
  const kept = `${path}.before-${stamp(nowMs)}`;
  await disk.link(path, kept);
  return [kept];
}

/**
 * Writes the configuration and the password for the way out. What was there before is kept beside it under another name, and nothing
 * is replaced unless the new file loads with everything that it names.
 */
export async function placeConfiguration(placing: Placing): Promise<Placed> {
  const { disk, path, answers, hashes, keys, owner } = placing;
  const directory = dirname(path);
  const secret = `${directory}/${PASSWORD_FILE}`;
  const draft = `${path}.new`;
  const login = answers.send.kind === 'direct' || answers.send.kind === 'gateway' ? undefined : answers.send.login;
  if ((await disk.entry(directory)) === undefined) await disk.makeDirectory(directory, DIRECTORY_MODE);
  const kept: string[] = [];
  if (login !== undefined) {
    kept.push(...(await keep(placing, secret)));
    await disk.replaceFile(secret, `${login.password}\n`, SECRET_MODE);
    if (owner !== undefined) await owner.set(secret, owner.uid, owner.gid);
  }
  const written = await writeKeys(keys, { disk, directory, owner });
  await disk.replaceFile(draft, writeConfiguration(answers, hashes, keys), CONFIGURATION_MODE);
  const { loaded } = await loadConfigurationFile(disk, draft);
  if (!loaded.ok) {
    for (const one of [draft, ...written]) await disk.unlink(one);
    if (kept[0] !== undefined) await disk.rename(kept[0], secret);
    else if (login !== undefined) await disk.unlink(secret);
    return { ok: false, problems: loaded.problems };
  }
  if (owner !== undefined) await owner.set(draft, ROOT, owner.gid);
  kept.push(...(await keep(placing, path)));
  await disk.rename(draft, path);
  await disk.syncDirectory(directory);
  return { ok: true, path, kept, warnings: loaded.warnings };
}
