import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import type { QueueRow } from '../../../flow/queue/port.ts';
import { printReply } from '../../../mail/reply.ts';
import { ENVELOPE_SUFFIX, TAKEN_SUFFIX } from '../../carry/envelope-file.ts';
import { exitCodes } from '../exit-codes.ts';
import { findConfigurationFile } from '../find-service.ts';
import { type CliSession, globals } from '../session.ts';
import { table } from '../table.ts';
import { count, plain, showSpan } from '../text.ts';
import { allRows } from './queue-carry.ts';
import { parseAge } from './queue.ts';
import type { StatusResult } from '../../actions/things.ts';

const WAIT_MS = 10 * 60_000;
const LOOK_MS = 1000;
const TOLD_MS = 10_000;
const SHOWN_ROWS = 10_000;

/** What waits still, grouped by where it goes and what keeps it. */
interface Leftover {
  readonly nextHop: string;
  readonly reason: string;
  readonly deliveries: number;
  readonly oldestMs: number;
}

function grouped(rows: readonly QueueRow[]): readonly Leftover[] {
  const groups = new Map<string, Leftover>();
  for (const { nextHop, held, quarantined, arrivedAtMs, recipients = [] } of rows) {
    const reply = recipients.find(({ state, lastReply }) => state === 'waiting' && lastReply !== undefined)?.lastReply;
    const words = reply === undefined ? 'no attempt has been made' : printReply(reply);
    const reason = quarantined ? 'quarantined' : held ? 'held' : words;
    const before = groups.get(`${nextHop} ${reason}`);
    groups.set(`${nextHop} ${reason}`, {
      nextHop,
      reason,
      deliveries: (before?.deliveries ?? 0) + 1,
      oldestMs: Math.min(before?.oldestMs ?? Infinity, arrivedAtMs),
    });
  }
  return [...groups.values()].sort((a, b) => b.deliveries - a.deliveries);
}

/** Domains of ours whose MX names this host; undefined where that cannot be seen. */
async function domainsThatNameUs(session: CliSession, command: Command): Promise<readonly string[] | undefined> {
  const { io } = session;
  const path = await findConfigurationFile(io, globals(command).config);
  const host = await io.host?.();
  if (path === undefined || host === undefined) return undefined;
  const { loadConfigurationFile } = await import('../../config/load-file.ts');
  const { makeParts } = await import('../../doctor/parts.ts');
  const file = await loadConfigurationFile(io.world.disk, path);
  if (!file.loaded.ok) return undefined;
  const { domains, server, routing } = file.loaded.settings;
  const { resolver } = await makeParts(file, host, io.world);
  if (resolver === undefined) return undefined;
  const ours = new Set([server.name, ...routing.ownNames].map((name) => name.toLowerCase()));
  const answers = await Promise.all(
    [...Object.keys(domains), ...routing.relayDomains].map(async (domain) => {
      const answer = await resolver.query(domain, 'MX').catch(() => undefined); // no answer: nothing can be said of it
      if (answer === undefined || answer.kind === 'failure') return undefined;
      const names = answer.kind === 'records' ? answer.records : [];
      return names.some(({ exchange }) => ours.has(exchange.toLowerCase())) ? [domain] : [];
    }),
  );
  return answers.some((found) => found === undefined) ? undefined : answers.flatMap((found) => found ?? []);
}

function printLeft(session: CliSession, left: readonly Leftover[], naming: readonly string[] | undefined): void {
  const now = session.io.world.clock.wall();
  session.print(
    table(
      [
        { title: 'DELIVERIES', align: 'right' },
        { title: 'OLDEST', align: 'right' },
        { title: 'NEXT HOP' },
        { title: 'WHAT KEEPS IT', flexible: true },
      ],
      left.map((one) => [String(one.deliveries), showSpan(now - one.oldestMs), one.nextHop, one.reason]),
      session.width,
    ),
  );
  printNaming(session, naming);
  session.print('Take it to another host:  ims queue export DIRECTORY   (there: ims queue import DIRECTORY)');
  session.print('Return it to its senders: ims queue bounce --all --preview');
}

function printNaming(session: CliSession, naming: readonly string[] | undefined): void {
  if (naming === undefined) return session.print('Which MX records lead here cannot be seen; remove those first.');
  if (naming.length === 0) return;
  session.print(
    session.paint(
      'yellow',
      `Remove or lower the MX records that name this host first: ${naming.map(plain).join(', ')}`,
    ),
  );
}

