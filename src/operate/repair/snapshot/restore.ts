import { basename, dirname, join } from 'node:path';
import type { Journal } from '../../../events/journal.ts';
import { whyNot } from '../apply-step.ts';
import type { SnapshotFile } from './manifest.ts';
import { putBack } from './put-back.ts';
import { lookAt, type Snapshot, type SnapshotFacts, type SnapshotWorld, writeSnapshot } from './take.ts';

/** What is put back where. */
export interface RestorePlan {
  readonly files: readonly { readonly file: SnapshotFile; readonly content: Buffer | undefined }[];
  /** Secrets whose content the snapshot does not hold: somebody must bring them. */
  readonly missing: readonly string[];
}

/**
 * Plans what is put back: files of the service, never those of the host. What a person recorded goes where the configuration
 * in it, read at its new place, names it: beside it where it lay beside it. What that does not name is not put back, so that
 * a record from elsewhere can write nothing else. Owners are kept on the same host and by root only.
 */
export function planRestore(
  { manifest, contents }: Snapshot,
  configuration: string,
  owners: 'keep' | 'leave',
  named: ReadonlySet<string> | undefined,
): RestorePlan {
  const own = manifest.files.find(({ use }) => use === 'configuration');
  const from = own === undefined ? undefined : dirname(own.path);
  const target = (file: SnapshotFile): string | undefined => {
    if (file === own) return configuration;
    if (named === undefined || named.has(file.path)) return file.path;
    const beside =
      from !== undefined && file.path.startsWith(`${from}/`)
        ? join(dirname(configuration), file.path.slice(from.length))
        : undefined;
    return beside !== undefined && named.has(beside) ? beside : undefined;
  };
  const files: { file: SnapshotFile; content: Buffer | undefined }[] = [];
  const missing: string[] = [];
  for (const file of manifest.files) {
    const path = target(file);
    if (path === undefined || file.use === 'host' || (named !== undefined && file.kind === 'absent')) continue;
    const content = file.stored === undefined ? undefined : contents[file.stored];
    if (file.use === 'secret' && content === undefined) {
      missing.push(path);
      continue;
    }
    const { uid: _uid, gid: _gid, ...rest } = file;
    files.push({ file: { ...(owners === 'keep' ? file : rest), path }, content });
  }
  return { files, missing };
}

/** What became of putting back. */
export type RestoreEnd =
  | { readonly kind: 'restored'; readonly before: string; readonly files: number }
  | { readonly kind: 'undone'; readonly before: string; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string; readonly before?: string };

/** Records what is there, puts the snapshot back, lets `prove` look at it, and undoes everything where it says why not. */
export async function restore(
  plan: RestorePlan,
  from: string,
  parts: {
    readonly world: SnapshotWorld;
    readonly directory: string;
    readonly facts: Omit<SnapshotFacts, 'by' | 'why'>;
    readonly journal: Journal;
    prove(): Promise<string | undefined>;
  },
): Promise<RestoreEnd> {
  const { world, directory, journal } = parts;
  let now: Snapshot;
  let before: string;
  try {
    const wanted = plan.files.map(({ file, content }) => ({
      path: file.path,
      use: file.use,
      content: content !== undefined,
    }));
    now = await lookAt(world, wanted, { ...parts.facts, by: 'restore', why: `before ${basename(from)} was put back` });
    before = await writeSnapshot(world, directory, now);
  } catch (error) {
    return { kind: 'failed', why: `what is there could not be recorded: ${whyNot(error)}` };
  }
  const undo = async (why: string): Promise<RestoreEnd> => {
    for (const file of [...now.manifest.files].reverse()) {
      const content = file.stored === undefined ? undefined : now.contents[file.stored];
      try {
        await putBack(world, file, content);
      } catch (error) {
        const what = file.path;
        journal.emit('repair.not-undone', { repair: 'settings restore', what, why: whyNot(error), snapshot: before });
        return { kind: 'failed', why: `${why}; and ${what} could not be put back: ${whyNot(error)}`, before };
      }
    }
    return { kind: 'undone', before, why };
  };
  for (const { file, content } of plan.files) {
    try {
      if (content !== undefined) await world.disk.makeDirectory(dirname(file.path), 0o755);
      await putBack(world, file, content);
    } catch (error) {
      return undo(`${file.path}: ${whyNot(error)}`);
    }
  }
  const why = await parts.prove();
  if (why !== undefined) return undo(why);
  journal.emit('repair.snapshot-restored', { path: from, files: plan.files.length });
  return { kind: 'restored', before, files: plan.files.length };
}
