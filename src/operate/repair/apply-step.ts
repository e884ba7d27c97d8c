import { errnoOf } from '../../events/fault.ts';
import type { HostChanges } from '../../world/ports/host-changes.ts';
import type { Programs } from '../../world/ports/process.ts';
import { editYaml } from './edit-yaml.ts';
import type { HostCommand } from './host-command.ts';
import { commandBytesMax, commandMs } from './limits.ts';
import type { SnapshotWorld } from './snapshot/take.ts';
import type { Step } from './step.ts';

/** What steps are carried out with. */
export interface StepWorld extends SnapshotWorld {
  readonly programs: Programs;
  /** Asks the running service for an action; resolves with why it was not done. */
  ask(action: string, input: unknown): Promise<string | undefined>;
  /** Starts the service and waits until it answers; resolves with why it was not done. */
  startService(configuration: string): Promise<string | undefined>;
}

/** Thrown by a step that cannot be done, in words. */
export class StepFailure extends Error {
  override readonly name = 'StepFailure';
}

const OWNED_BY_ROOT = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Runs a command of the closed list, from the directories that only root writes in. */
export async function runCommand(
  { programs }: Pick<StepWorld, 'programs'>,
  program: HostCommand['program'],
  words: readonly string[],
): Promise<void> {
  for (const directory of OWNED_BY_ROOT) {
    try {
      const end = await programs.run({
        command: `${directory}/${program}`,
        arguments: words,
        environment: { PATH: OWNED_BY_ROOT.join(':'), LC_ALL: 'C' },
        timeoutMs: commandMs,
        outputBytesMax: commandBytesMax,
      });
      if (end.code === 0) return;
      const said = end.output.trim().split('\n', 1)[0] ?? '';
      throw new StepFailure(
        end.timedOut ? 'it did not end' : said === '' ? `it ended with ${end.code ?? end.signal}` : said,
      );
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
  throw new StepFailure(`this host has no program ${program}`);
}

/** Writes a file whole and leaves owner and mode as they were. */
async function replace(world: StepWorld, path: string, content: string, mode: number | undefined): Promise<void> {
  const before = await world.changes.entry(path);
  if (before.ok && before.value.kind !== 'file') throw new StepFailure(`${path} is no plain file`);
  await world.disk.replaceFile(path, content, mode ?? (before.ok ? before.value.mode : 0o600));
  if (!before.ok) return;
  await keepOwner(world.changes, path, before.value);
  await world.changes.setMode(path, mode ?? before.value.mode);
}

async function keepOwner(
  changes: HostChanges,
  path: string,
  { uid, gid }: { uid: number; gid: number },
): Promise<void> {
  const now = await changes.entry(path);
  if (now.ok && (now.value.uid !== uid || now.value.gid !== gid)) await changes.setOwner(path, uid, gid);
}

async function setOwner({ changes }: StepWorld, step: Extract<Step, { do: 'set-owner' }>): Promise<void> {
  // What is deepest first: who is root for its while must not be led elsewhere by a name that the owner changes.
  for (const path of [...step.within].reverse().concat(step.path)) {
    const entry = await changes.entry(path);
    if (!entry.ok && entry.errno === 'ENOENT') continue;
    if (entry.ok && entry.value.kind === 'file' && entry.value.names > 1)
      throw new StepFailure(`${path} has a further name, perhaps outside`);
    const mode = entry.ok && entry.value.kind === 'directory' ? entry.value.mode : undefined;
    await changes.setOwner(path, step.uid, step.gid);
    if (mode !== undefined && (mode & 0o6000) !== 0) await changes.setMode(path, mode);
  }
}

/** Carries out one step; rejects with a POSIX code or a StepFailure. */
export async function applyStep(step: Step, world: StepWorld): Promise<void> {
  switch (step.do) {
    case 'write-file':
      return replace(world, step.path, step.content, step.mode);
    case 'set-mode':
      return world.changes.setMode(step.path, step.mode);
    case 'set-owner':
      return setOwner(world, step);
    case 'make-directory':
      await world.disk.makeDirectory(step.path, step.mode);
      if (step.owner !== undefined) await world.changes.setOwner(step.path, step.owner.uid, step.owner.gid);
      return undefined;
    case 'remove-dead-socket': {
      const entry = await world.changes.entry(step.path);
      if (!entry.ok) return undefined;
      if (entry.value.kind !== 'socket' || (await world.changes.socketAnswers(step.path)))
        throw new StepFailure(`${step.path} is in use`);
      return world.disk.unlink(step.path);
    }
    case 'remove-file':
      return world.disk.unlink(step.path);
    case 'edit-configuration': {
      const edited = editYaml((await world.disk.readFile(step.path)).toString('utf8'), step.changes);
      if (!edited.ok) throw new StepFailure(edited.why);
      return replace(world, step.path, edited.text, undefined);
    }
    case 'run':
      return runCommand(world, step.command.program, step.command.arguments);
    case 'ask-service': {
      const why = await world.ask(step.action, step.input ?? {});
      if (why !== undefined) throw new StepFailure(why);
      return undefined;
    }
    case 'start-service': {
      const why = await world.startService(step.configuration);
      if (why !== undefined) throw new StepFailure(why);
      return undefined;
    }
  }
}

/** Why a step could not be done, in words. */
export function whyNot(error: unknown): string {
  if (error instanceof StepFailure) return error.message;
  const errno = errnoOf(error);
  if (errno === 'EACCES' || errno === 'EPERM') return `it is not permitted (${errno})`;
  if (errno !== '') return errno;
  return error instanceof Error ? error.message : String(error);
}
