/**
 * Moves the data directory of a service that does not run: copied and compared first, then the settings name the new place,
 * then the old one gets another name. Whatever fails before that last step is undone; at no moment could two be in use.
 */
import { dirname, join } from 'node:path';
import { errnoOf } from '../../events/fault.ts';
import type { Disk } from '../../world/ports/disk.ts';
import type { HostChanges } from '../../world/ports/host-changes.ts';
import { printSpoolMarker, readSpoolMarker, spoolMarkerPath, spoolPath } from '../config/spool-marker.ts';
import { editYaml } from '../repair/edit-yaml.ts';
import { copyTree, findTree, likeness, removeTree, type TreeEntry } from './copy-tree.ts';

/** What is moved where. */
export interface DataMove {
  readonly configuration: string;
  /** Absolute, both. */
  readonly from: string;
  readonly to: string;
  /** Appended to the old directory's name. */
  readonly stamp: string;
}

/** What moving works with. */
export interface MoveWorld {
  readonly disk: Disk;
  readonly changes: HostChanges;
}

/** A move that may begin, or why not. */
export type MovePlan =
  | {
      readonly ok: true;
      readonly entries: readonly TreeEntry[];
      readonly files: number;
      readonly bytes: number;
      /** The configuration as it will be. */
      readonly text: string;
    }
  | { readonly ok: false; readonly why: string };

/** What is copied is a little more on another file system. */
const SLACK = 1.05;
const SLACK_BYTES = 16 * 1024 ** 2;
/** Made by every file system for itself. */
const LOST = 'lost+found';
/** Locks and sockets live with their processes, and hints of the index are made anew. */
const leaveOut = (path: string): boolean =>
  path === LOST || path === 'run' || path.startsWith('run/') || /^queue\/\d+\/[^/]*\.hint$/.test(path);

