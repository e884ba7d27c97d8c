import { InvalidArgumentError, Option, type Command } from 'commander';
import type { QueueFilter, QueueRow } from '../../../flow/queue/port.ts';
import { printReply } from '../../../mail/reply.ts';
import type { QueueChange } from '../../actions/queue-change.ts';
import type { QueuePage } from '../../actions/queue-look.ts';
import { queueRowState, queueRowTitles, queueRowWords } from '../../actions/queue-row-words.ts';
import { carryCommands } from './queue-carry.ts';
import { type CliSession, globals } from '../session.ts';
import { table } from '../table.ts';
import { count, showBytes, showTime } from '../text.ts';

const AGE = /^(\d{1,9})(s|m|h|d)$/;
const AGE_UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads an age such as 30m, 2h or 5d. */
export function parseAge(text: string): number {
  const match = AGE.exec(text);
  if (match === null) throw new InvalidArgumentError('write a length of time such as 30m, 2h or 5d');
  return Number(match[1]) * (AGE_UNITS[match[2] ?? ''] ?? 1);
}

function parseCount(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError('write a number');
  return Number(text);
}

interface FilterOptions {
  readonly domain?: string;
  readonly nextHop?: string;
  readonly sender?: string;
  readonly recipient?: string;
  readonly messageId?: string;
  readonly held?: boolean;
  readonly older?: number;
}

function withFilters(command: Command): Command {
  return command
    .addOption(new Option('--domain <domain>', 'mail to recipients of this domain'))
    .addOption(
      new Option(
        '--next-hop <key>',
        'mail for this next hop, as the list shows it: mx:example.com, host:<group>, held:<domain>, local',
      ),
    )
    .addOption(new Option('--sender <address>', 'mail from this sender; an empty one means reports (DSN)'))
    .addOption(new Option('--recipient <address>', 'mail to this recipient'))
    .addOption(new Option('--message-id <id>', 'the message with this Message-ID'))
    .addOption(new Option('--held', 'held mail only'))
    .addOption(
      new Option('--older <time>', 'mail that arrived longer ago than this, such as 2h or 3d').argParser(parseAge),
    );
}

