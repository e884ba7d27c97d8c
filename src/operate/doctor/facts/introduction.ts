import { errnoOf } from '../../../events/fault.ts';
import { introductionAnswer } from '../../../flow/reception/introductions.ts';
import type { ByteStream } from '../../../world/ports/network.ts';
import type { Parts } from '../check.ts';
import { bannerMs, dialMs } from '../limits.ts';
import { Dialogue } from './dialogue.ts';

/** A word that the listeners of the running service answer, and what each of them says to it. */
export interface Introduction {
  readonly word: string;
  /** The listener whose answer this is. */
  listenerOf(answer: string): string | undefined;
}

/** Agrees with the running service upon a word; undefined where it cannot: it is older, or does not answer. */
export async function introduce(
  { random, service }: Pick<Parts, 'random' | 'service'>,
  listeners: readonly string[],
): Promise<Introduction | undefined> {
  const word = random.bytes(16).toString('hex');
  const key = random.bytes(32).toString('hex');
  const agreed = (await service.request('listeners.introduce', { word, key })) as
    | { readonly workers: number; readonly of: number }
    | undefined;
  // A worker that is just being started has not heard the word, and may be the one that is asked.
  if (agreed === undefined || agreed.workers < agreed.of) return undefined;
  const names = new Map(listeners.map((name) => [introductionAnswer(key, word, name), name]));
  return { word, listenerOf: (answer) => names.get(answer) };
}

/** Who answered at a place. */
export type Greeting =
  /** A listener of ours; `listener` where it proved which one. */
  | { readonly kind: 'ours'; readonly banner: string; readonly listener?: string }
  /** Ours or not: it wants no connection from here, or no TLS comes about, which checks of TLS look into. */
  | { readonly kind: 'turned-away'; readonly banner: string }
  | { readonly kind: 'foreign'; readonly banner: string }
  | { readonly kind: 'none'; readonly why: string };

/** Turns the connection into TLS; why that failed, where it did. */
async function handshake(stream: ByteStream, serverName: string): Promise<string | undefined> {
  try {
    await stream.startTlsClient({ serverName, timeoutMs: bannerMs });
    return undefined;
  } catch (error) {
    return `the TLS handshake failed: ${errnoOf(error) || (error instanceof Error ? error.message : String(error))}`;
  }
}

/** Connects, reads the banner, and says the word where there is one. */
export async function greet(
  { network, clock }: Pick<Parts, 'network' | 'clock'>,
  where: { readonly address: string; readonly port: number; readonly tls: boolean },
  serverName: string,
  introduction: Introduction | undefined,
): Promise<Greeting> {
  try {
    const stream = await network.dial({ address: where.address, port: where.port, timeoutMs: dialMs });
    try {
      const failure = where.tls ? await handshake(stream, serverName) : undefined;
      if (failure !== undefined) return { kind: 'turned-away', banner: failure };
      const dialogue = new Dialogue(stream, clock, bannerMs);
      const first = await dialogue.reply();
      if (typeof first === 'string') return { kind: 'none', why: first };
      const banner = first.lines[0] ?? '';
      if (first.code >= 400) return { kind: 'turned-away', banner };
      const likeOurs = first.code === 220 && banner.slice(4).split(' ')[0] === serverName;
      if (introduction === undefined) return likeOurs ? { kind: 'ours', banner } : { kind: 'foreign', banner };
      const reply = await dialogue.ask(`NOOP ${introduction.word}`);
      const said = typeof reply === 'string' ? '' : (reply.lines[0]?.split(' ').at(-1) ?? '');
      const listener = introduction.listenerOf(said);
      return listener === undefined ? { kind: 'foreign', banner } : { kind: 'ours', banner, listener };
    } finally {
      stream.destroy();
    }
  } catch (error) {
    return { kind: 'none', why: errnoOf(error) || (error instanceof Error ? error.message : String(error)) };
  }
}
