import { errnoOf } from '../../events/fault.ts';
import type { ByteSink, ByteStream, Network } from '../../world/ports/network.ts';
import { CONTROL_PROTOCOL, frame, Lines, parseGreeting, parseResponse, type Failure } from './frames.ts';
import { DIAL_TIMEOUT_MS, RESPONSE_BYTES_MAX } from './limits.ts';
import type { ActionEnd } from './server.ts';

/** Why a tool cannot talk to the service. */
export type Unreachable =
  | { readonly kind: 'no-service'; readonly path: string; readonly why: string }
  | { readonly kind: 'not-permitted'; readonly path: string }
  | { readonly kind: 'other-version'; readonly path: string; readonly version: string };

/** What to ask, and of whom. */
export interface Ask {
  readonly network: Pick<Network, 'dial'>;
  readonly path: string;
  readonly action: string;
  readonly input: unknown;
  /** Receives what comes in pieces. */
  item?(value: unknown): void;
  /** Given a function that ends the request early. */
  cancel?(end: () => void): void;
}

const failed = (message: string): ActionEnd => ({ ok: false, error: { kind: 'failed', message } });

class Exchange implements ByteSink {
  readonly #lines = new Lines(RESPONSE_BYTES_MAX);
  readonly #stream: ByteStream;
  readonly #ask: Ask;
  readonly #done: (end: ActionEnd | Unreachable) => void;
  #greeted = false;
  #ended = false;

  constructor(stream: ByteStream, ask: Ask, done: (end: ActionEnd | Unreachable) => void) {
    this.#stream = stream;
    this.#ask = ask;
    this.#done = done;
    stream.start(this);
  }

  data(chunk: Buffer): void {
    if (this.#ended) return;
    const lines = this.#lines.take(chunk);
    if (lines === undefined) return this.finish(failed('the service sent a line that is too long'));
    for (const line of lines) if (!this.#ended) this.#line(line);
  }

  #line(line: string): void {
    if (!this.#greeted) {
      const greeting = parseGreeting(line);
      if (greeting === undefined) return this.finish(failed(`what answers at ${this.#ask.path} is not this service`));
      if (greeting.protocol !== CONTROL_PROTOCOL)
        return this.finish({ kind: 'other-version', path: this.#ask.path, version: greeting.version });
      this.#greeted = true;
      this.#stream.write(frame({ id: 1, action: this.#ask.action, input: this.#ask.input }));
      return;
    }
    const response = parseResponse(line);
    if (response === undefined) return this.finish(failed('the service sent a line that is not a response'));
    if ('item' in response) this.#ask.item?.(response.item);
    else this.finish(response.ok ? { ok: true, result: response.result } : { ok: false, error: response.error });
  }

  end(): void {
    this.finish(failed('the service ended the connection before it had answered'));
  }

  drain(): void {
    // One request is never larger than what the system takes at once.
  }

  closed(): void {
    this.finish(failed('the connection to the service broke before it had answered'));
  }

  finish(end: ActionEnd | Unreachable): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stream.destroy();
    this.#done(end);
  }
}

/** Asks a running service for one action. */
export async function askService(ask: Ask): Promise<ActionEnd | Unreachable> {
  let stream: ByteStream;
  try {
    stream = await ask.network.dial({ address: ask.path, port: 0, timeoutMs: DIAL_TIMEOUT_MS });
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'EACCES' || code === 'EPERM') return { kind: 'not-permitted', path: ask.path };
    const why = code === 'ENOENT' ? 'there is no such socket' : code === 'ECONNREFUSED' ? 'nobody listens there' : code;
    return { kind: 'no-service', path: ask.path, why };
  }
  return await new Promise((done) => {
    const exchange = new Exchange(stream, ask, done);
    ask.cancel?.(() => exchange.finish({ ok: true, result: undefined }));
  });
}

/** Whether the service could not be asked at all. */
export function isUnreachable(end: ActionEnd | Unreachable): end is Unreachable {
  return 'kind' in end;
}
export type { Failure };