async function runDrain(session: CliSession, command: Command): Promise<void> {
  const { wait = WAIT_MS, json } = globals<{ wait?: number }>(command);
  const { clock } = session.io.world;
  const ordered = await session.ask(command, 'transfer.order', { mode: 'out', reason: 'drain' });
  if (ordered === undefined) return;
  // One try now for everything that waits for its time.
  await session.ask(command, 'queue.retry', { filter: {}, all: true });
  if (json !== true) session.print('No mail is taken any more (ims transfer both ends that); what waits is sent.');
  const until = clock.now() + wait;
  let told = -Infinity;
  let status: StatusResult | undefined;
  for (;;) {
    status = await session.ask<StatusResult>(command, 'status', {});
    if (status === undefined) return;
    const { messages, deliveries, held, quarantined } = status.queue;
    const over = deliveries - held - quarantined <= 0 || clock.now() >= until;
    if (json !== true && (over || clock.now() - told >= TOLD_MS)) {
      told = clock.now();
      session.print(`${count(messages, 'message')} in ${count(deliveries, 'delivery', 'deliveries')} left`);
    }
    if (over) break;
    await new Promise<void>((done) => void clock.after(Math.min(LOOK_MS, Math.max(1, until - clock.now())), done));
  }
  const rows = status.queue.deliveries === 0 ? [] : await allRows(session, command, {}, SHOWN_ROWS);
  if (rows === undefined) return;
  const left = grouped(rows);
  const naming = await domainsThatNameUs(session, command);
  if (left.length > 0) session.code = exitCodes.negative;
  if (json === true) return session.json({ empty: left.length === 0, left, mx: naming ?? null, queue: status.queue });
  if (left.length > 0) return printLeft(session, left, naming);
  session.print(session.paint('green', 'The queue is empty.'));
  printNaming(session, naming);
  session.print('To give this server up: ims retire');
}

/** What stands against giving the server up. */
async function runRetire(session: CliSession, command: Command): Promise<void> {
  const { exported, json } = globals<{ exported?: string }>(command);
  const status = await session.ask<StatusResult>(command, 'status', {});
  if (status === undefined) return;
  const rows = status.queue.deliveries === 0 ? [] : await allRows(session, command, {});
  if (rows === undefined) return;
  const written = exported === undefined ? new Set<string>() : await writtenIn(session, resolve(exported));
  const here = new Set(rows.map(({ queueId }) => queueId));
  const left = [...here].filter((queueId) => !written.has(queueId));
  const naming = await domainsThatNameUs(session, command);
  const against = [
    ...(left.length === 0
      ? []
      : [
          `${count(left.length, 'message')} of the queue would be lost: ims drain, then ims queue export DIRECTORY and ims retire --exported DIRECTORY`,
        ]),
    ...(status.transfer.mode === 'out' || status.transfer.mode === 'none' ? [] : ['mail is still taken: ims drain']),
    ...(naming === undefined
      ? ['which MX records lead here cannot be seen: ims doctor --only names']
      : naming.map(
          (domain) => `the MX of ${domain} still names this host: remove or lower it, and wait for its time to live`,
        )),
  ];
  if (against.length > 0) session.code = exitCodes.negative;
  const { name, configurationFile } = status;
  const steps = [
    'ims stop   (or, under systemd: systemctl disable --now ims)',
    `keep ${configurationFile} and the data directory until nobody asks for them: Maildirs of mailboxes here lie below mail/`,
    ...(exported === undefined ? [] : [`take ${resolve(exported)} in on the other host: ims queue import`]),
    `remove the records of ${name} from the DNS (A, AAAA, SPF, DKIM, TLSA, PTR), and then the package`,
  ];
  if (json === true)
    return session.json({ ready: against.length === 0, against, steps: against.length === 0 ? steps : [] });
  if (against.length > 0) {
    session.print(session.paint('red', `${plain(name)} is not to be given up yet:`));
    for (const one of against) session.print(`  - ${plain(one)}`);
    return;
  }
  session.print(
    session.paint(
      'green',
      `${plain(name)} may be given up: nothing waits that is nowhere else, and nothing leads here.`,
    ),
  );
  for (const [n, step] of steps.entries()) session.print(`  ${n + 1}. ${plain(step)}`);
}

async function writtenIn(session: CliSession, directory: string): Promise<ReadonlySet<string>> {
  const names = await session.io.world.disk.list(directory).catch(() => []);
  return new Set(
    names.flatMap((name) => {
      const suffix = [ENVELOPE_SUFFIX, TAKEN_SUFFIX].find((one) => name.endsWith(one));
      return suffix === undefined ? [] : [name.slice(0, -suffix.length)];
    }),
  );
}

/** drain, retire. */
export function drainCommands(root: Command, session: CliSession): void {
  root
    .command('drain')
    .description('take no more mail, send what waits, and say what is left and why')
    .addOption(new Option('--wait <time>', 'how long to wait for an empty queue, such as 30m').argParser(parseAge))
    .addHelpText(
      'after',
      '\nExamples:\n  ims drain\n  ims drain --wait 2h\n\nIt orders the transfer mode out, which stays until `ims transfer both`. Remove the MX records first: senders go to\nanother host then. Without --wait it waits ten minutes.\n\nExit code: 0 the queue is empty, 1 something is left.',
    )
    .action((_options: unknown, command: Command) => runDrain(session, command));
  root
    .command('retire')
    .description('whether this server may be given up: refuses while mail would be lost, then names the last steps')
    .addOption(new Option('--exported <directory>', 'what waits was written there by `ims queue export`'))
    .addHelpText(
      'after',
      '\nExamples:\n  ims retire\n  ims retire --exported /root/waiting\n\nIt changes nothing. Exit code: 0 it may, 1 something stands against it.',
    )
    .action((_options: unknown, command: Command) => runRetire(session, command));
}
