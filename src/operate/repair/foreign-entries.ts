import { errnoOf } from '../../events/fault.ts';
import { depthMax, entriesMax } from './limits.ts';
import type { RepairParts } from './repair.ts';

/** What is below a directory and belongs to somebody else. */
export interface ForeignEntries {
  readonly below: readonly string[];
}

/**
 * Finds what below a directory does not belong to a user. Says in words why it may not simply be given to him: it belongs
 * to more than one other, it has a further name elsewhere, or there is too much of it. Symbolic links are not followed.
 */
export async function foreignBelow(
  { changes, parts }: RepairParts,
  root: string,
  uid: number,
): Promise<ForeignEntries | string> {
  const { disk } = parts;
  if (disk === undefined) return 'the disk cannot be looked at';
  const below: string[] = [];
  const owners = new Set<number>();
  const first = await changes.entry(root);
  // What root made here the service was meant to have.
  const seen = (owner: number): void => {
    if (owner !== uid && owner !== 0) owners.add(owner);
  };
  if (first.ok) seen(first.value.uid);
  const waiting: { readonly path: string; readonly depth: number }[] = [{ path: root, depth: 0 }];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    let names: readonly string[];
    try {
      names = await disk.list(at.path);
    } catch (error) {
      return `${at.path} cannot be looked through (${errnoOf(error)})`;
    }
    for (const name of names) {
      const path = `${at.path}/${name}`;
      const entry = await changes.entry(path);
      if (!entry.ok) continue;
      const { kind, uid: owner, names: links } = entry.value;
      if (kind === 'directory' && at.depth < depthMax) waiting.push({ path, depth: at.depth + 1 });
      if (owner === uid) continue;
      if (kind === 'file' && links > 1) return `${path} has a further name, perhaps outside`;
      seen(owner);
      if (owners.size > 1) return `its files belong to several users: uid ${[...owners].join(', ')}`;
      below.push(path);
      if (below.length > entriesMax) return `more than ${entriesMax} entries are below it`;
    }
  }
  return { below };
}
