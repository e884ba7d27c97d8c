import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { errnoOf } from '../../../events/fault.ts';
import { listensForMail } from '../../actions/verdict.ts';
import { isUnreachable } from '../../control/client.ts';
import { controlSocketPath } from '../../control/socket-path.ts';
import type { DataMove, MovePlan, MoveWorld } from '../../move/move-data.ts';
import type { Listening } from '../../../world/ports/network.ts';
import { exitCodes } from '../exit-codes.ts';
import { findConfigurationFile, noConfigurationText } from '../find-service.ts';
import { type CliSession, globals } from '../session.ts';
import { count, plain, showBytes } from '../text.ts';
import type { StatusResult } from '../../actions/things.ts';

/** How long a service that was told to stop may take. */
const STOP_MS = 20_000;
const LOOK_MS = 100;
/** How long one that was started may take until it takes mail. */
const ACCEPT_MS = 10_000;
const SYSTEMCTL_MS = 60_000;
const KILL_MS = 5_000;

/** How the service ran before. */
type Ran = 'not' | 'by itself' | 'by systemd';

interface Moving {
  readonly world: MoveWorld;
  readonly move: DataMove;
  readonly plan: Extract<MovePlan, { ok: true }>;
  /** The lock of whoever works with the data directory. */
  readonly lock: string;
  /** The same at the new place. */
  readonly lockThen: string;
}

async function prepare(session: CliSession, command: Command, name: string): Promise<Moving | undefined> {
  const { io } = session;
  const configuration = await findConfigurationFile(io, globals(command).config);
  const changes = await io.changes?.();
  const no = (why: string, code: number = exitCodes.negative): undefined =>
    session.fail(code, why, command) as undefined;
  if (configuration === undefined) return no(noConfigurationText(), exitCodes.usage);
  if (changes === undefined) return no('this program cannot change files', exitCodes.failed);
  const [{ loadConfigurationFile }, { planMove }] = await Promise.all([
    import('../../config/load-file.ts'),
    import('../../move/move-data.ts'),
  ]);
  const file = await loadConfigurationFile(io.world.disk, configuration);
  if (!file.loaded.ok) return no(`${configuration} has errors; \`ims config check\` shows them`);
  const { data: from, run = `${from}/run` } = file.loaded.settings.server;
  const stamp = new Date(io.world.clock.wall()).toISOString().slice(0, 19).replace(/[-:]/g, '');
  const move = { configuration, from, to: resolve(name), stamp };
  const runThen = run.startsWith(`${from}/`) ? `${move.to}${run.slice(from.length)}` : run;
  const socket = controlSocketPath(runThen);
  if (!socket.ok) return no(socket.why);
  const world = { disk: io.world.disk, changes };
  const plan = await planMove(world, move).catch(notPlanned);
  if (!plan.ok) return no(plan.why);
  return { world, move, plan, lock: `${run}/lock`, lockThen: `${runThen}/lock` };
}

const notPlanned = (error: unknown): Extract<MovePlan, { ok: false }> => ({ ok: false, why: String(error) });

/** Ends a service that runs and keeps another from starting, or says why that cannot be; `ran` is by what it ran. */
async function takeOver(
  session: CliSession,
  command: Command,
  moving: Moving,
): Promise<{ readonly held: Listening; readonly ran: Ran } | string> {
  const { world, lock, move } = moving;
  const { network } = session.io.world;
  let ran: Ran = 'not';
  if (await world.changes.socketAnswers(lock)) {
    ran = (await isUnit(session, move.configuration)) ? 'by systemd' : 'by itself';
    if (ran === 'by systemd') {
      const stopped = await systemctl(session, 'stop');
      if (stopped !== undefined) return `systemctl stop ims failed: ${stopped}`;
    } else {
      const end = await session.tryAsk(command, 'stop', {});
      if (isUnreachable(end)) return `a service works with ${move.from} and cannot be told to stop: ${end.path}`;
    }
    if (!(await isFree(session, moving, lock))) return 'the service did not stop; nothing was changed';
  }
  try {
    const entry = await world.changes.entry(lock);
    if (entry.ok && entry.value.kind === 'socket') await world.disk.unlink(lock);
    await world.disk.makeDirectory(lock.replace(/\/lock$/, ''), 0o700);
  } catch (error) {
    const back = await startAgain(session, command, moving, ran);
    return `${lock} cannot be taken (${errnoOf(error)})${notAgainInWords(back)}`;
  }
  // Whoever starts meanwhile finds it held, and ends.
  const held = await network.listen({ address: lock, port: 0 }, (stream) => stream.destroy()).catch(() => undefined);
  if (held === undefined)
    return 'something starts the service again as soon as it ends; stop that first (systemctl stop ims), then run this again';
  return { held, ran };
}

