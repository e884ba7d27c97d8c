import { Option, type Command } from 'commander';
import { errnoOf } from '../../../events/fault.ts';
import { exitCodes } from '../exit-codes.ts';
import { askSecret, readAll } from '../io.ts';
import { type CliSession, globals } from '../session.ts';
import type { Choice, Target } from '../send/target.ts';
import type { StatusResult } from '../../actions/things.ts';

interface SendOptions {
  readonly from?: string;
  readonly to?: readonly string[];
  readonly subject: string;
  readonly body?: string;
  readonly file?: string;
  readonly server?: string;
  readonly submit?: string;
  readonly passwordFile?: string;
  readonly tls?: boolean | 'starttls' | 'implicit' | 'none';
  readonly lmtp?: boolean;
  readonly quiet?: boolean;
}

const BODY = 'This is a test message, made by `ims send`.\n';

/** Where to send, from the options or from the running service; undefined where the reason has been said. */
async function findTarget(
  session: CliSession,
  command: Command,
  options: SendOptions,
): Promise<{ readonly target: Target; readonly status: StatusResult | undefined } | undefined> {
  const { chooseListener, parseServer } = await import('../send/target.ts');
  const tls =
    options.tls === true
      ? 'starttls'
      : options.tls === false || options.tls === undefined
        ? options.submit === undefined
          ? 'none'
          : 'starttls'
        : options.tls;
  let status: StatusResult | undefined;
  let choice: Choice;
  if (options.server === undefined) {
    status = await session.ask<StatusResult>(command, 'status', {});
    if (status === undefined) return undefined;
    choice = chooseListener(status.listeners, options.submit !== undefined, options.lmtp === true);
  } else choice = parseServer(options.server, tls);
  if (!choice.ok) {
    session.fail(exitCodes.usage, choice.why, command);
    return undefined;
  }
  const wanted = options.tls === undefined ? choice.target.tls : tls;
  return { target: { ...choice.target, tls: wanted, lmtp: choice.target.lmtp || options.lmtp === true }, status };
}

/** Without a login only mail for the service's own domains is taken: better said before the server says it. */
function relayHint(options: SendOptions, status: StatusResult | undefined): string | undefined {
  if (status === undefined || options.submit !== undefined) return undefined;
  const ours = new Set(status.domains.map((domain) => domain.toLowerCase()));
  const others = (options.to ?? []).filter((to) => !ours.has(to.slice(to.lastIndexOf('@') + 1).toLowerCase()));
  return others.length === 0
    ? undefined
    : `${others.join(', ')} is not in a domain of this service, so without a login it will be refused; --submit USER logs in.`;
}

async function readContent(session: CliSession, options: SendOptions, from: string): Promise<Buffer | undefined> {
  const { composeMessage, messageFromFile } = await import('../send/message.ts');
  const { io } = session;
  if (options.file === '-') {
    const octets = await readAll(io.stdin);
    return octets === undefined ? undefined : messageFromFile(octets);
  }
  if (options.file !== undefined) return messageFromFile(await io.world.disk.readFile(options.file));
  const unique = `${io.world.clock.wall().toString(36)}.${io.world.random.bytes(9).toString('hex')}`;
  return composeMessage({
    from,
    to: options.to ?? [],
    subject: options.subject,
    body: options.body ?? BODY,
    atMs: io.world.clock.wall(),
    unique,
  });
}

async function readLogin(
  session: CliSession,
  options: SendOptions,
  from: string,
): Promise<{ user: string; password: string } | undefined> {
  if (options.submit === undefined) return undefined;
  const domain = from.slice(from.lastIndexOf('@') + 1);
  const user = options.submit.includes('@') || domain === '' ? options.submit : `${options.submit}@${domain}`;
  if (options.passwordFile === undefined)
    return { user, password: (await askSecret(session.io, `Password of ${user}: `)) ?? '' };
  const text = (await session.io.world.disk.readFile(options.passwordFile)).toString('utf8');
  return { user, password: text.split(/\r?\n/, 1)[0] ?? '' };
}

