import { Option, type Command } from 'commander';
import type { PolicyAnswer } from '../../../flow/policy/explain.ts';
import { printReply } from '../../../mail/reply.ts';
import { printSenderCheck } from '../../../mail/sender-check.ts';
import type { RouteRow } from '../../actions/explain.ts';
import { type CliSession, globals } from '../session.ts';
import { table } from '../table.ts';

function routesCommand(root: Command, session: CliSession): void {
  root
    .command('routes')
    .description('all routes, in the order in which they are looked at')
    .addHelpText(
      'after',
      '\nExamples:\n  ims routes\n  ims route alice@example.com     where one address goes, with its hosts',
    )
    .action(async (_options: unknown, command: Command) => {
      const rows = await session.ask<readonly RouteRow[]>(command, 'routes', {});
      if (rows === undefined) return;
      if (globals(command).json === true) return session.json(rows);
      const columns = [
        { title: 'MATCH' },
        { title: 'COST', align: 'right' as const },
        { title: 'SENDERS' },
        { title: 'VIA' },
        { title: 'THAT IS', flexible: true },
      ];
      const cells = rows.map(({ match, cost, senders, via, reason }) => [
        match,
        cost === undefined ? '' : String(cost),
        senders.length === 0 ? 'all' : senders.join(' '),
        via,
        reason,
      ]);
      session.print(table(columns, cells, session.width));
    });
}

function printAnswer(session: CliSession, client: string, answer: PolicyAnswer): void {
  const { blockedBy, localBy, trusted, connection, sender, recipient, checks } = answer;
  if (localBy !== undefined) session.print(`${client} is in the local network ${localBy}`);
  if (blockedBy !== undefined) session.print(`${client} is in the blocked network ${blockedBy}`);
  if (localBy === undefined && blockedBy === undefined) session.print(`${client} is in no network of the settings`);
  session.print(`It may ${trusted ? '' : 'not '}relay without a login.`);
  session.print(connection === undefined ? 'It is greeted.' : `It gets no banner but: ${printReply(connection)}`);
  session.print(`MAIL is answered: ${printReply(sender)}`);
  for (const check of checks) session.print(`${printSenderCheck(check)}.`);
  if (recipient !== undefined) session.print(`RCPT is answered: ${printReply(recipient)}`);
}

/** routes, explain. */
export function explainCommands(root: Command, session: CliSession): void {
  routesCommand(root, session);
  root
    .command('explain')
    .description('what a client would be answered, and by which network or rule')
    .argument('<client>', 'its IP address')
    .addOption(new Option('--from <address>', "the sender; '<>' for a report"))
    .addOption(new Option('--to <address>', 'the recipient'))
    .addOption(new Option('--account <name>', 'as if it had logged in'))
    .addHelpText(
      'after',
      '\nExamples:\n  ims explain 192.0.2.7\n  ims explain 192.0.2.7 --from a@example.net --to alice@example.com',
    )
    .action(async (client: string, _options: unknown, command: Command) => {
      const { json, from, to, account } = globals<{ from?: string; to?: string; account?: string }>(command);
      const given = {
        client,
        sender: from,
        recipient: to,
        account,
        profile: account === undefined ? 'mx' : 'submission',
      };
      const input = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
      const answer = await session.ask<PolicyAnswer>(command, 'policy.explain', input);
      if (answer === undefined) return;
      if (json === true) session.json(answer);
      else printAnswer(session, client, answer);
    });
}
