import { basename, join } from 'node:path';
import { errnoOf } from '../../events/fault.ts';
import { localDelivery } from '../../flow/recipients/local-delivery.ts';
import { localKey } from '../../flow/recipients/local-table.ts';
import { domainKey } from '../../mail/mailbox.ts';
import type { Settings } from '../../settings/index.ts';
import type { Disk } from '../../world/ports/disk.ts';
import { shownHeader, type ShownHeader } from './header-text.ts';
import { HEADER_BYTES_MAX, MAILBOX_FILES_MAX, MAILBOXES_MAX, SHOWN_BYTES_MAX } from './limits.ts';

type ReadingDisk = Pick<Disk, 'open' | 'list' | 'entry'>;

/** A mailbox of ours and the Maildir that holds its mail; undefined where its mail goes elsewhere. */
export interface MailboxPlace {
  readonly mailbox: string;
  readonly maildir: string | undefined;
}

/** One folder of a Maildir. */
export interface FolderCounts {
  readonly folder: string;
  readonly unread: number;
  readonly read: number;
}

/** One message of a Maildir. */
export interface MaildirMessage extends ShownHeader {
  readonly folder: string;
  readonly file: string;
  readonly unread: boolean;
  readonly sizeBytes: number;
  readonly arrivedAtMs: number;
}

/** The mailboxes of the configuration with their Maildirs. */
export function mailboxPlaces({ domains, delivery, server }: Settings): readonly MailboxPlace[] {
  const places = { dataDirectory: server.data, maildirTemplate: delivery.maildir };
  const out: MailboxPlace[] = [];
  for (const [domain, settings] of Object.entries(domains)) {
    for (const [local, mailbox] of Object.entries(settings.mailboxes)) {
      if (out.length >= MAILBOXES_MAX) return out;
      const configured = mailbox.delivery ?? (settings.lmtp === undefined ? undefined : { lmtp: settings.lmtp });
      const place = localDelivery(places, domainKey(domain.toLowerCase()), localKey(local), configured);
      out.push({ mailbox: `${local}@${domain}`, maildir: place.kind === 'maildir' ? place.path : undefined });
    }
  }
  return out;
}

async function names(disk: ReadingDisk, directory: string): Promise<readonly string[]> {
  try {
    return (await disk.list(directory)).filter((name) => !name.startsWith('.')).slice(0, MAILBOX_FILES_MAX);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** The folders of a Maildir with the number of messages in each; empty where nothing has been delivered yet. */
export async function maildirFolders(disk: ReadingDisk, maildir: string): Promise<readonly FolderCounts[]> {
  if ((await disk.entry(maildir)) === undefined) return [];
  const below = (await disk.list(maildir)).filter((name) => /^\.[^.]/.test(name)).sort();
  const out: FolderCounts[] = [];
  for (const folder of ['', ...below]) {
    const [unread, read] = [
      await names(disk, join(maildir, folder, 'new')),
      await names(disk, join(maildir, folder, 'cur')),
    ];
    out.push({ folder: folder === '' ? 'INBOX' : folder.slice(1), unread: unread.length, read: read.length });
  }
  return out;
}

async function readStart(disk: ReadingDisk, path: string, most: number): Promise<Buffer> {
  const file = await disk.open(path, 'read');
  try {
    const into = Buffer.alloc(Math.min(most, await file.size()));
    let length = 0;
    while (length < into.length) {
      const count = await file.read(into, length, into.length - length, length);
      if (count === 0) break;
      length += count;
    }
    return into.subarray(0, length);
  } finally {
    await file.close();
  }
}

const folderPath = (maildir: string, folder: string): string =>
  folder === 'INBOX' ? maildir : join(maildir, `.${basename(folder)}`);

interface Found {
  readonly path: string;
  readonly file: string;
  readonly unread: boolean;
  readonly sizeBytes: number;
  readonly arrivedAtMs: number;
}

async function filesOf(disk: ReadingDisk, maildir: string, folder: string): Promise<readonly Found[]> {
  const out: Found[] = [];
  for (const [where, unread] of [
    ['new', true],
    ['cur', false],
  ] as const) {
    for (const file of await names(disk, join(folderPath(maildir, folder), where))) {
      const path = join(folderPath(maildir, folder), where, file);
      const entry = await disk.entry(path);
      if (entry?.kind === 'file')
        out.push({ path, file, unread, sizeBytes: entry.sizeBytes, arrivedAtMs: entry.modifiedMs });
    }
  }
  return out.sort((a, b) => b.arrivedAtMs - a.arrivedAtMs || (a.file < b.file ? 1 : -1));
}

/** The newest messages of a folder, newest first. */
export async function maildirMessages(
  disk: ReadingDisk,
  maildir: string,
  folder: string,
  most: number,
): Promise<readonly MaildirMessage[]> {
  const files = (await filesOf(disk, maildir, folder)).slice(0, most);
  const out: MaildirMessage[] = [];
  for (const { path, ...rest } of files)
    out.push({ folder, ...rest, ...shownHeader(await readStart(disk, path, HEADER_BYTES_MAX)) });
  return out;
}

/** The octets of one message: by file name (or its beginning), or by number, 1 the newest. */
export async function maildirMessage(
  disk: ReadingDisk,
  maildir: string,
  folder: string,
  which: string,
): Promise<{ readonly file: string; readonly octets: Buffer } | undefined> {
  const files = await filesOf(disk, maildir, folder);
  const found = /^\d{1,7}$/.test(which) ? files[Number(which) - 1] : files.find((one) => one.file.startsWith(which));
  return found === undefined
    ? undefined
    : { file: found.file, octets: await readStart(disk, found.path, SHOWN_BYTES_MAX) };
}
