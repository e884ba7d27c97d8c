/**
 * The door of the command line: words over actions. Called by the program's entry for everything but `run` and internal roles.
 * It promises an exit code of the table in exit-codes.ts, never throws, and writes to the given streams only.
 */
import { Command, CommanderError, Option } from 'commander';
import { configCommands } from './commands/config.ts';
import { lookBackCommands } from './commands/look-back.ts';
import { mailboxCommands } from './commands/mailbox.ts';
import { queueCommands } from './commands/queue.ts';
import { sendCommands } from './commands/send.ts';
import { serviceCommands } from './commands/service.ts';
import { exitCodeHelp, exitCodes } from './exit-codes.ts';
import type { CliIo } from './io.ts';
import { CliSession } from './session.ts';

export type { CliIo } from './io.ts';
export { exitCodes } from './exit-codes.ts';

const EXAMPLES = `
Begin here:
  ims config example > ims.yaml      a configuration with every setting explained
  ims config check                   everything that is wrong with it, at once
  ims run                            starts the service in the foreground
  ims status                         what listens where, and what is degraded
  ims send --to bob@example.test     sends a test message and shows the dialogue
  ims trace bob@example.test         what happened to it

${exitCodeHelp}

The configuration is the file named by --config, else by $IMS_CONFIG, else ./ims.yaml, ./data/ims.yaml or /etc/ims/ims.yaml.`;

function program(session: CliSession): Command {
  const root = new Command('ims');
  const { io } = session;
  root
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      getOutHelpWidth: () => Math.min(session.width, 120),
      getErrHelpWidth: () => Math.min(io.stderr.columns ?? 80, 120),
    })
    .showSuggestionAfterError(true)
    .showHelpAfterError('(add --help for what the command takes, with examples)')
    .description('The Internet Mail Service: a mail server that always starts, or says why.')
    .version(io.version, '--version', 'print the version')
    .addOption(new Option('--json', 'print the result as JSON'))
    .addOption(new Option('--config <file>', 'the configuration file'))
    .addOption(new Option('--socket <path>', 'the control socket of the running service'))
    .addHelpText('after', EXAMPLES);
  serviceCommands(root, session);
  queueCommands(root, session);
  lookBackCommands(root, session);
  mailboxCommands(root, session);
  sendCommands(root, session);
  configCommands(root, session);
  return root;
}

/** Runs one command line; `argv` is what follows the program's name. Resolves with the exit code. */
export async function main(argv: readonly string[], io: CliIo): Promise<number> {
  const session = new CliSession(io);
  const root = program(session);
  try {
    if (argv.length === 0) {
      io.stdout.write(root.helpInformation());
      io.stdout.write(`${EXAMPLES}\n`);
      return exitCodes.ok;
    }
    await root.parseAsync([...argv], { from: 'user' });
    return session.code;
  } catch (error) {
    // The frontier of the command line: whatever went wrong ends with words and a code.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    session.fail(exitCodes.failed, error instanceof Error ? error.message : String(error));
    return session.code;
  }
}
