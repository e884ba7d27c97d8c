import type { Command } from 'commander';
import { printInstant } from '../../../base/calendar.ts';
import type { LoadedFile } from '../../config/load-file.ts';
import { exitCodes } from '../exit-codes.ts';
import { findConfigurationFile, noConfigurationText } from '../find-service.ts';
import { askSecret } from '../io.ts';
import { type CliSession, globals } from '../session.ts';
import { count } from '../text.ts';

async function runCheck(session: CliSession, command: Command, file: string | undefined): Promise<void> {
  const path = await findConfigurationFile(session.io, file ?? globals(command).config);
  if (path === undefined) return session.fail(exitCodes.usage, noConfigurationText(), command);
  const { loadConfigurationFile } = await import('../../config/load-file.ts');
  const { printProblem } = await import('../../config/problem.ts');
  const read = await loadConfigurationFile(session.io.world.disk, path);
  const { loaded } = read;
  const problems = loaded.ok ? loaded.warnings : loaded.problems;
  const instead = loaded.ok ? undefined : await insteadOf(session, read);
  session.code = loaded.ok ? exitCodes.ok : exitCodes.negative;
  if (globals(command).json === true) return session.json({ file: path, ok: loaded.ok, problems, ...instead?.json });
  for (const problem of problems) {
    const colour = problem.severity === 'error' ? 'red' : 'yellow';
    session.print(
      printProblem(problem).replace(`: ${problem.severity}: `, `: ${session.paint(colour, problem.severity)}: `),
    );
  }
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  const warnings = problems.length - errors;
  const words = [errors > 0 ? count(errors, 'error') : '', warnings > 0 ? count(warnings, 'warning') : '']
    .filter((part) => part !== '')
    .join(', ');
  session.print(loaded.ok ? `${path} is valid${words === '' ? '' : `, with ${words}`}.` : `${path}: ${words}.`);
  if (instead !== undefined) session.print(instead.text);
}

/** What a start would do with a file that does not load. */
async function insteadOf(
  session: CliSession,
  read: LoadedFile,
): Promise<{ readonly text: string; readonly json: object }> {
  if (read.withoutTls !== undefined)
    return { text: 'A start would go on without TLS; a reload would change nothing.', json: { start: 'without-tls' } };
  const { findLastGood } = await import('../../config/last-good.ts');
  const good = await findLastGood(session.io.world.disk, read);
  if (good === undefined)
    return {
      text: 'A start would not run: no last good configuration is kept that this user may read. A reload would change nothing.',
      json: { start: 'refused' },
    };
  const { savedAtMs } = good.kept;
  return {
    text: `A start would use the last good one, of ${printInstant(savedAtMs)}; a reload would change nothing.`,
    json: { start: 'last-good', savedAtMs },
  };
}

async function runShow(session: CliSession, command: Command): Promise<void> {
  const { file, json } = globals<{ file?: boolean }>(command);
  const end = file === true ? undefined : await session.tryAsk(command, 'config.show', {});
  let shown: unknown;
  if (end !== undefined && !('kind' in end)) {
    shown = session.result(command, end);
    if (shown === undefined) return;
  } else {
    const path = await findConfigurationFile(session.io, globals(command).config);
    if (path === undefined) return session.fail(exitCodes.usage, noConfigurationText(), command);
    const { loadConfigurationFile } = await import('../../config/load-file.ts');
    const { redact } = await import('../../config/difference.ts');
    const { loaded } = await loadConfigurationFile(session.io.world.disk, path);
    if (!loaded.ok)
      return session.fail(exitCodes.negative, `${path} has errors; \`ims config check\` shows them`, command);
    shown = redact(loaded.settings);
  }
  if (json === true) return session.json(shown);
  const { stringify } = await import('yaml');
  session.print(stringify(shown));
}

async function runExplain(session: CliSession, command: Command, key: string): Promise<void> {
  const { explain } = await import('../../config/explain.ts');
  const found = explain(key);
  if (!found.ok)
    return session.fail(
      exitCodes.negative,
      `there is no key ${key}${found.nearest === undefined ? '' : `; did you mean ${found.nearest}?`}`,
      command,
    );
  if (globals(command).json === true) session.json({ key, text: found.text });
  else session.print(found.text);
}

async function runPassword(session: CliSession, command: Command): Promise<void> {
  const { io } = session;
  const password = await askSecret(io, 'Password: ');
  if (password === undefined || password === '') return session.fail(exitCodes.usage, 'no password was given', command);
  if (io.stdin.isTTY === true && (await askSecret(io, 'The same again: ')) !== password)
    return session.fail(exitCodes.usage, 'the two are not the same', command);
  const hash = await io.hashPassword(password);
  if (globals(command).json === true) return session.json({ hash });
  session.print(hash);
  if (io.stdout.isTTY === true)
    io.stderr.write("Put it in single quotes after 'password:' of a mailbox, then run: ims reload\n");
}

/** config check, show, explain, example, reference; password. */
export function configCommands(root: Command, session: CliSession): void {
  const config = root
    .command('config')
    .description('check, show and explain the configuration; needs no running service');
  config
    .command('check')
    .description('everything that is wrong with a configuration file, at once; changes nothing')
    .argument('[file]')
    .addHelpText('after', '\nExamples:\n  ims config check\n  ims config check /etc/ims/ims.yaml && ims reload')
    .action((file: string | undefined, _options: unknown, command: Command) => runCheck(session, command, file));
  config
    .command('show')
    .description(
      'the configuration with all defaults, without passwords: the one in force where a service runs, else that of the file',
    )
    .option('--file', 'that of the file, also where a service runs')
    .addHelpText('after', '\nExamples:\n  ims config show\n  ims config show --json | jq .reception')
    .action((_options: unknown, command: Command) => runShow(session, command));
  config
    .command('explain')
    .description('what a key means, what is allowed, its default, and when a change takes effect')
    .argument('[key]', 'such as reception.timeouts.command; without one, all sections', '')
    .addHelpText('after', '\nExamples:\n  ims config explain listeners.mx.tls\n  ims config explain routing')
    .action((key: string, _options: unknown, command: Command) => runExplain(session, command, key));
  config
    .command('example')
    .description('print a configuration with every setting at its default, explained')
    .addHelpText('after', '\nExample:\n  ims config example > ims.yaml')
    .action(async () => {
      const { exampleConfiguration } = await import('../../config/example.ts');
      session.print(exampleConfiguration());
    });
  config.command('reference', { hidden: true }).action(async () => {
    const { referencePage } = await import('../../config/reference.ts');
    session.print(referencePage());
  });
  root
    .command('password')
    .description('make the hash of a password for the configuration; reads it from the terminal or standard input')
    .addHelpText('after', '\nExamples:\n  ims password\n  printf \'%s\' "$SECRET" | ims password')
    .action((_options: unknown, command: Command) => runPassword(session, command));
}
