import { z } from 'zod';
import type { ActionEnd } from '../control/server.ts';
import { nearest } from '../config/index.ts';
import { defineAction, done, refused } from './action.ts';
import type { OperatorContext } from './context.ts';
import { MAILBOX_ROWS_MAX } from './limits.ts';
import { maildirFolders, maildirMessage, maildirMessages, mailboxPlaces } from './maildirs.ts';

/** What the mailbox actions need: they work without a running service too. */
export type MailboxContext = Pick<OperatorContext, 'settings' | 'disk'>;

const listInput = z.strictObject({
  mailbox: z.string().min(1).max(320).optional(),
  folder: z.string().min(1).max(255).default('INBOX'),
  most: z.number().int().min(1).max(MAILBOX_ROWS_MAX).default(20),
});

const showInput = z.strictObject({
  mailbox: z.string().min(1).max(320),
  folder: z.string().min(1).max(255).default('INBOX'),
  message: z.string().min(1).max(255).default('1'),
});

function findMailbox(
  context: MailboxContext,
  wanted: string,
):
  | { readonly ok: true; readonly mailbox: string; readonly maildir: string }
  | { readonly ok: false; readonly end: ActionEnd } {
  const places = mailboxPlaces(context.settings());
  const whole = wanted.toLowerCase();
  const found =
    places.find(({ mailbox }) => mailbox.toLowerCase() === whole) ??
    (whole.includes('@') ? undefined : places.find(({ mailbox }) => mailbox.toLowerCase().startsWith(`${whole}@`)));
  if (found === undefined) {
    const near = nearest(
      wanted,
      places.map(({ mailbox }) => mailbox),
    );
    return {
      ok: false,
      end: refused('not-found', `there is no mailbox ${wanted}${near === undefined ? '' : `; did you mean ${near}?`}`),
    };
  }
  if (found.maildir === undefined)
    return { ok: false, end: refused('not-found', `the mail of ${found.mailbox} is not kept in a Maildir of ours`) };
  return { ok: true, mailbox: found.mailbox, maildir: found.maildir };
}

/** Lists mailboxes, or the messages of one. */
export async function listMailboxes(
  context: MailboxContext,
  { mailbox, folder, most }: z.infer<typeof listInput>,
): Promise<ActionEnd> {
  if (mailbox === undefined) {
    const mailboxes: unknown[] = [];
    for (const place of mailboxPlaces(context.settings())) {
      mailboxes.push({
        ...place,
        folders: place.maildir === undefined ? [] : await maildirFolders(context.disk, place.maildir),
      });
    }
    return done({ mailboxes });
  }
  const found = findMailbox(context, mailbox);
  if (!found.ok) return found.end;
  const folders = await maildirFolders(context.disk, found.maildir);
  if (folder !== 'INBOX' && !folders.some((one) => one.folder === folder))
    return refused('not-found', `${found.mailbox} has no folder ${folder}`);
  return done({
    mailbox: found.mailbox,
    maildir: found.maildir,
    folder,
    folders,
    messages: await maildirMessages(context.disk, found.maildir, folder, most),
  });
}

/** Shows one message as it lies in the Maildir, as Latin-1 text: one character an octet. */
export async function showMessage(
  context: MailboxContext,
  { mailbox, folder, message }: z.infer<typeof showInput>,
): Promise<ActionEnd> {
  const found = findMailbox(context, mailbox);
  if (!found.ok) return found.end;
  const one = await maildirMessage(context.disk, found.maildir, folder, message);
  if (one === undefined)
    return refused(
      'not-found',
      `${found.mailbox} has no message ${message} in ${folder}; \`ims mailbox list ${found.mailbox}\` shows what is there`,
    );
  return done({ mailbox: found.mailbox, folder, file: one.file, text: one.octets.toString('latin1') });
}

/** Lists mailboxes, or the messages of one. */
export const mailboxList = defineAction({
  name: 'mailbox.list',
  summary: 'Lists the local mailboxes with the number of messages, or the newest messages of one.',
  changes: false,
  input: listInput,
  run: listMailboxes,
});

/** Shows one message of a local mailbox. */
export const mailboxShow = defineAction({
  name: 'mailbox.show',
  summary: 'Shows one message of a local mailbox.',
  changes: false,
  input: showInput,
  run: showMessage,
});