/** The filter that options and a queue-id make. */
export function filterOf(options: FilterOptions, queueId: string | undefined): QueueFilter {
  const { domain, nextHop, sender, recipient, messageId, held, older } = options;
  const all = {
    queueId,
    domain: domain?.toLowerCase(),
    nextHop,
    sender,
    recipient,
    messageId: messageId?.replace(/^<|>$/g, ''),
    held,
    olderThanMs: older,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as QueueFilter;
}

function printRows(session: CliSession, rows: readonly QueueRow[]): void {
  const now = session.io.world.clock.wall();
  session.print(
    table(
      [
        ...queueRowTitles.map((title) => ({
          title,
          ...(title === 'AGE' || title === 'TRIES' || title === 'SIZE' ? { align: 'right' as const } : {}),
          ...(title === 'LAST REPLY' ? { flexible: true } : {}),
        })),
      ],
      rows.map((row) => queueRowWords(row, now)),
      session.width,
    ),
  );
}

function printMissing(session: CliSession, missing: readonly string[]): void {
  for (const one of missing)
    session.io.stderr.write(
      `${session.paint('yellow', `No answer, so this is not everything: ${one}`, session.io.stderr)}\n`,
    );
}

function listCommand(queue: Command, session: CliSession): void {
  withFilters(queue.command('list'))
    .description('deliveries that wait, oldest first')
    .addOption(new Option('--most <n>', 'rows of one page').argParser(parseCount).default(50))
    .addOption(new Option('--offset <n>', 'rows to leave out').argParser(parseCount).default(0))
    .addHelpText(
      'after',
      '\nExamples:\n  ims queue list\n  ims queue list --domain example.com --older 2h\n  ims queue list --held --json',
    )
    .action(async (_options: unknown, command: Command) => {
      const options = globals<FilterOptions & { most: number; offset: number }>(command);
      const page = await session.ask<QueuePage>(command, 'queue.list', {
        filter: filterOf(options, undefined),
        most: options.most,
        offset: options.offset,
      });
      if (page === undefined) return;
      if (options.json === true) return session.json(page);
      printMissing(session, page.missing);
      if (page.total === 0) return session.print('Nothing waits.');
      printRows(session, page.rows);
      const last = page.offset + page.rows.length;
      if (last < page.total)
        session.print(`${page.offset + 1} to ${last} of ${page.total}; more with --offset ${last}`);
    });
}

type Shown = QueuePage & { readonly content?: string };

function printShown(session: CliSession, page: Shown): void {
  const first = page.rows[0];
  if (first === undefined) return;
  session.print(
    `${session.paint('bold', first.queueId)}  from ${first.sender === undefined || first.sender === '' ? '<>' : first.sender}, ${showBytes(first.sizeBytes)}, class ${first.class}`,
  );
  session.print(
    `  Message-ID  ${first.messageId === undefined || first.messageId === '' ? '(none)' : first.messageId}`,
  );
  session.print(
    `  arrived     ${showTime(first.arrivedAtMs)}, returned to the sender at ${showTime(first.expiresAtMs)}`,
  );
  for (const row of page.rows) {
    session.print(
      `  ${row.nextHop}  ${queueRowState(row)}, ${count(row.attempts, 'attempt')}${row.held ? '' : `, next at ${showTime(row.dueAtMs)}`}`,
    );
    for (const one of row.recipients ?? [])
      session.print(
        `    ${one.mailbox}  ${one.state}${one.lastReply === undefined ? '' : `  ${printReply(one.lastReply)}`}`,
      );
  }
}

function showCommand(queue: Command, session: CliSession): void {
  queue
    .command('show')
    .description('one message: deliveries, recipients, last replies')
    .argument('<queue-id>')
    .addOption(new Option('--header', 'print its header section'))
    .addOption(new Option('--content', 'print the whole message, unchanged'))
    .addHelpText('after', '\nExamples:\n  ims queue show 0-3k9f2a\n  ims queue show 0-3k9f2a --content > message.eml')
    .action(async (queueId: string, _options: unknown, command: Command) => {
      const options = globals<{ header?: boolean; content?: boolean }>(command);
      const content = options.content === true ? 'whole' : options.header === true ? 'header' : 'none';
      const page = await session.ask<Shown>(command, 'queue.show', { queueId, content });
      if (page === undefined) return;
      if (options.json === true) session.json(page);
      else if (page.content !== undefined)
        session.io.stdout.write(Buffer.from(page.content, 'latin1').toString('utf8'));
      else printShown(session, page);
    });
}

interface Verb {
  readonly name: string;
  readonly does: string;
  readonly past: string;
  readonly final: boolean;
  readonly example: string;
}

const VERBS: readonly Verb[] = [
  {
    name: 'retry',
    does: 'make waiting mail due now',
    past: 'due now',
    final: false,
    example: 'ims queue retry --domain example.com',
  },
  {
    name: 'hold',
    does: 'keep mail from being attempted until it is released',
    past: 'held',
    final: false,
    example: 'ims queue hold --sender news@example.test',
  },
  {
    name: 'release',
    does: 'let held and quarantined mail go',
    past: 'released',
    final: false,
    example: 'ims queue release --held --all',
  },
  {
    name: 'reroute',
    does: 'decide the next hop anew, by the configuration in force',
    past: 'routed anew',
    final: false,
    example: 'ims queue reroute --next-hop host:old-provider',
  },
  {
    name: 'bounce',
    does: 'return mail to its senders now',
    past: 'returned to their senders',
    final: true,
    example: "ims queue bounce --domain example.com --text 'The domain was given up.' --yes",
  },
  {
    name: 'remove',
    does: 'remove mail; the senders are not told',
    past: 'removed',
    final: true,
    example: 'ims queue remove --sender spam@example.net --yes',
  },
];

interface ChangeOptions extends FilterOptions {
  readonly all?: boolean;
  readonly preview?: boolean;
  readonly yes?: boolean;
  readonly text?: string;
}

async function runVerb(session: CliSession, verb: Verb, queueId: string | undefined, command: Command): Promise<void> {
  const options = globals<ChangeOptions>(command);
  const input = {
    filter: filterOf(options, queueId),
    all: options.all === true,
    preview: options.preview === true,
    confirmed: options.yes === true,
    ...(options.text === undefined ? {} : { text: options.text }),
  };
  const end = await session.tryAsk(command, `queue.${verb.name}`, input);
  if ('kind' in end) return session.unreachable(command, end);
  if (!end.ok && end.error.kind === 'needs-confirmation' && options.json !== true)
    printRows(session, (end.error.details as QueueChange).rows as readonly QueueRow[]);
  const change = session.result<QueueChange>(command, end);
  if (change === undefined) return;
  if (change.matches === 0) session.code = 1;
  if (options.json === true) return session.json(change);
  printMissing(session, change.missing);
  if (change.preview && change.matches > 0) {
    printRows(session, change.rows as readonly QueueRow[]);
    session.print(`${count(change.matches, 'delivery', 'deliveries')} would be ${verb.past}; nothing was changed.`);
  } else if (change.matches === 0) session.print('Nothing matches.');
  else session.print(`${count(change.changed, 'delivery', 'deliveries')} of ${change.matches} ${verb.past}.`);
}

/** queue list, show, retry, hold, release, reroute, bounce, remove, flush. */
export function queueCommands(root: Command, session: CliSession): void {
  const queue = root.command('queue').description('look at and change the mail that waits');
  listCommand(queue, session);
  showCommand(queue, session);
  for (const verb of VERBS) {
    const command = withFilters(queue.command(verb.name))
      .description(`${verb.does}${verb.final ? ' (needs --yes)' : ''}`)
      .argument('[queue-id]')
      .addOption(new Option('--all', 'all mail in the queue'))
      .addOption(new Option('--preview', 'say how many and show the first, and change nothing'))
      .addHelpText(
        'after',
        `\nExamples:\n  ims queue ${verb.name} 0-3k9f2a${verb.final ? ' --yes' : ''}\n  ${verb.example}\n  ims queue ${verb.name} --older 2d --preview`,
      )
      .action((queueId: string | undefined, _options: unknown, own: Command) => runVerb(session, verb, queueId, own));
    if (verb.final) command.addOption(new Option('--yes', 'do it; it cannot be taken back'));
    if (verb.name === 'bounce') command.addOption(new Option('--text <sentence>', 'the reason that senders are told'));
  }
  carryCommands(queue, session, withFilters, filterOf);
  queue
    .command('flush')
    .description('start the delivery of mail held for a domain, as ETRN does')
    .argument('<domain>')
    .addHelpText('after', '\nExample:\n  ims queue flush branch.example.com')
    .action(async (domain: string, _options: unknown, command: Command) => {
      const change = await session.ask<QueueChange>(command, 'queue.flush', { domain });
      if (change === undefined) return;
      if (change.changed === 0) session.code = 1;
      if (globals(command).json === true) session.json(change);
      else
        session.print(
          change.changed === 0
            ? `Nothing is held for ${domain}.`
            : `${count(change.changed, 'delivery', 'deliveries')} released.`,
        );
    });
}
