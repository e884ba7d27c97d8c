import { Option, type Command } from 'commander';
import type { ReloadEnd } from '../../actions/context.ts';
import type { StatusResult } from '../../actions/things.ts';
import type { RouteExplanation, RouteRule } from '../../actions/worker-calls.ts';
import type { RelayTerms } from '../../../flow/routing/port.ts';
import type { Way } from '../../../transport/port.ts';
import { printReply } from '../../../mail/reply.ts';
import { exitCodes } from '../exit-codes.ts';
import { type CliSession, globals } from '../session.ts';
import { table } from '../table.ts';
import { count } from '../text.ts';
import { printStatus } from './status.ts';

function printReload(session: CliSession, end: ReloadEnd & { kind: 'applied' }): void {
  session.print(`Configuration ${end.generation} is in force; ${count(end.changes.length, 'setting')} changed.`);
  for (const change of end.changes)
    session.print(
      `  ${change.key}: ${change.from} -> ${change.to}${change.restart ? session.paint('yellow', '  (takes effect at a restart)') : ''}`,
    );
}

/** Whether mail by a way greets with a name of the way's own. */
function namesItself(way: Exclude<Way, 'direct'>, usual: string): boolean {
  return way.greetingName !== undefined && way.greetingName !== usual;
}

/** Which way, from which address, and under what TLS mail goes there. */
function transportInWords(terms: RelayTerms): string {
  const { proxies = [], source4, source6, tls, proxyHeader, greetingName } = terms;
  const sources = [source4, source6].filter((source) => source !== undefined);
  const direct = `direct, from ${sources.length === 0 ? 'the address that the system chooses' : sources.join(' or ')}`;
  const ways = proxies.map((way) => {
    if (way === 'direct') return direct;
    const where = way.resolve === 'proxy' ? 'there' : 'here';
    const what = way.kind === 'ssh-gateway' ? `from the gateway ${way.name}` : `by the ${way.kind} proxy ${way.name}`;
    const share = way.kind === 'ssh-gateway' || way.weight === undefined ? '' : `, weight ${way.weight}`;
    const name = namesItself(way, greetingName) ? `, EHLO ${way.greetingName}` : '';
    return `${what} (names are looked up ${where}${share}${name})`;
  });
  const header = proxyHeader === undefined ? '' : `; begins with a PROXY header ${proxyHeader}`;
  // A way with a name of its own has said it.
  const usual = proxies.length === 0 || proxies.some((way) => way === 'direct' || !namesItself(way, greetingName));
  const name = usual ? `; EHLO ${greetingName}` : '';
  return `${ways.length === 0 ? direct : ways.join(', else ')}${name}; TLS ${tls}${header}`;
}

/** What chose the next hop. */
function ruleInWords(rule: RouteRule): string {
  if (rule.kind === 'ours') return 'the domain is ours';
  if (rule.kind === 'default') return 'no address space fits: the MX of the domain';
  const { index, match, senders, cost, via } = rule.space;
  const scope =
    senders === undefined ? '' : `, senders ${senders.slice(0, 5).join(' ')}${senders.length > 5 ? ' ...' : ''}`;
  return `address space ${index + 1}: '${match}'${scope}, cost ${cost} -> ${via}`;
}

function printRoute(session: CliSession, { recipient, resolution, targets }: RouteExplanation): void {
  const how =
    resolution.kind === 'ours'
      ? `ours (${resolution.how})`
      : 'why' in resolution
        ? `${resolution.kind}: ${resolution.why}`
        : resolution.kind;
  session.print(`${recipient}: ${how}`);
  for (const { mailbox, rule, nextHop, route } of targets) {
    session.print(`  ${mailbox} -> ${nextHop}: ${route.reason}`);
    session.print(`    rule: ${ruleInWords(rule)}`);
    if (route.kind === 'relay') {
      for (const host of route.hosts) session.print(`    ${host.name} port ${host.port}  ${host.addresses.join(', ')}`);
      session.print(`    ${transportInWords(route.terms)}`);
    }
    if ('reply' in route) session.print(`    ${printReply(route.reply)}`);
  }
}