/** Looks whether it can be done; changes nothing. */
export async function planMove(world: MoveWorld, move: DataMove): Promise<MovePlan> {
  const { disk, changes } = world;
  const { from, to, configuration } = move;
  const no = (why: string): MovePlan => ({ ok: false, why });
  if (to === from || to.startsWith(`${from}/`) || from.startsWith(`${to}/`))
    return no(`${to} and ${from} are one within the other; name a place of its own`);
  if (spoolMarkerPath(configuration, from) === undefined)
    return no(`the configuration ${configuration} lies in the data directory itself; move it out of there first`);
  const entry = await disk.entry(to).catch(() => undefined);
  if (entry !== undefined && entry.kind !== 'directory') return no(`${to} is no directory`);
  if (entry !== undefined && (await disk.list(to)).some((name) => name !== LOST))
    return no(`${to} is not empty, and nothing in it may be overwritten`);
  const above = entry === undefined ? dirname(to) : to;
  if ((await disk.entry(above).catch(() => undefined))?.kind !== 'directory')
    return no(`there is no directory ${above}`);
  const text = (await disk.readFile(configuration)).toString('utf8');
  const edited = editYaml(text, [{ key: ['server', 'data'], value: to }]);
  if (!edited.ok) return no(`the configuration cannot be changed: ${edited.why}`);
  const others = edited.text
    .split('\n')
    .flatMap((line, at) => (line.includes(`${from}/`) && !/^\s*#/.test(line) ? [at + 1] : []));
  if (others.length > 0)
    return no(
      `other settings name paths below ${from} (line ${others.join(', ')} of ${configuration}); change them first`,
    );
  const tree = await findTree(world, from, leaveOut);
  if (!tree.ok) return no(tree.why);
  const { freeBytes } = await disk.space(above);
  const needed = Math.ceil(tree.bytes * SLACK) + SLACK_BYTES;
  if (freeBytes < needed) return no(`${above} has ${freeBytes} octets free, and ${needed} are needed`);
  const top = await changes.entry(from);
  if (!top.ok) return no(`${from} cannot be looked at (${top.errno})`);
  return { ok: true, entries: tree.entries, files: tree.files, bytes: tree.bytes, text: edited.text };
}

/** What became of a move. */
export type MoveEnd =
  /** `old` is what the old directory is called now; undoing resolves with what could not be put back. */
  | { readonly kind: 'moved'; readonly old: string; undo(): Promise<string | undefined> }
  /** Everything is as it was, but for what is `left`. */
  | { readonly kind: 'undone'; readonly why: string; readonly left: string | undefined };

/** The first steps to undo are those of the copy. */
const COPY_STEPS = 2;

/** Does it. The service must not run, and must not be able to start until this resolves. */
export async function moveData(
  world: MoveWorld,
  move: DataMove,
  plan: Extract<MovePlan, { ok: true }>,
  copied: (files: number) => void,
): Promise<MoveEnd> {
  const undo: (() => Promise<unknown>)[] = [];
  const undoAll = async (): Promise<string | undefined> => {
    const failed: string[] = [];
    for (const step of undo.splice(0).reverse()) await step().catch((error: unknown) => failed.push(whyNot(error)));
    return failed.length === 0 ? undefined : failed.join('; ');
  };
  try {
    const old = await steps(world, move, plan, copied, undo);
    // A service may have worked there by the time that this is undone: what it left is kept, under another name.
    const aside = (): Promise<unknown> =>
      world.disk.rename(move.to, `${move.to}.failed-${move.stamp}`).catch(() => undefined); // a file system of its own keeps its name
    undo.splice(0, COPY_STEPS, aside);
    return { kind: 'moved', old, undo: undoAll };
  } catch (error) {
    const code = errnoOf(error);
    return { kind: 'undone', why: code === '' ? whyNot(error) : `${move.to}: ${code}`, left: await undoAll() };
  }
}

function whyNot(error: unknown): string {
  return errnoOf(error) || (error instanceof Error ? error.message : String(error));
}

async function steps(
  world: MoveWorld,
  { configuration, from, to, stamp }: DataMove,
  { entries, text }: Extract<MovePlan, { ok: true }>,
  copied: (files: number) => void,
  undo: (() => Promise<unknown>)[],
): Promise<string> {
  const { disk, changes } = world;
  const top = await changes.entry(from);
  if (!top.ok) throw new Error(`${from} cannot be looked at (${top.errno})`);
  const before = await changes.entry(to);
  if (!before.ok) {
    undo.push(() => changes.removeDirectory(to));
    await disk.makeDirectory(to, 0o700);
  } else undo.push(() => likeness(changes, to, before.value));
  undo.push(() => removeTree(world, to, entries));
  await copyTree(world, from, to, entries, copied);
  await likeness(changes, to, top.value);
  await disk.syncDirectory(dirname(to));
  await nameSpool(world, to, entries);
  await replaceLike(world, configuration, text, undo);
  const sign = spoolMarkerPath(configuration, to);
  const marker = sign === undefined ? undefined : await readSpoolMarker(disk, sign);
  if (sign !== undefined && marker !== undefined)
    await replaceLike(world, sign, printSpoolMarker({ ...marker, data: to }), undo);
  const old = `${from}.moved-${stamp}`;
  await disk.rename(from, old);
  undo.push(() => disk.rename(old, from));
  await disk.syncDirectory(dirname(from));
  return old;
}

/** The spool's own file names its place. */
async function nameSpool({ disk, changes }: MoveWorld, to: string, entries: readonly TreeEntry[]): Promise<void> {
  const path = spoolPath(to);
  const own = await readSpoolMarker(disk, path);
  const like = entries.find((one) => join(to, one.path) === path);
  if (own === undefined || like === undefined) return;
  await disk.replaceFile(path, printSpoolMarker({ ...own, data: to }), like.entry.mode);
  await likeness(changes, path, like.entry);
}

/** Writes a file anew with the owner and mode that it had. */
async function replaceLike(
  { disk, changes }: MoveWorld,
  path: string,
  text: string,
  undo: (() => Promise<unknown>)[],
): Promise<void> {
  const before = await disk.readFile(path);
  const like = await changes.entry(path);
  if (!like.ok || like.value.kind === 'link')
    throw new Error(`${path} cannot be replaced: it is a symbolic link, or cannot be seen`);
  const write = async (content: Buffer | string): Promise<void> => {
    await disk.replaceFile(path, content, like.value.mode);
    const { uid, gid } = like.value;
    const own = await changes.entry(path);
    if (!own.ok || own.value.uid !== uid || own.value.gid !== gid) await changes.setOwner(path, uid, gid);
  };
  undo.push(() => write(before));
  await write(text);
}