/** Waits until nobody holds a lock; false where somebody keeps it. */
async function isFree(session: CliSession, { world }: Moving, lock: string): Promise<boolean> {
  const { clock } = session.io.world;
  const until = clock.now() + STOP_MS;
  while (await world.changes.socketAnswers(lock)) {
    if (clock.now() > until) return false;
    await new Promise<void>((done) => void clock.after(LOOK_MS, done));
  }
  return true;
}

/** Whether systemd runs the service of this configuration: it would start it again. */
async function isUnit(session: CliSession, configuration: string): Promise<boolean> {
  const host = await session.io.host?.();
  if (host === undefined) return false;
  const { findUnit, startedBy } = await import('../../doctor/checks/unit.ts');
  const unit = await findUnit(host);
  if (unit === undefined || (startedBy(unit.text).configuration ?? configuration) !== configuration) return false;
  const units = await host.output('systemctl', 'is-active', 'ims.service').catch(() => undefined);
  return units?.ok === true && units.value.trim() === 'active';
}

async function systemctl(session: CliSession, what: 'start' | 'stop'): Promise<string | undefined> {
  const programs = await session.io.programs?.();
  if (programs === undefined) return 'this program cannot run others';
  const path = session.io.environment['PATH'] ?? '/usr/bin:/bin';
  const end = await programs
    .run({
      command: 'systemctl',
      arguments: [what, 'ims.service'],
      environment: { PATH: path },
      timeoutMs: SYSTEMCTL_MS,
      outputBytesMax: 4096,
    })
    .catch((error: unknown) => String(error));
  if (typeof end === 'string') return end;
  return end.code === 0 ? undefined : end.output;
}

/** Starts what ran before, in the way in which it ran. Resolves with why it does not run. */
async function startAgain(
  session: CliSession,
  command: Command,
  { world, move, lock }: Moving,
  ran: Ran,
): Promise<string | undefined> {
  const { io } = session;
  if (ran === 'not') return undefined;
  if (ran === 'by systemd') return systemctl(session, 'start');
  const [host, programs] = await Promise.all([io.host?.(), io.programs?.()]);
  if (host === undefined || programs === undefined) return 'this program cannot start others';
  const { startService } = await import('../../repair/start-service.ts');
  return startService({
    configuration: move.configuration,
    lock,
    programDirectory: io.programDirectory,
    environment: io.environment,
    host,
    changes: world.changes,
    programs,
    clock: io.world.clock,
    answers: async () => !isUnreachable(await session.tryAsk(command, 'status', {})),
  });
}

async function runMove(session: CliSession, command: Command, name: string): Promise<void> {
  const { yes, preview, json } = globals<{ yes?: boolean; preview?: boolean }>(command);
  const moving = await prepare(session, command, name);
  if (moving === undefined) return;
  const { move, plan, world } = moving;
  const say = (text: string): void => {
    if (json !== true) session.print(text);
  };
  say(`${count(plan.files, 'file')}, ${showBytes(plan.bytes)}: from ${plain(move.from)} to ${plain(move.to)}`);
  if (preview === true || yes !== true) {
    session.code = exitCodes.negative;
    say(
      'The service is stopped, everything copied and compared, server.data changed, the old directory renamed, the service started.',
    );
    if (json === true) session.json({ ...move, files: plan.files, bytes: plan.bytes, moved: false });
    return say(preview === true ? 'Nothing was changed.' : 'Nothing was changed: add --yes to do it.');
  }
  const took = (await statusOf(session, command))?.accepts === true;
  const taken = await takeOver(session, command, moving);
  if (typeof taken === 'string') return session.fail(exitCodes.failed, taken, command);
  const { moveData, planMove } = await import('../../move/move-data.ts');
  // The service has written since, until it ended.
  const last = await planMove(world, move).catch(notPlanned);
  const end = last.ok
    ? await moveData(world, move, last, (files) => void (files % 10_000 === 0 && say(`${files} files copied`)))
    : { kind: 'undone' as const, why: last.why, left: undefined };
  if (end.kind === 'moved' && last.ok)
    await tellMoved(session, moving, end.old, last).catch((error: unknown) =>
      say(`It could not be written into the event log (${errnoOf(error)}).`),
    );
  await taken.held.close();
  const started = await startAgain(session, command, moving, taken.ran);
  const problem = started ?? (took && taken.ran !== 'not' ? await untilAccepting(session, command) : undefined);
  if (end.kind === 'undone')
    return session.fail(
      exitCodes.failed,
      `${end.why}; ${putBackInWords(end.left)}${notAgainInWords(problem)}`,
      command,
    );
  if (problem !== undefined) {
    await endStarted(session, command, moving);
    if (!(await isFree(session, moving, moving.lockThen)))
      return session.fail(
        exitCodes.failed,
        `the service did not start with ${move.to} (${problem}) and does not end; the old directory is ${end.old}`,
        command,
      );
    const left = await end.undo();
    const back = await startAgain(session, command, moving, taken.ran);
    const rest = back === undefined ? 'and it runs there again' : `and it does not run there either: ${back}`;
    return session.fail(
      exitCodes.failed,
      `the service did not start with ${move.to} (${problem}); ${putBackInWords(left)}, ${rest}`,
      command,
    );
  }
  if (json === true)
    return session.json({ ...move, files: plan.files, bytes: plan.bytes, moved: true, old: end.old, ran: taken.ran });
  printMoved(session, move, end.old, taken.ran);
}

