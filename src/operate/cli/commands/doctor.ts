import { Option, type Command } from 'commander';
import { exitCodes } from '../exit-codes.ts';
import { findConfigurationFile, noConfigurationText } from '../find-service.ts';
import { type CliSession, globals } from '../session.ts';
import { plain } from '../text.ts';

interface DoctorOptions {
  readonly only?: string;
  readonly explain?: string;
  readonly all?: boolean;
}

const CODES = { well: exitCodes.ok, unhealthy: exitCodes.negative, failed: exitCodes.failed } as const;

async function explain(session: CliSession, command: Command, id: string): Promise<void> {
  const { checkIds, explainCheck } = await import('../../doctor/index.ts');
  const text = explainCheck(id);
  if (text === undefined) return session.fail(exitCodes.usage, noSuchCheck(id, checkIds), command);
  if (globals(command).json === true) session.json({ id, text });
  else session.print(text);
}

const noSuchCheck = (id: string, ids: readonly string[]): string =>
  `there is no check or area ${plain(id)}; there are: ${ids.join(', ')}`;

async function runDoctor(session: CliSession, command: Command): Promise<void> {
  const options = globals<DoctorOptions>(command);
  const { io } = session;
  if (options.explain !== undefined) return explain(session, command, options.explain);
  const host = await io.host?.();
  if (host === undefined) return session.fail(exitCodes.failed, 'this program cannot look at the host', command);
  const path = await findConfigurationFile(io, options.config);
  if (path === undefined) return session.fail(exitCodes.usage, noConfigurationText(), command);
  const { loadConfigurationFile } = await import('../../config/load-file.ts');
  const { checkIds, examine, makeParts } = await import('../../doctor/index.ts');
  const file = await loadConfigurationFile(io.world.disk, path);
  const parts = await makeParts(file, host, io.world, { socket: options.socket });
  const report = await examine(parts, io.world.clock, options.only);
  if (report === undefined) return session.fail(exitCodes.usage, noSuchCheck(options.only ?? '', checkIds), command);
  session.code = CODES[report.verdict];
  if (options.json === true) return session.json(report);
  const { renderReport } = await import('../../doctor/render.ts');
  const name = file.loaded.ok ? file.loaded.settings.server.name : path;
  const screen = { plain, paint: (...words: Parameters<CliSession['paint']>): string => session.paint(...words) };
  const lines = renderReport(report, plain(name), options.all === true, screen);
  for (const line of lines) session.print(line);
  if (host.self.uid !== 0 && report.counts.unknown > 0)
    session.print('Run as root or as the service user to see more.');
}

/** doctor. */
export function doctorCommands(root: Command, session: CliSession): void {
  root
    .command('doctor')
    .description('what is not well, why, and how to cure it: host, ports, names, TLS, storage, policy; changes nothing')
    .addOption(new Option('--only <id>', 'one check, or an area such as names, with what it stands on'))
    .addOption(new Option('--explain <id>', 'what a check looks for, and why'))
    .addOption(new Option('--all', 'show what is well, too'))
    .addHelpText(
      'after',
      '\nExamples:\n  ims doctor\n  ims doctor --only listeners\n  ims doctor --explain listeners.ports-ours\n  ims doctor --json | jq \'.findings[] | select(.verdict.kind == "unhealthy")\'\n\nWorks while the service runs and while it does not. Exit code: 0 well, 1 something is not, 5 the examination failed.',
    )
    .action((_options: unknown, command: Command) => runDoctor(session, command));
}
