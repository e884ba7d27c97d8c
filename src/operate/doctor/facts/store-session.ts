/** A session with a mail store that asks whom it takes mail for, and sends none. */
import { errnoOf } from '../../../events/fault.ts';
import { printPath } from '../../../mail/mailbox.ts';
import type { Parts } from '../check.ts';
import { farDialMs, replyMs } from '../limits.ts';
import { Dialogue, type DialogueReply } from './dialogue.ts';
import { addressesOf, dialAny, type SmartHost } from './smart-host-way.ts';

type Look = Pick<Parts, 'settings' | 'network' | 'clock' | 'resolver'>;

/** What a store says of recipients, in their order; `why` where the session came to nothing before the first. */
export type StoreReplies =
  | { readonly kind: 'asked'; readonly replies: readonly DialogueReply[]; readonly ended?: string }
  | { readonly kind: 'none'; readonly why: string; readonly said?: DialogueReply };

class Stopped extends Error {
  readonly said: DialogueReply | undefined;

  constructor(step: string, reply: DialogueReply | string) {
    super(`${step}: ${typeof reply === 'string' ? reply : reply.lines.at(-1)}`);
    this.said = typeof reply === 'string' ? undefined : reply;
  }
}

/** Asks a store about recipients as a delivery does, up to where a message would follow. */
export async function askStore(one: SmartHost, recipients: readonly string[], parts: Look): Promise<StoreReplies> {
  const { host, group, way } = one;
  const found = await addressesOf({ host: host.host, way }, parts.resolver);
  if ('failure' in found || found[0] === undefined) return { kind: 'none', why: 'its address cannot be looked up' };
  const port = found[0].startsWith('/') ? 0 : host.port;
  try {
    const stream = await dialAny(way, { name: host.host, port }, found, parts);
    const secure = async (): Promise<Dialogue> => {
      await stream.startTlsClient({ serverName: host.host, timeoutMs: farDialMs });
      return new Dialogue(stream, parts.clock, replyMs);
    };
    try {
      const dialogue = group.tls === 'implicit' ? await secure() : new Dialogue(stream, parts.clock, replyMs);
      return await speak(await opened(dialogue, one, parts, secure), recipients);
    } finally {
      stream.destroy();
    }
  } catch (error) {
    if (error instanceof Stopped)
      return { kind: 'none', why: error.message, ...(error.said === undefined ? {} : { said: error.said }) };
    return { kind: 'none', why: errnoOf(error) || (error instanceof Error ? error.message : String(error)) };
  }
}

/** Greets, with TLS where it is offered and a login where one is set, and begins a transaction without a sender (RFC 5321 §4.5.5). */
async function opened(
  first: Dialogue,
  { group }: SmartHost,
  { settings }: Look,
  secure: () => Promise<Dialogue>,
): Promise<Dialogue> {
  let dialogue = first;
  const say = async (command: string, shown = command): Promise<DialogueReply> => {
    const reply = await dialogue.ask(command);
    if (typeof reply === 'string' || reply.code >= 400) throw new Stopped(shown, reply);
    return reply;
  };
  const banner = await dialogue.reply();
  if (typeof banner === 'string' || banner.code >= 400) throw new Stopped('greeting', banner);
  const hello = `LHLO ${group.heloName ?? settings.routing.heloName ?? settings.server.name}`;
  const { lines } = await say(hello);
  if (group.tls !== 'implicit' && group.tls !== 'none' && lines.some((line) => /^250[- ]STARTTLS/i.test(line))) {
    await say('STARTTLS');
    dialogue = await secure();
    await say(hello);
  }
  const { login } = group;
  if (login !== undefined) {
    const word = Buffer.from(`\0${login.user}\0${login.password ?? ''}`).toString('base64');
    await say(`AUTH PLAIN ${word}`, 'AUTH');
  }
  await say(`MAIL FROM:${printPath(null)}`);
  return dialogue;
}

async function speak(dialogue: Dialogue, recipients: readonly string[]): Promise<StoreReplies> {
  const replies: DialogueReply[] = [];
  for (const recipient of recipients) {
    const reply = await dialogue.ask(`RCPT TO:<${recipient}>`);
    if (typeof reply === 'string' || reply.code === 421) {
      const ended = typeof reply === 'string' ? reply : (reply.lines.at(-1) ?? '');
      return replies.length === 0 ? { kind: 'none', why: `RCPT: ${ended}` } : { kind: 'asked', replies, ended };
    }
    replies.push(reply);
  }
  await dialogue.ask('RSET');
  await dialogue.ask('QUIT');
  return { kind: 'asked', replies };
}
