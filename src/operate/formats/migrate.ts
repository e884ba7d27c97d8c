import type { Disk } from '../../world/ports/disk.ts';
import {
  firstRegistered,
  formatParts,
  type FormatPart,
  type Migration,
  migrations,
  newerIn,
  type NewerFormat,
  printRegister,
  readFormats,
  registerPath,
} from './formats.ts';

/** What opening the formats of a data directory needs. */
export interface FormatsWorld {
  readonly disk: Disk;
  readonly data: string;
  readonly version: string;
  /** Records files before they are changed; resolves with where. */
  snapshot(paths: readonly string[], why: string): Promise<string>;
  /** Writes the first register, now or when there is space for it. */
  written?(write: () => Promise<void>): Promise<void>;
  /** Told of each step. */
  migrated(step: { readonly part: string; readonly path: string; readonly from: number; readonly to: number }): void;
  readonly parts?: readonly FormatPart[];
  readonly migrations?: readonly Migration[];
}

/** Whether the data directory can be worked with. */
export type OpenedFormats =
  | { readonly kind: 'known' }
  | ({ readonly kind: 'newer' } & NewerFormat)
  | { readonly kind: 'unreadable'; readonly why: string };

const TRACE = 'queue';

/**
 * Brings everything in a data directory to the formats of this version, and says so in the register; changes nothing where
 * one is newer. The register is written after each step: what was interrupted goes on where it was.
 */
export async function openFormats(world: FormatsWorld): Promise<OpenedFormats> {
  const { disk, data, version, parts = formatParts } = world;
  const found = await readFormats(disk, data);
  if (found.kind === 'unreadable') return found;
  const before = found.kind === 'register' ? found.register.parts : {};
  if (found.kind === 'register') {
    const newer = newerIn(found.register, data, parts);
    if (newer !== undefined) return { kind: 'newer', ...newer };
  }
  // What a start makes before this is no trace of an earlier version: every one that worked here left a queue.
  const isNew = found.kind === 'none' && (await disk.entry(`${data}/${TRACE}`)) === undefined;
  const now: Record<string, number> = { ...before };
  for (const part of parts) {
    const there = !isNew && (await disk.entry(`${data}/${part.place}`)) !== undefined;
    const unnamed = found.kind === 'register' ? firstRegistered : 0;
    const from = before[part.name] ?? (there ? unnamed : part.known);
    now[part.name] = from;
    await migratePart(world, part, now);
  }
  const isSame = found.kind === 'register' && parts.every(({ name }) => before[name] === now[name]);
  if (!isSame) {
    const write = (): Promise<void> => disk.replaceFile(registerPath(data), printRegister(now, version), 0o600);
    await (isNew && world.written !== undefined ? world.written(write) : write());
  }
  return { kind: 'known' };
}

async function migratePart(world: FormatsWorld, part: FormatPart, now: Record<string, number>): Promise<void> {
  const { disk, data, version } = world;
  for (let from = now[part.name] ?? part.known; from < part.known; from += 1) {
    const step = (world.migrations ?? migrations).find((one) => one.part === part.name && one.from === from);
    if (step === undefined) throw new Error(`no migration of ${part.name} from format ${from} is known`);
    const touched = await step.touches(disk, data);
    if (touched.length > 0)
      await world.snapshot(touched, `before ${part.name} went from format ${from} to ${from + 1}`);
    await step.run(disk, data);
    now[part.name] = from + 1;
    if (touched.length > 0) await disk.replaceFile(registerPath(data), printRegister(now, version), 0o600);
    world.migrated({ part: part.name, path: `${data}/${part.place}`, from, to: from + 1 });
  }
}
