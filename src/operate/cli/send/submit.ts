import type { Clock } from '../../../world/ports/clock.ts';
import type { Network } from '../../../world/ports/network.ts';
import { Dialogue, type PlainReply, type Show } from './dialogue.ts';
import { dotStuff } from './message.ts';

/** A message to hand over, and to whom. */
export interface Submission {
  readonly address: string;
  readonly port: number;
  readonly tls: 'none' | 'starttls' | 'implicit';
  readonly lmtp: boolean;
  readonly greetingName: string;
  readonly login?: { readonly user: string; readonly password: string };
  readonly from: string;
  readonly to: readonly string[];
  readonly content: Buffer;
}

/** What the server said to it. */
export interface SubmissionEnd {
  readonly accepted: boolean;
  /** The step that decided. */
  readonly step: string;
  readonly replies: readonly string[];
  readonly refusedRecipients: readonly string[];
}

const CONNECT_TIMEOUT_MS = 10_000;
const TLS_TIMEOUT_MS = 15_000;

const printed = (reply: PlainReply): string => `${reply.code} ${reply.lines.join(' / ')}`;
const good = (reply: PlainReply): boolean => reply.code >= 200 && reply.code < 400;

interface Carrying {
  readonly submission: Submission;
  readonly dialogue: Dialogue;
  readonly startTls: () => Promise<void>;
}

const refused = (step: string, reply: PlainReply, refusedRecipients: readonly string[] = []): SubmissionEnd => ({
  accepted: false,
  step,
  replies: [printed(reply)],
  refusedRecipients,
});

/** Greets, turns TLS on, logs in; undefined where all of it went well. */
async function open({ submission, dialogue, startTls }: Carrying): Promise<SubmissionEnd | undefined> {
  const greeting = await dialogue.reply();
  if (!good(greeting)) return refused('greeting', greeting);
  const hello = `${submission.lmtp ? 'LHLO' : 'EHLO'} ${submission.greetingName}`;
  let offer = await dialogue.command(hello);
  if (!good(offer)) return refused('EHLO', offer);
  if (submission.tls === 'starttls') {
    const ready = await dialogue.command('STARTTLS');
    if (!good(ready)) return refused('STARTTLS', ready);
    await startTls();
    offer = await dialogue.command(hello);
    if (!good(offer)) return refused('EHLO', offer);
  }
  if (submission.login === undefined) return undefined;
  const { user, password } = submission.login;
  const secret = Buffer.from(`\0${user}\0${password}`).toString('base64');
  const login = await dialogue.command(`AUTH PLAIN ${secret}`, 'AUTH PLAIN (user name and password)');
  return good(login) ? undefined : refused('AUTH', login);
}

async function transaction({ submission, dialogue }: Carrying): Promise<SubmissionEnd> {
  const eightBit = submission.content.some((octet) => octet > 127);
  const mail = await dialogue.command(`MAIL FROM:<${submission.from}>${eightBit ? ' BODY=8BITMIME' : ''}`);
  if (!good(mail)) return refused('MAIL', mail);
  const bad: string[] = [];
  let last: PlainReply | undefined;
  for (const recipient of submission.to) {
    const rcpt = await dialogue.command(`RCPT TO:<${recipient}>`);
    if (good(rcpt)) continue;
    bad.push(recipient);
    last = rcpt;
  }
  if (last !== undefined && bad.length === submission.to.length) return refused('RCPT', last, bad);
  const start = await dialogue.command('DATA');
  if (start.code !== 354) return refused('DATA', start, bad);
  const ends = [await dialogue.content(dotStuff(submission.content))];
  // LMTP answers once for every accepted recipient (RFC 2033 §4.2).
  const more = submission.lmtp ? submission.to.length - bad.length - 1 : 0;
  for (let i = 0; i < more; i += 1) ends.push(await dialogue.reply());
  return {
    accepted: bad.length === 0 && ends.every(good),
    step: 'end of data',
    replies: ends.map(printed),
    refusedRecipients: bad,
  };
}

/** Hands one message over, showing the dialogue. Rejects where no connection comes about or it ends too early. */
export async function submit(
  world: { readonly network: Pick<Network, 'dial'>; readonly clock: Pick<Clock, 'after'> },
  submission: Submission,
  show: Show,
): Promise<SubmissionEnd> {
  const { address, port, tls } = submission;
  show('*', `connecting to ${address}${port === 0 ? '' : ` port ${port}`}`);
  const stream = await world.network.dial({ address, port, timeoutMs: CONNECT_TIMEOUT_MS });
  const startTls = async (): Promise<void> => {
    const facts = await stream.startTlsClient({ serverName: '', timeoutMs: TLS_TIMEOUT_MS });
    show(
      '*',
      `${facts.version}, ${facts.cipher}; certificate ${facts.verified === true ? 'verified' : `not verified (${facts.failure ?? 'not asked'})`}`,
    );
  };
  const dialogue = new Dialogue(stream, world.clock, show);
  try {
    if (tls === 'implicit') await startTls();
    dialogue.start();
    const carrying = { submission, dialogue, startTls };
    const end = (await open(carrying)) ?? (await transaction(carrying));
    await dialogue.command('QUIT');
    dialogue.close();
    return end;
  } catch (error) {
    stream.destroy();
    throw error;
  }
}