function senderOf(options: SendOptions, status: StatusResult | undefined): string {
  if (options.from !== undefined) return options.from;
  if (options.submit?.includes('@') === true) return options.submit;
  const domain = status?.domains[0];
  if (domain !== undefined) return `${options.submit ?? 'postmaster'}@${domain}`;
  return options.submit === undefined ? '' : options.submit;
}

async function runSend(session: CliSession, command: Command): Promise<void> {
  const options = globals<SendOptions>(command);
  const { io } = session;
  const bad = [
    ...(options.to ?? []),
    ...(options.from === undefined || options.from === '' ? [] : [options.from]),
  ].find((text) => /[\s<>\0-\x1f\x7f]/.test(text) || !text.includes('@'));
  if (bad !== undefined) return session.fail(exitCodes.usage, `'${bad}' is not an address`, command);
  const found = await findTarget(session, command, options);
  if (found === undefined) return;
  const { target, status } = found;
  const hint = relayHint(options, status);
  if (hint !== undefined) io.stderr.write(`${hint}\n`);
  const from = senderOf(options, status);
  try {
    const content = await readContent(session, options, from);
    if (content === undefined) return session.fail(exitCodes.usage, 'the message is too large for a test', command);
    const login = await readLogin(session, options, from);
    const { submit } = await import('../send/submit.ts');
    const silent = options.quiet === true || options.json === true;
    const show = (who: string, line: string): void => {
      if (!silent)
        session.print(
          who === '*'
            ? session.paint('dim', `*  ${line}`)
            : `${session.paint(who === 'S' ? 'green' : 'bold', `${who}:`)} ${line}`,
        );
    };
    const end = await submit(
      io.world,
      {
        ...target,
        greetingName: status?.name ?? '[127.0.0.1]',
        from,
        to: options.to ?? [],
        content,
        ...(login === undefined ? {} : { login }),
      },
      show,
    );
    session.code = end.accepted ? exitCodes.ok : exitCodes.negative;
    if (options.json === true)
      return session.json({ from, to: options.to, server: `${target.address}:${target.port}`, ...end });
    if (!end.accepted)
      return session.print(session.paint('red', `Not accepted (${end.step}): ${end.replies.join('; ')}`));
    session.print(session.paint('green', 'Accepted.'));
    session.print(`What happens to it: ims trace ${options.to?.[0] ?? ''}`);
  } catch (error) {
    // The frontier of this command: the network or a file failed.
    const code = errnoOf(error);
    const what =
      code === 'ECONNREFUSED'
        ? `nobody listens at ${target.address} port ${target.port}`
        : error instanceof Error
          ? error.message
          : String(error);
    session.fail(exitCodes.failed, what, command);
  }
}

/** send. */
export function sendCommands(root: Command, session: CliSession): void {
  root
    .command('send')
    .description('send a test message over SMTP and show the dialogue')
    .addOption(new Option('--to <address...>', 'recipients').makeOptionMandatory())
    .addOption(
      new Option(
        '--from <address>',
        "the sender; default: the user, or postmaster of the service's first domain; '' for none",
      ),
    )
    .addOption(new Option('--subject <text>', 'its subject').default('Test message'))
    .addOption(new Option('--body <text>', 'its text'))
    .addOption(
      new Option('--file <file>', 'send this message as it is; - reads it from standard input').conflicts('body'),
    )
    .addOption(new Option('--submit <user>', 'log in as this user at the submission listener'))
    .addOption(
      new Option('--password-file <file>', 'the password is the first line of this file; without it, it is asked for'),
    )
    .addOption(new Option('--server <address:port>', "another server than the running service's listeners"))
    .addOption(new Option('--tls [how]', 'use TLS').choices(['starttls', 'implicit', 'none']))
    .addOption(new Option('--lmtp', 'speak LMTP'))
    .addOption(new Option('--quiet', 'show the result only'))
    .addHelpText(
      'after',
      '\nExamples:\n  ims send --to bob@example.test\n  ims send --to bob@example.test --subject Hello --body "How are you?"\n  ims send --submit alice@example.test --to somebody@example.com\n  ims send --server 127.0.0.1:2525 --from a@example.com --to bob@example.test --file message.eml',
    )
    .action((_options: unknown, command: Command) => runSend(session, command));
}
