import { InvalidArgumentError, Option, type Command } from 'commander';
import type { EventRecord } from '../../actions/context.ts';
import type { LoadedFile } from '../../config/index.ts';
import type { Parts } from '../../doctor/check.ts';
import type { ConditionChange, DoctorReport } from '../../doctor/index.ts';
import { exitCodes } from '../exit-codes.ts';
import { findConfigurationFile, noConfigurationText } from '../find-service.ts';
import { type CliSession, globals } from '../session.ts';
import { plain, showTime } from '../text.ts';
import { parseAge } from './queue.ts';

interface DoctorOptions {
  readonly only?: string;
  readonly explain?: string;
  readonly all?: boolean;
  readonly outside?: string | true;
  readonly since?: number | Date;
  readonly watch?: string;
  readonly every: number;
  readonly for?: number;
}

const CODES = { well: exitCodes.ok, unhealthy: exitCodes.negative, failed: exitCodes.failed } as const;
const EVERY_MS_MIN = 1000;

/** An age such as 2h, or a date. */
function parseSince(text: string): number | Date {
  const date = /^\d{4}-\d\d-\d\d/.test(text) ? new Date(text) : undefined;
  if (date === undefined) return parseAge(text);
  if (Number.isNaN(date.getTime())) throw new InvalidArgumentError('write 2h, 2026-11-22, or 2026-11-22T17:00Z');
  return date;
}

function parseEvery(text: string): number {
  const ms = parseAge(text);
  if (ms < EVERY_MS_MIN) throw new InvalidArgumentError('write at least 1s');
  return ms;
}

async function explain(session: CliSession, command: Command, id: string): Promise<void> {
  const { checkIds, explainCheck } = await import('../../doctor/index.ts');
  const text = explainCheck(id);
  if (text === undefined) return session.fail(exitCodes.usage, noSuchCheck(id, checkIds), command);
  if (globals(command).json === true) session.json({ id, text });
  else session.print(text);
}

const noSuchCheck = (id: string, ids: readonly string[]): string =>
  `there is no check or area ${plain(id)}; there are: ${ids.join(', ')}`;

/** One look at everything that is wanted, with fresh eyes: nothing is kept from the look before. */
interface Look {
  readonly file: LoadedFile;
  readonly report: DoctorReport | undefined;
  request(action: string, input: unknown): Promise<unknown>;
}

async function look(
  session: CliSession,
  command: Command,
  path: string,
  only: string | undefined,
  outside?: string | true,
): Promise<Look> {
  const { io } = session;
  const host = await io.host?.();
  if (host === undefined) throw new Error('this program cannot look at the host');
  const { loadConfigurationFile } = await import('../../config/load-file.ts');
  const { examine, makeParts } = await import('../../doctor/index.ts');
  const file = await loadConfigurationFile(io.world.disk, path);
  const found = await makeParts(file, host, io.world, { socket: globals(command).socket });
  const parts = typeof outside === 'string' ? fromOutside(found, outside) : found;
  const report = await examine(parts, io.world.clock, only);
  return {
    file,
    report,
    async request(action, input) {
      const { service } = parts;
      // One that did not answer the checks is not waited for again.
      return (await service?.ask())?.kind === 'running' ? service?.request(action, input) : undefined;
    },
  };
}

/** The same parts, for one look from there. */
function fromOutside(parts: Partial<Parts>, way: string): Partial<Parts> {
  const { settings } = parts;
  if (settings === undefined) return parts;
  return { ...parts, settings: { ...settings, doctor: { ...settings.doctor, outsideProbe: way } } };
}

/** What was found and what was over since then: from the running service, else from the event log on disk. */
async function changesSince(
  session: CliSession,
  { file, request }: Look,
  since: number | Date,
): Promise<readonly ConditionChange[] | undefined> {
  const { world } = session.io;
  const { changeEvents, changesFrom } = await import('../../doctor/index.ts');
  const sinceMs = since instanceof Date ? since.getTime() : world.clock.wall() - since;
  const numbers = Object.values(changeEvents);
  const answer = (await request('events', { numbers, sinceMs, most: 1000, follow: false })) as
    | { readonly events: readonly EventRecord[] }
    | undefined;
  if (answer !== undefined) return changesFrom(answer.events);
  if (!file.loaded.ok) return undefined;
  const { listEvents } = await import('../../journal/event-log.ts');
  const directory = `${file.loaded.settings.server.data}/events/operator`;
  return listEvents({ disk: world.disk, directories: [directory] }, { sinceMs }, 1_000_000).then(
    changesFrom,
    () => undefined, // this user may not read it: said by the caller
  );
}

