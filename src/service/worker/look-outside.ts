import { errnoOf } from '../../events/fault.ts';
import type { Journal } from '../../events/journal.ts';
import { waysOf } from '../../flow/routing/ways.ts';
import type { OutsideAnswer, OutsideLook } from '../../operate/actions/outside.ts';
import { createDialer } from '../../transport/dialer.ts';
import type { Gateways } from '../../transport/gateway/port.ts';
import { gatewayFaultInWords, isGatewayFault } from '../../transport/gateway/trouble.ts';
import { isProxyFault, proxyFaultInWords } from '../../transport/proxy-fault.ts';
import { byStream } from '../../transport/resolver/by-stream.ts';
import { parseNameServer } from '../../transport/resolver/name-servers.ts';
import { createResolver } from '../../transport/resolver/resolver.ts';
import type { ByteStream } from '../../world/ports/network.ts';
import type { World } from '../../world/world.ts';
import type { Generation } from './generation.ts';

/** Together below what a check waits for the answer. */
const DIAL_MS = 3500;
const REPLY_MS = 1000;
const NAMES_MS = 2500;
const REPLY_BYTES_MAX = 4096;

/** What looks from outside work with. */
export interface OutsideParts {
  readonly world: Pick<World, 'clock' | 'random' | 'network'>;
  readonly gateways: Pick<Gateways, 'dial'>;
  readonly generation: () => Pick<Generation, 'settings' | 'resolver'>;
}

/** A look that fails is no trouble of the proxy, whose mail must not wait for it. */
const UNHEARD: Journal = { emit() {} };

/** Connects by a way, or asks a name server by it: what comes is what hosts outside see. */
export async function lookOutside(
  { world, gateways, generation }: OutsideParts,
  look: OutsideLook,
): Promise<OutsideAnswer> {
  const { settings, resolver } = generation();
  const { routing } = settings;
  const found = waysOf([look.way], routing, settings.gateways);
  if (found.kind === 'missing' || found.ways.length === 0)
    return { kind: 'way-failed', why: `there is no usable proxy or gateway '${look.way}'` };
  const dialer = createDialer({ world, resolver, journal: UNHEARD, gateways });
  const dial = (address: string, port: number): Promise<ByteStream> =>
    dialer.dial({ name: address, address, port, timeoutMs: DIAL_MS, ways: found.ways });
  if (look.what === 'addresses') return addresses(dial, world, look);
  let stream: ByteStream;
  try {
    stream = await dial(look.host, look.port);
  } catch (error) {
    return notOpened(error);
  }
  try {
    const lines = new Lines(stream, world.clock);
    const banner = await lines.next();
    if (banner === undefined) return { kind: 'closed', why: 'it is open, and says nothing' };
    stream.write(`NOOP ${look.word}\r\n`);
    const answer = banner.startsWith('220') ? ((await lines.next()) ?? '') : '';
    return { kind: 'greeting', banner, answer };
  } finally {
    stream.destroy();
  }
}

/** Whether the way failed, or what it leads to. */
function notOpened(error: unknown): OutsideAnswer {
  if (isProxyFault(error)) return { kind: 'way-failed', why: proxyFaultInWords(error) };
  if (isGatewayFault(error)) return { kind: 'way-failed', why: gatewayFaultInWords(error) };
  const words = error instanceof Error ? error.message : String(error);
  return { kind: 'closed', why: words.includes(';') ? words : errnoOf(error) || words };
}

async function addresses(
  dial: (address: string, port: number) => Promise<ByteStream>,
  world: Pick<World, 'clock' | 'random'>,
  look: Extract<OutsideLook, { what: 'addresses' }>,
): Promise<OutsideAnswer> {
  const server = parseNameServer(look.server);
  if (server === undefined) return { kind: 'no-answer', why: `${look.server} is no address of a name server` };
  let fault: unknown;
  const network = byStream(async (address, port) => {
    try {
      return await dial(address, port);
    } catch (error) {
      fault = error;
      throw error;
    }
  });
  const resolver = createResolver({
    world: { ...world, network: network as World['network'] },
    servers: [server],
    settings: { timeout: NAMES_MS, tries: 1, cacheMax: 10 },
  });
  const answer = await resolver.query(look.name, look.type);
  if (answer.kind === 'records') return { kind: 'addresses', records: answer.records };
  if (answer.kind !== 'failure') return { kind: 'addresses', records: [] };
  if (fault !== undefined) {
    const why = notOpened(fault);
    return why.kind === 'way-failed' ? why : { kind: 'no-answer', why: answer.reason };
  }
  return { kind: 'no-answer', why: answer.reason };
}

/** The lines of a connection, one after the other. */
class Lines {
  readonly #clock: Pick<World['clock'], 'after'>;
  #held = '';
  #over = false;
  #wake: () => void = () => undefined;

  constructor(stream: ByteStream, clock: Pick<World['clock'], 'after'>) {
    this.#clock = clock;
    const ended = (): void => {
      this.#over = true;
      this.#wake();
    };
    stream.start({
      data: (chunk) => {
        this.#held = (this.#held + chunk.toString('latin1')).slice(0, REPLY_BYTES_MAX);
        this.#wake();
      },
      end: ended,
      drain() {},
      closed: ended,
    });
  }

  /** The next last line of a reply; undefined where none comes in time. */
  async next(): Promise<string | undefined> {
    let late = false;
    const timer = this.#clock.after(REPLY_MS, () => {
      late = true;
      this.#wake();
    });
    try {
      for (;;) {
        const match = /^(?:\d{3}-[^\n]*\n)*(?!\d{3}-)([^\n]*)\n/.exec(this.#held);
        if (match !== null) {
          this.#held = this.#held.slice(match[0].length);
          return (match[1] ?? '').replace(/[\x00-\x1f\x7f]/g, '').slice(0, 200);
        }
        if (this.#over || late) return undefined;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      timer.cancel();
    }
  }
}
