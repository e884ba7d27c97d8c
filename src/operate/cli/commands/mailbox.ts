import { Option, type Command } from 'commander';
import type { ActionEnd } from '../../control/server.ts';
import type { MailboxContext } from '../../actions/mailboxes.ts';
import type { FolderCounts, MaildirMessage } from '../../actions/maildirs.ts';
import { exitCodes } from '../exit-codes.ts';
import { findConfigurationFile, noConfigurationText } from '../find-service.ts';
import { type CliSession, globals } from '../session.ts';
import { table } from '../table.ts';
import { showBytes, showTime } from '../text.ts';

interface ListResult {
  readonly mailboxes?: readonly {
    readonly mailbox: string;
    readonly maildir?: string;
    readonly folders: readonly FolderCounts[];
  }[];
  readonly mailbox?: string;
  readonly folders?: readonly FolderCounts[];
  readonly messages?: readonly MaildirMessage[];
}

/** The configuration that is in force without a service: the file. */
async function contextFromFile(session: CliSession, command: Command): Promise<MailboxContext | undefined> {
  const file = await findConfigurationFile(session.io, globals(command).config);
  if (file === undefined) {
    session.fail(exitCodes.usage, noConfigurationText(), command);
    return undefined;
  }
  const { loadConfigurationFile } = await import('../../config/load-file.ts');
  const { loaded } = await loadConfigurationFile(session.io.world.disk, file);
  if (loaded.ok) return { settings: () => loaded.settings, disk: session.io.world.disk };
  session.fail(exitCodes.negative, `${file} has errors; \`ims config check\` shows them`, command);
  return undefined;
}

/** Asks the service, and does it here where none runs. */
async function askOrDo(
  session: CliSession,
  command: Command,
  action: 'mailbox.list' | 'mailbox.show',
  input: { mailbox?: string; folder: string; most?: number; message?: string },
): Promise<ActionEnd | undefined> {
  const end = await session.tryAsk(command, action, input);
  if (!('kind' in end)) return end;
  if (end.kind !== 'no-service') {
    session.unreachable(command, end);
    return undefined;
  }
  const context = await contextFromFile(session, command);
  if (context === undefined) return undefined;
  const { listMailboxes, showMessage } = await import('../../actions/mailboxes.ts');
  const { mailbox, folder, most, message } = input;
  if (action === 'mailbox.show')
    return showMessage(context, { mailbox: mailbox ?? '', folder, message: message ?? '1' });
  return listMailboxes(context, { folder, most: most ?? 20, ...(mailbox === undefined ? {} : { mailbox }) });
}

function printMailboxes(session: CliSession, mailboxes: NonNullable<ListResult['mailboxes']>): void {
  const rows = mailboxes.map(({ mailbox, maildir, folders }) => {
    const inbox = folders.find((one) => one.folder === 'INBOX');
    return [mailbox, String(inbox?.unread ?? 0), String(inbox?.read ?? 0), maildir ?? '(not kept here)'];
  });
  session.print(
    table(
      [
        { title: 'MAILBOX' },
        { title: 'NEW', align: 'right' },
        { title: 'READ', align: 'right' },
        { title: 'MAILDIR', flexible: true },
      ],
      rows,
      session.width,
    ),
  );
}

function printMessages(session: CliSession, { folders = [], messages = [] }: ListResult): void {
  if (messages.length === 0) return session.print('No messages.');
  const rows = messages.map((one, i) => [
    String(i + 1),
    one.unread ? 'N' : '',
    showTime(one.arrivedAtMs),
    showBytes(one.sizeBytes),
    one.from,
    one.subject,
  ]);
  session.print(
    table(
      [
        { title: '#', align: 'right' },
        { title: '' },
        { title: 'ARRIVED' },
        { title: 'SIZE', align: 'right' },
        { title: 'FROM' },
        { title: 'SUBJECT', flexible: true },
      ],
      rows,
      session.width,
    ),
  );
  const others = folders
    .filter((one) => one.folder !== 'INBOX' && one.unread + one.read > 0)
    .map((one) => `${one.folder} (${one.unread + one.read})`);
  if (others.length > 0) session.print(`Other folders: ${others.join(', ')}`);
}

/** What of a message may go to a terminal: control characters could move the cursor or worse. */
function shown(text: string, terminal: boolean): string | Buffer {
  const octets = Buffer.from(text, 'latin1');
  return terminal
    ? octets
        .toString('utf8')
        .replaceAll('\r\n', '\n')
        .replace(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, '?')
    : octets;
}

async function runShow(session: CliSession, command: Command, mailbox: string, message: string): Promise<void> {
  const { json, header, folder } = globals<{ header?: boolean; folder: string }>(command);
  const end = await askOrDo(session, command, 'mailbox.show', { mailbox, folder, message });
  const result = end === undefined ? undefined : session.result<{ file: string; text: string }>(command, end);
  if (result === undefined) return;
  const cut = /\r?\n\r?\n/.exec(result.text);
  const text = header === true && cut !== null ? `${result.text.slice(0, cut.index)}\n` : result.text;
  if (json === true) return session.json({ ...result, text: Buffer.from(text, 'latin1').toString('utf8') });
  const out = shown(text, session.io.stdout.isTTY === true);
  session.io.stdout.write(out as string);
}

/** mailbox list and show. */
export function mailboxCommands(root: Command, session: CliSession): void {
  const mailbox = root.command('mailbox').description('look into local Maildirs; works without a running service too');
  mailbox
    .command('list')
    .description('the mailboxes, or the newest messages of one')
    .argument('[mailbox]', 'an address, or its local part')
    .addOption(new Option('--folder <name>', 'a folder of the mailbox').default('INBOX'))
    .addOption(new Option('--most <n>', 'how many messages').argParser(Number).default(20))
    .addHelpText('after', '\nExamples:\n  ims mailbox list\n  ims mailbox list bob@example.test')
    .action(async (name: string | undefined, _options: unknown, command: Command) => {
      const { json, folder, most } = globals<{ folder: string; most: number }>(command);
      const end = await askOrDo(session, command, 'mailbox.list', {
        folder,
        most,
        ...(name === undefined ? {} : { mailbox: name }),
      });
      const result = end === undefined ? undefined : session.result<ListResult>(command, end);
      if (result === undefined) return;
      if (json === true) session.json(result);
      else if (result.mailboxes !== undefined) printMailboxes(session, result.mailboxes);
      else printMessages(session, result);
    });
  mailbox
    .command('show')
    .description('one message, unchanged')
    .argument('<mailbox>', 'an address, or its local part')
    .argument('[message]', 'its number in the list, 1 the newest, or its file name', '1')
    .addOption(new Option('--folder <name>', 'a folder of the mailbox').default('INBOX'))
    .addOption(new Option('--header', 'only the header section'))
    .addHelpText('after', '\nExamples:\n  ims mailbox show bob@example.test\n  ims mailbox show bob 2 --header')
    .action((name: string, message: string, _options: unknown, command: Command) =>
      runShow(session, command, name, message),
    );
}