function printMoved(session: CliSession, move: DataMove, old: string, ran: Ran): void {
  session.print(
    session.paint(
      'green',
      `Moved. ${plain(move.configuration)} names ${plain(move.to)}; the index of the queue is rebuilt at the start.`,
    ),
  );
  session.print(
    ran === 'not'
      ? `The service did not run. Start it: ims run --config ${plain(move.configuration)}   (or: systemctl start ims)`
      : 'The service runs again: ims status',
  );
  session.print(
    `The old directory is ${plain(old)}; it is not in use. Remove it once you are content: rm -r ${plain(old)}`,
  );
}

const notAgainInWords = (problem: string | undefined): string =>
  problem === undefined ? '' : `; the service could not be started again: ${problem}`;

const putBackInWords = (left: string | undefined): string =>
  left === undefined ? 'everything is as it was' : `not everything could be put back (${left})`;

async function statusOf(
  session: CliSession,
  command: Command,
): Promise<{ readonly accepts: boolean; readonly verdict: string } | undefined> {
  const end = await session.tryAsk(command, 'status', {});
  if (isUnreachable(end) || !end.ok) return undefined;
  const { parts, verdict } = end.result as StatusResult;
  return { accepts: listensForMail(parts), verdict };
}

/** What took mail before must take it again; resolves with why it does not. */
async function untilAccepting(session: CliSession, command: Command): Promise<string | undefined> {
  const { clock } = session.io.world;
  for (const until = clock.now() + ACCEPT_MS; ; ) {
    const now = await statusOf(session, command);
    if (now?.accepts === true) return undefined;
    if (clock.now() > until) return now?.verdict ?? 'it does not answer';
    await new Promise<void>((done) => void clock.after(LOOK_MS * 5, done));
  }
}

/** Ends a service that was started and does not work: it may not even answer at its control socket. */
async function endStarted(session: CliSession, command: Command, { move }: Moving): Promise<void> {
  const asked = await session.tryAsk(command, 'stop', {});
  if (!isUnreachable(asked)) return;
  const [host, programs] = await Promise.all([session.io.host?.(), session.io.programs?.()]);
  const names = await host?.names('/proc');
  if (host === undefined || programs === undefined || names?.ok !== true) return;
  for (const pid of names.value.filter((name) => /^\d+$/.test(name))) {
    const words = await host.text(`/proc/${pid}/cmdline`);
    if (!words.ok || !words.value.includes(`main.js\0run\0--config\0${move.configuration}\0`)) continue;
    await programs
      .run({
        command: 'sh',
        arguments: ['-c', 'kill -TERM "$0"', pid],
        environment: { PATH: session.io.environment['PATH'] ?? '/usr/bin:/bin' },
        timeoutMs: KILL_MS,
        outputBytesMax: 0,
      })
      .catch(() => undefined); // whether it ended is looked at next
  }
}

/** The event stands in the log at the new place. */
async function tellMoved(
  session: CliSession,
  { world, move }: Moving,
  old: string,
  { files, bytes }: Moving['plan'],
): Promise<void> {
  const [{ loadConfigurationFile }, { openCommandJournal }] = await Promise.all([
    import('../../config/load-file.ts'),
    import('../../repair/command-journal.ts'),
  ]);
  const file = await loadConfigurationFile(world.disk, move.configuration);
  const told = await openCommandJournal(session.io.world, world.changes, move.to, file);
  told.journal.emit('transfer.data-moved', { from: move.from, path: move.to, files, bytes, old });
  await told.close();
}

/** data move. */
export function dataCommands(root: Command, session: CliSession): void {
  const data = root.command('data').description('the data directory');
  data
    .command('move')
    .description('move the data directory, such as to another disk: copied, compared, and only then used')
    .argument('<directory>', 'where to; it must be new or empty')
    .addOption(new Option('--preview', 'say what would be done, and change nothing'))
    .addOption(new Option('--yes', 'do it'))
    .addHelpText(
      'after',
      '\nExamples:\n  ims data move /srv/mail/ims --preview\n  ims data move /srv/mail/ims --yes\n\nA service that runs is stopped first and started again (by systemd where that runs it); none can start meanwhile.\nOwners, modes and times stay. Where anything fails, everything is as it was. The old directory is renamed, not removed.\nUnder systemd see that the unit may use the new place (ReadWritePaths=, RequiresMountsFor=).\n\nExit code: 0 moved, 1 not agreed to or not possible, 5 failed, and undone.',
    )
    .action((name: string, _options: unknown, command: Command) => runMove(session, command, name));
}