/** status, reload, stop, levels, route. */
export function serviceCommands(root: Command, session: CliSession): void {
  root
    .command('run')
    .description('start the service in the foreground; Ctrl-C or SIGTERM stops it cleanly')
    .action((_options: unknown, command: Command) => {
      session.fail(2, 'the service is started by the program itself, not here', command);
    });
  root
    .command('status')
    .option('--all', 'show the parts that are well too')
    .description(
      'one screen: how the service is, every part that is not well with its cause and cure, what listens where',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  ims status\n  ims status --all                     also the parts that are well\n  ims status --json | jq -r .verdict',
    )
    .action(async (_options: unknown, command: Command) => {
      const status = await session.ask<StatusResult>(command, 'status', {});
      if (status === undefined) return;
      const { json, all } = globals<{ all?: boolean }>(command);
      if (json === true) session.json(status);
      else printStatus(session, status, all === true);
    });
  root
    .command('reload')
    .description('apply the configuration file: whole, or not at all; names settings that need a restart')
    .addHelpText('after', '\nExamples:\n  ims config check && ims reload\n\nA SIGHUP to the service does the same.')
    .action(async (_options: unknown, command: Command) => {
      const end = await session.tryAsk(command, 'reload', {});
      if ('kind' in end) return session.unreachable(command, end);
      const result = session.result<ReloadEnd & { kind: 'applied' }>(command, end);
      if (!end.ok && globals(command).json !== true) await printProblems(session, end.error.details);
      if (result === undefined) return;
      if (globals(command).json === true) session.json(result);
      else printReload(session, result);
    });
  root
    .command('stop')
    .description('stop the service cleanly: sessions end after their message, attempts are waited for')
    .addHelpText('after', '\nExample:\n  ims stop')
    .action(async (_options: unknown, command: Command) => {
      const result = await session.ask(command, 'stop', {});
      if (result === undefined) return;
      if (globals(command).json === true) session.json(result);
      else session.print('The service is stopping.');
    });
  levelsCommand(root, session);
  root
    .command('route')
    .description('where mail to an address would go now, and why')
    .usage('[explain] <address> [--from <address>]')
    .argument('<words...>', 'the recipient')
    .addOption(new Option('--from <address>', 'the sender, where address spaces depend on it'))
    .addHelpText(
      'after',
      '\nExamples:\n  ims route alice@example.com\n  ims route alice@example.com --from bob@example.test',
    )
    .action(async (words: readonly string[], _options: unknown, command: Command) => {
      const { json, from } = globals<{ from?: string }>(command);
      const [recipient = '', ...more] = words[0] === 'explain' ? words.slice(1) : words;
      if (recipient === '' || more.length > 0) return session.fail(exitCodes.usage, 'name one address', command);
      const result = await session.ask<RouteExplanation>(command, 'route.explain', { recipient, sender: from });
      if (result === undefined) return;
      if (json === true) session.json(result);
      else printRoute(session, result);
    });
}

async function printProblems(session: CliSession, details: unknown): Promise<void> {
  if (typeof details !== 'object' || details === null || !('problems' in details) || !Array.isArray(details.problems))
    return;
  const { printProblem } = await import('../../config/problem.ts');
  for (const problem of details.problems)
    session.io.stderr.write(`${printProblem(problem as Parameters<typeof printProblem>[0])}\n`);
}

function levelsCommand(root: Command, session: CliSession): void {
  root
    .command('levels')
    .description('show the logging levels, or set some until the next reload')
    .argument('[category=level...]', 'such as smtp-dialogue=maximum; levels: none, minimum, medium, maximum')
    .addHelpText(
      'after',
      '\nExamples:\n  ims levels\n  ims levels smtp-dialogue=maximum     shows each refused SMTP command in the events\n  ims levels smtp-dialogue=minimum     and ends that',
    )
    .action(async (pairs: readonly string[], _options: unknown, command: Command) => {
      const set = Object.fromEntries(
        pairs.map((pair) => [pair.slice(0, Math.max(0, pair.indexOf('='))), pair.slice(pair.indexOf('=') + 1)]),
      );
      const result = await session.ask<Readonly<Record<string, string>>>(
        command,
        'levels',
        pairs.length === 0 ? {} : { set },
      );
      if (result === undefined) return;
      if (globals(command).json === true) session.json(result);
      else session.print(table([{ title: 'CATEGORY' }, { title: 'LEVEL' }], Object.entries(result), session.width));
    });
}
