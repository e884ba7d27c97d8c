/**
 * The door of the command line: words over actions. Called by the program's entry for everything but `run` and
 * internal roles.
 * It promises an exit code of the table in exit-codes.ts, never throws, and writes to the given streams only.
 */
import { Command, CommanderError, Option } from 'commander';
import { exitCodeHelp, exitCodes } from './exit-codes.ts';
import type { CliIo } from './io.ts';
import { CliSession } from './session.ts';

type Add = (root: Command, session: CliSession) => void;

/** The commands by the file that holds them: a command line loads the one it needs, help and mistakes load all. */
const GROUPS: ReadonlyArray<{ readonly names: readonly string[]; load(): Promise<Add> }> = [
  {
    names: ['run', 'status', 'reload', 'stop', 'levels', 'route'],
    load: async () => (await import('./commands/service.ts')).serviceCommands,
  },
  { names: ['routes', 'explain'], load: async () => (await import('./commands/explain.ts')).explainCommands },
  { names: ['setup'], load: async () => (await import('./commands/setup.ts')).setupCommands },
  { names: ['repair'], load: async () => (await import('./commands/repair.ts')).repairCommands },
  { names: ['settings'], load: async () => (await import('./commands/settings.ts')).settingsCommands },
  { names: ['verify'], load: async () => (await import('./commands/verify.ts')).verifyCommands },
  { names: ['dns'], load: async () => (await import('./commands/dns.ts')).dnsCommands },
  { names: ['dkim'], load: async () => (await import('./commands/dkim.ts')).dkimCommands },
  { names: ['doctor'], load: async () => (await import('./commands/doctor.ts')).doctorCommands },
  { names: ['dequeue'], load: async () => (await import('./commands/dequeue.ts')).dequeueCommands },
  { names: ['gateway'], load: async () => (await import('./commands/gateway.ts')).gatewayCommands },
  { names: ['console'], load: async () => (await import('./commands/console.ts')).consoleCommands },
  { names: ['metrics'], load: async () => (await import('./commands/metrics.ts')).metricsCommands },
  { names: ['drain', 'retire'], load: async () => (await import('./commands/drain.ts')).drainCommands },
  { names: ['data'], load: async () => (await import('./commands/move-data.ts')).dataCommands },
  { names: ['transfer'], load: async () => (await import('./commands/transfer.ts')).transferCommands },
  { names: ['queue'], load: async () => (await import('./commands/queue.ts')).queueCommands },
  { names: ['trace', 'events'], load: async () => (await import('./commands/look-back.ts')).lookBackCommands },
  { names: ['mailbox'], load: async () => (await import('./commands/mailbox.ts')).mailboxCommands },
  { names: ['send'], load: async () => (await import('./commands/send.ts')).sendCommands },
  { names: ['kb'], load: async () => (await import('./commands/knowledge.ts')).knowledgeCommands },
  { names: ['config', 'password'], load: async () => (await import('./commands/config.ts')).configCommands },
];

export type { CliIo } from './io.ts';
export { exitCodes } from './exit-codes.ts';

const EXAMPLES = `
Begin here:
  ims setup                          a configuration from a few answers, and the DNS records to publish
  ims config example > ims.yaml      a configuration with every setting explained
  ims config check                   everything that is wrong with it, at once
  ims run                            starts the service in the foreground
  ims status                         what listens where, and what is degraded
  ims doctor                         what is not well, why, and the cure
  ims dns                            the DNS records that others need, and which are there
  ims repair --preview               what of that can be repaired from here, step by step
  ims send --to bob@example.test     sends a test message and shows the dialogue
  ims trace bob@example.test         what happened to it
  ims kb 4007                        what an event means, and what to do

${exitCodeHelp}

The configuration is the file named by --config, else by $IMS_CONFIG, else ./ims.yaml, ./data/ims.yaml or /etc/ims/ims.yaml.`;

async function program(session: CliSession, first: string): Promise<Command> {
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
  const wanted = GROUPS.filter(({ names }) => names.includes(first));
  for (const { load } of wanted.length > 0 ? wanted : GROUPS) (await load())(root, session);
  return root;
}

/** Runs one command line; `argv` is what follows the program's name. Resolves with the exit code. */
export async function main(argv: readonly string[], io: CliIo): Promise<number> {
  const session = new CliSession(io);
  try {
    const root = await program(session, argv[0] ?? '');
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
