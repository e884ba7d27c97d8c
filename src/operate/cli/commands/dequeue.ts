import type { Command } from 'commander';
import type { DequeueRun, DequeueState } from '../../../flow/dequeue/port.ts';
import { exitCodes } from '../exit-codes.ts';
import { type CliSession, globals } from '../session.ts';
import { table } from '../table.ts';
import { plain, showTime } from '../text.ts';

interface Listed {
  readonly entries: readonly DequeueState[];
  readonly configured: number;
  readonly missing: readonly string[];
}

const time = (ms: number | undefined): string => (ms === undefined ? '' : showTime(ms));

function printList(session: CliSession, { entries, configured, missing }: Listed): void {
  if (configured === 0)
    return session.print(
      "No host is asked for held mail. The section 'dequeue' of the configuration says which, and when.",
    );
  const rows = entries.map(({ name, command, host, running, nextAtMs, last, failingSinceMs }) => [
    name,
    command,
    host,
    running ? 'now' : time(nextAtMs),
    time(last?.atMs),
    plain(last === undefined ? '' : `${failingSinceMs === undefined ? '' : `${last.outcome}: `}${last.result}`),
  ]);
  const titles = ['NAME', 'COMMAND', 'HOST', 'NEXT', 'LAST', 'RESULT'].map((title) => ({ title }));
  session.print(table(titles, rows, session.width));
  for (const silent of missing) session.print(`Not seen: ${silent}`);
}

async function list(session: CliSession, command: Command): Promise<void> {
  const listed = await session.ask<Listed>(command, 'dequeue.list', {});
  if (listed === undefined) return;
  if (globals(command).json === true) session.json(listed);
  else printList(session, listed);
}

async function now(session: CliSession, command: Command, name: string): Promise<void> {
  const json = globals(command).json === true;
  const lines: string[] = [];
  const run = await session.ask<DequeueRun>(
    command,
    'dequeue.now',
    { name },
    {
      item(value) {
        const { line } = value as { readonly line: string };
        if (json) lines.push(line);
        else session.print(plain(line));
      },
    },
  );
  if (run === undefined) return;
  if (['refused', 'failed', 'paused'].includes(run.outcome)) session.code = exitCodes.negative;
  if (json) return session.json({ ...run, dialogue: lines });
  const colour = session.code === exitCodes.negative ? 'red' : 'green';
  session.print(`${session.paint(colour, run.outcome)}: ${plain(run.result)}`);
}

/** dequeue. */
export function dequeueCommands(root: Command, session: CliSession): void {
  const dequeue = root
    .command('dequeue')
    .description(
      'hosts that hold mail for us until they are asked for it (ETRN, ATRN): the schedule, and what came of it',
    )
    .addHelpText(
      'after',
      "\nExamples:\n  ims dequeue                     which hosts, when next, and the last result\n  ims dequeue now provider        asks at once and shows the dialogue\n\nThe section 'dequeue' of the configuration says whom to ask, and when: ims config explain dequeue",
    )
    .action((_options: unknown, command: Command) => list(session, command));
  dequeue
    .command('list')
    .description('the hosts, when they are asked next, and what came of the last time')
    .addHelpText('after', '\nExample:\n  ims dequeue list --json')
    .action((_options: unknown, command: Command) => list(session, command));
  dequeue
    .command('now <name>')
    .description('asks a host at once and shows the dialogue')
    .addHelpText(
      'after',
      '\nExample:\n  ims dequeue now provider\n\nExit code: 0 it was asked and agreed, 1 it refused or could not be asked.',
    )
    .action((name: string, _options: unknown, command: Command) => now(session, command, name));
}