function printChanges(session: CliSession, changes: readonly ConditionChange[] | undefined): void {
  session.print('');
  if (changes === undefined)
    return session.print('What changed cannot be seen: no service answers, and its event log cannot be read.');
  if (changes.length === 0) return session.print('Nothing was found and nothing was over in that time.');
  for (const { atMs, what, check, cause } of changes)
    session.print(
      `${showTime(atMs)}  ${session.paint(what === 'found' ? 'yellow' : 'green', what.padEnd(5))}  ${check}: ${plain(cause)}`,
    );
}

async function runDoctor(session: CliSession, command: Command): Promise<void> {
  const options = globals<DoctorOptions>(command);
  const { io } = session;
  if (options.explain !== undefined) return explain(session, command, options.explain);
  if (io.host === undefined) return session.fail(exitCodes.failed, 'this program cannot look at the host', command);
  const path = await findConfigurationFile(io, options.config);
  if (path === undefined) return session.fail(exitCodes.usage, noConfigurationText(), command);
  const { checkIds, withConditions } = await import('../../doctor/index.ts');
  if (options.watch !== undefined) return watch(session, command, path, options.watch);
  const only = options.outside === undefined ? options.only : 'outside';
  const looked = await look(session, command, path, only, options.outside);
  if (looked.report === undefined) return session.fail(exitCodes.usage, noSuchCheck(only ?? '', checkIds), command);
  const report = withConditions(looked.report, await looked.request('conditions', {}));
  session.code = CODES[report.verdict];
  const changes = options.since === undefined ? [] : await changesSince(session, looked, options.since);
  if (options.json === true) return session.json(options.since === undefined ? report : { ...report, changes });
  const { renderReport } = await import('../../doctor/render.ts');
  const { loaded } = looked.file;
  const name = loaded.ok ? loaded.settings.server.name : path;
  const screen = {
    plain,
    paint: (...words: Parameters<CliSession['paint']>): string => session.paint(...words),
  };
  for (const line of renderReport(report, plain(name), options.all === true, screen)) session.print(line);
  if (options.since !== undefined) printChanges(session, changes);
  const host = await io.host();
  if (host.self.uid !== 0 && report.counts.unknown > 0)
    session.print('Run as root or as the service user to see more.');
}

async function watch(session: CliSession, command: Command, path: string, check: string): Promise<void> {
  const options = globals<DoctorOptions>(command);
  const { checkIds } = await import('../../doctor/index.ts');
  if (!checkIds.some((id) => id === check || id.startsWith(`${check}.`)))
    return session.fail(exitCodes.usage, noSuchCheck(check, checkIds), command);
  const { watchCheck } = await import('./doctor-watch.ts');
  const asked = { check, everyMs: options.every, forMs: options.for, json: options.json === true };
  await watchCheck(session, asked, async () => (await look(session, command, path, check)).report?.findings);
}

/** doctor. */
export function doctorCommands(root: Command, session: CliSession): void {
  root
    .command('doctor')
    .description('what is not well, why, and how to cure it: host, ports, names, TLS, storage, policy; changes nothing')
    .addOption(new Option('--only <id>', 'one check, or an area such as names, with what it stands on'))
    .addOption(
      new Option(
        '--outside [way]',
        'what others see: ask and connect from outside, by that proxy or gateway (doctor.outsideProbe)',
      ),
    )
    .addOption(new Option('--explain <id>', 'what a check looks for, and why'))
    .addOption(new Option('--since <time>', 'also what was found and what was over since then').argParser(parseSince))
    .addOption(new Option('--watch <id>', 'look again until a check is well, and say when it is'))
    .addOption(new Option('--every <time>', 'how often --watch looks').argParser(parseEvery).default(5000, '5s'))
    .addOption(new Option('--for <time>', 'how long --watch looks; for ever without it').argParser(parseAge))
    .addOption(new Option('--all', 'show what is well, too'))
    .addHelpText(
      'after',
      '\nExamples:\n  ims doctor\n  ims doctor --only listeners\n  ims doctor --since 1d\n  ims doctor --watch names.domains --every 30s\n  ims doctor --outside gateway           does our public port 25 lead here, seen from there\n  ims doctor --explain listeners.ports-ours\n  ims doctor --json | jq \'.findings[] | select(.verdict.kind == "unhealthy")\'\n\nWorks while the service runs and while it does not. Exit code: 0 well, 1 something is not, 5 the examination failed.',
    )
    .action((_options: unknown, command: Command) => runDoctor(session, command));
}
