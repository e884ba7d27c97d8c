import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { QueueRow } from '../../src/flow/queue/port.ts';
import { SmtpLine } from './ledger-client.ts';
import { until } from './programs.ts';
import type { TestService } from './service.ts';

/** A message as a scenario's client sends it. */
export interface PlainMessage {
  readonly from: string;
  readonly to: readonly string[];
  /** Header and body without dot-stuffing; lines end in CR LF. */
  readonly content: string;
  /** Parameters of MAIL, such as 'RET=HDRS ENVID=1'. */
  readonly mail?: string;
  /** Parameters of every RCPT. */
  readonly rcpt?: string;
}

/** The messages in a Maildir of example.test, in no order. */
export async function mailIn(service: TestService, mailbox: string): Promise<string[]> {
  const folder = join(service.directory, 'data/mail/example.test', mailbox, 'new');
  const names = await readdir(folder).catch(() => []);
  return Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
}

/** The messages in all Maildirs, in no order. */
export async function everyMail(service: TestService): Promise<string[]> {
  const folder = join(service.directory, 'data/mail');
  const names = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = names.filter((entry) => entry.isFile() && /\/(new|cur)$/.test(entry.parentPath));
  return Promise.all(files.map((entry) => readFile(join(entry.parentPath, entry.name), 'utf8')));
}

/** The messages that came in for a recipient, by their Received field. */
export async function mailFor(service: TestService, recipient: string): Promise<string[]> {
  return (await everyMail(service)).filter((text) => text.includes(`for <${recipient}>`));
}

/** Waits for a message in a Maildir of example.test that has the words. */
export function mailWith(service: TestService, mailbox: string, words: RegExp): Promise<string> {
  let seen: string[] = [];
  return until(
    () => `no mail of ${mailbox} has ${words}; there are:\n${seen.join('\n----\n')}`,
    async () => {
      seen = await mailIn(service, mailbox);
      return seen.find((mail) => words.test(mail));
    },
  );
}

/** Sends a message over a plain connection to loopback, and returns the last reply. */
export async function sendPlain(port: number, message: PlainMessage): Promise<string> {
  const line = await SmtpLine.open(port);
  const words = (parameters: string | undefined): string => (parameters === undefined ? '' : ` ${parameters}`);
  try {
    await line.expect(220);
    await line.say('EHLO client.test', 250);
    await line.say(`MAIL FROM:<${message.from}>${words(message.mail)}`, 250);
    for (const recipient of message.to) await line.say(`RCPT TO:<${recipient}>${words(message.rcpt)}`, 250);
    await line.say('DATA', 354);
    const reply = await line.say(`${message.content.replace(/^\./gm, '..')}.`, 250);
    await line.say('QUIT', 221);
    return reply;
  } finally {
    line.close();
  }
}

/** The deliveries in the queue, as `ims queue list --json` gives them. */
export async function queued(service: TestService, ...words: readonly string[]): Promise<readonly QueueRow[]> {
  const { code, stdout, stderr } = await service.ims('--json', 'queue', 'list', '--most', '500', ...words);
  if (code !== 0) throw new Error(`queue list: ${stderr}`);
  return (JSON.parse(stdout) as { readonly rows: readonly QueueRow[] }).rows;
}
