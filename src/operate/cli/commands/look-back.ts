import { InvalidArgumentError, Option, type Command } from 'commander';
import type { EventRecord, MessageTimeline } from '../../actions/context.ts';
import { entryLines } from '../../tracking/entry-lines.ts';
import { type CliSession, globals } from '../session.ts';
import { showTime } from '../text.ts';
import { parseAge } from './queue.ts';

function printTimeline(session: CliSession, { queueId, entries }: MessageTimeline): void {
  session.print(session.paint('bold', queueId));
  for (const entry of entries) {
    const [first = '', ...rest] = entryLines(entry);
    session.print(`  ${showTime(entry.atMs)}  ${first}`);
    for (const line of rest) session.print(`  ${' '.repeat(20)}  ${' '.repeat(11)}${line}`);
  }
}

function traceCommand(root: Command, session: CliSession): void {
  root
    .command('trace')
    .description('what happened to a message, from its arrival to its end')
    .argument('<what>', 'a queue-id, a Message-ID, or an address (sender or recipient)')
    .addOption(new Option('--most <n>', 'messages to show, the newest first').argParser(Number).default(10))
    .addHelpText(
      'after',
      "\nExamples:\n  ims trace 0-3k9f2a\n  ims trace '<4711@example.com>'\n  ims trace bob@example.test --most 1",
    )
    .action(async (what: string, _options: unknown, command: Command) => {
      const options = globals<{ most: number }>(command);
      const result = await session.ask<{ messages: readonly MessageTimeline[] }>(command, 'trace', {
        what,
        most: options.most,
      });
      if (result === undefined) return;
      if (options.json === true) return session.json(result);
      for (const message of result.messages) printTimeline(session, message);
    });
}

const COLOURS = { information: 'dim', warning: 'yellow', error: 'red' } as const;

function printEvent(session: CliSession, record: EventRecord): void {
  session.print(
    `${showTime(record.atMs)}  ${session.paint(COLOURS[record.severity], `${record.number} ${record.severity}`)}  ${record.process}: ${record.text}`,
  );
  if (record.severity === 'information') return;
  const advice = record.advice === undefined ? '' : `${record.advice} `;
  session.print(`${' '.repeat(22)}${advice}More: ims kb ${record.number}`);
}

function parseNumbers(text: string, before: readonly number[] = []): number[] {
  const numbers = text.split(',').map(Number);
  if (!numbers.every((one) => Number.isInteger(one) && one >= 1000 && one <= 4999))
    throw new InvalidArgumentError('write event numbers such as 3018 or 3018,3019');
  return [...before, ...numbers];
}

interface EventOptions {
  readonly number?: readonly number[];
  readonly severity?: string;
  readonly category?: string;
  readonly since?: number;
  readonly contains?: string;
  readonly most: number;
  readonly follow?: boolean;
}

async function runEvents(session: CliSession, command: Command): Promise<void> {
  const { number: numbers, severity, category, since, contains, most, follow, json } = globals<EventOptions>(command);
  const sinceMs = since === undefined ? undefined : session.io.world.clock.wall() - since;
  const input = { numbers, severity, category, sinceMs, contains, most, follow: follow === true };
  let end = (): void => undefined;
  const off = follow === true ? session.io.onInterrupt?.(() => end()) : undefined;
  const result = await session.ask<{ events?: readonly EventRecord[] }>(command, 'events', input, {
    item: (value) => (json === true ? session.print(JSON.stringify(value)) : printEvent(session, value as EventRecord)),
    cancel: (fn) => {
      end = fn;
      session.endEarly = fn;
    },
  });
  off?.();
  if (result?.events === undefined) return;
  if (json === true) return session.json(result);
  if (result.events.length === 0) {
    session.code = 1;
    return session.print('No such events.');
  }
  for (const record of result.events) printEvent(session, record);
}

/** trace and events. */
export function lookBackCommands(root: Command, session: CliSession): void {
  traceCommand(root, session);
  root
    .command('events')
    .description('the newest events; 1xxx life cycle, 2xxx information, 3xxx warning, 4xxx error')
    .addOption(new Option('-n, --number <numbers>', 'only events of these numbers').argParser(parseNumbers))
    .addOption(new Option('--severity <severity>', 'at least so severe').choices(['information', 'warning', 'error']))
    .addOption(new Option('--category <category>', 'only this category, such as delivery'))
    .addOption(new Option('--since <time>', 'not older than this, such as 2h').argParser(parseAge))
    .addOption(new Option('--contains <text>', 'only events whose text contains this'))
    .addOption(new Option('--most <n>', 'how many').argParser(Number).default(50))
    .addOption(new Option('-f, --follow', 'go on with those that come, until Ctrl-C'))
    .addHelpText(
      'after',
      '\nExamples:\n  ims events --severity warning --since 1d\n  ims events --number 3018,3019\n  ims events --follow --json',
    )
    .action((_options: unknown, command: Command) => runEvents(session, command));
}
