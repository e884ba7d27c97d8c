/** The mail of a power-cut test: every way that a message can end, in several sizes, from several sessions at once. */
import { SmtpLine } from '../../support/ledger-client.ts';

/** One message, as its sender knows it. */
export interface SentMessage {
  readonly name: string;
  /** A mailbox of the service, so that a report of a failure has somewhere to go. */
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly body: string;
  /** From the 250; undefined where none came. */
  queueId?: string;
}

/** How a recipient must end, which its local part says. */
export type Fate = 'maildir' | 'taken' | 'refused';

export const LOCAL_DOMAIN = 'example.test';
const ALICE = `alice@${LOCAL_DOMAIN}`;
const BOB = `bob@${LOCAL_DOMAIN}`;

/** How a recipient must end. */
export function fateOf(recipient: string): Fate {
  if (recipient.endsWith(`@${LOCAL_DOMAIN}`)) return 'maildir';
  return recipient.startsWith('no-') ? 'refused' : 'taken';
}

/** What the next hop says to a command: 550 to the refused, 451 to the later ones when they are tried for the first time. */
export function nextHopAnswer(): (line: string) => string | undefined {
  const tried = new Set<string>();
  return (line) => {
    if (!line.startsWith('RCPT TO:<')) return undefined;
    if (line.startsWith('RCPT TO:<no-')) return '550 5.1.1 nobody here has that name';
    if (!line.startsWith('RCPT TO:<later-') || tried.has(line)) return undefined;
    tried.add(line);
    return '451 4.3.0 come again';
  };
}

const RECIPIENTS: ReadonlyArray<(name: string) => readonly string[]> = [
  () => [ALICE],
  (name) => [`ok-${name}@sink.test`],
  (name) => [`no-${name}@sink.test`],
  () => [ALICE, BOB],
  (name) => [`later-${name}@sink.test`],
  (name) => [`ok-${name}@sink.test`, `no-${name}@sink.test`, BOB],
  (name) => [`no-${name}@sink.test`, `later-${name}@sink.test`],
];
const SIZES = [300, 4096, 300, 4096, 70_000, 300, 4096, 300, 4096, 300, 4096, 70_000, 300, 300_000];

function makeMessage(number: number): SentMessage {
  const name = `m${number}`;
  const line = `${name} says the same again and again.\r\n`;
  const size = SIZES[Math.floor(number / RECIPIENTS.length) % SIZES.length] ?? 300;
  const body = `${line.repeat(Math.ceil(size / line.length))}end of ${name}\r\n`;
  const recipients = RECIPIENTS[number % RECIPIENTS.length]?.(name) ?? [];
  return { name, sender: number % 2 === 0 ? ALICE : BOB, recipients, body };
}

/** Sends so many messages over so many sessions, one thing at a time in each, so that a reply is one write of the service. */
export async function sendTraffic(port: number, messages: number, sessions: number): Promise<SentMessage[]> {
  const sent: SentMessage[] = [];
  const session = async (): Promise<void> => {
    const line = await SmtpLine.open(port);
    try {
      await line.expect(220);
      await line.say('EHLO client.test', 250);
      while (sent.length < messages) {
        const message = makeMessage(sent.length);
        sent.push(message);
        await sendMessage(line, message);
      }
      await line.say('QUIT', 221);
    } finally {
      line.close();
    }
  };
  await Promise.all(Array.from({ length: sessions }, session));
  return sent;
}

async function sendMessage(line: SmtpLine, message: SentMessage): Promise<void> {
  const { name, sender, recipients, body } = message;
  await line.say(`MAIL FROM:<${sender}>`, 250);
  for (const recipient of recipients) await line.say(`RCPT TO:<${recipient}>`, 250);
  await line.say('DATA', 354);
  const header = `From: <${sender}>\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <${messageIdOf(name)}>\r\nSubject: ${name}\r\n`;
  message.queueId = queueIdOf(await line.say(`${header}\r\n${body}.`, 250)) ?? '';
}

/** The Message-ID of a message, without brackets. */
export function messageIdOf(name: string): string {
  return `${name}@client.test`;
}

/** How every reply begins that takes responsibility for a message. */
export const ACCEPTED = '250 2.0.0 accepted as ';

/** The queue-id in such a reply. */
export function queueIdOf(reply: string): string | undefined {
  return /^250 2\.0\.0 accepted as (\S+)/.exec(reply)?.[1];
}
