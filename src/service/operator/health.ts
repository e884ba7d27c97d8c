/**
 * The health endpoint: HTTP/1.1 for those who ask whether the service lives and whether it accepts mail (container hosts, load
 * balancers), and for those who collect metrics. It tells what `ims status` tells, and nothing that a stranger on this host may not know.
 */
import type { Journal } from '../../events/journal.ts';
import type { Clock, Timer } from '../../world/ports/clock.ts';
import type { ByteSink, ByteStream, Listening, ListenHandle, Network } from '../../world/ports/network.ts';
import type { Disk } from '../../world/ports/disk.ts';
import { type MetricsForm, mediaTypes } from '../../operate/metrics/text.ts';
import type { Board } from '../parts/board.ts';
import { KeptPlace } from './kept-place.ts';

/** Bounds of the health endpoint. */
export const healthLimits = {
  connectionsMax: 16,
  requestBytesMax: 4096,
  requestMs: 5_000,
  /** A look at the service serves all questions of so long. */
  lookMs: 1_000,
  /** How long a look may take before the service counts as not alive. */
  answerMs: 3_000,
} as const;

/** What the endpoint tells. */
export interface HealthLook {
  readonly verdict: string;
  /** Whether some listener accepts mail. */
  readonly ready: boolean;
}

/** What the endpoint needs. */
export interface HealthParts {
  readonly world: {
    readonly clock: Clock;
    readonly network: Pick<Network, 'listen' | 'dial'>;
    readonly disk: Pick<Disk, 'entry' | 'unlink'>;
  };
  readonly journal: Journal;
  readonly board: Board;
  readonly look: () => Promise<HealthLook>;
  /** Borrows the bound socket of a place from the supervisor, which holds it for longer; undefined gives it back. */
  readonly socket: (place: string | undefined) => Promise<ListenHandle | undefined>;
  /** The metrics in a form of their text. */
  readonly metrics: (form: MetricsForm) => Promise<string>;
}

const PART = 'health endpoint';

/** Answers at its place, and says how that is. */
export class HealthEndpoint {
  readonly #parts: HealthParts;
  readonly #place: KeptPlace;
  readonly #connections = new Set<Question>();
  readonly #looks = new Map<string, { readonly atMs: number; readonly answer: Promise<unknown> }>();

  constructor(parts: HealthParts) {
    this.#parts = parts;
    const { world, journal, board, socket } = parts;
    this.#place = new KeptPlace({
      world,
      socket,
      serve: async (handle) => {
        const listening = await world.network.listen({ handle }, (stream) => this.#accept(stream));
        return { close: () => this.#end(listening) };
      },
      served: (place, again) => {
        board.set({ part: PART, state: 'running' });
        if (again) journal.emit('service.health-available', { place });
      },
      failed: (place, cause, changed) => {
        if (changed) journal.emit('service.health-unavailable', { place, cause });
        const cure = 'ss -ltnp (shows who has the port; or set server.health to another place, then ims reload)';
        board.set({ part: PART, state: 'failed', event: 3753, cause: `${place}: ${cause}`, cure });
      },
      gone: () => board.drop(PART),
    });
  }

  /** Serves at this place from now on; undefined for nowhere. Resolves when it does, or once it has found that it cannot. */
  use(place: string | undefined): Promise<void> {
    return this.#place.use(place);
  }

  /** Leaves the place to the process that comes after this one. */
  close(): void {
    this.#place.close();
  }

  async #end(listening: Listening): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    await listening.close();
  }

  #accept(stream: ByteStream): void {
    if (this.#connections.size >= healthLimits.connectionsMax) return stream.destroy();
    const question: Question = new Question(
      stream,
      this.#parts.world.clock,
      (path, accept) => this.#answer(path, accept),
      () => {
        this.#connections.delete(question);
      },
    );
    this.#connections.add(question);
  }

  async #answer(path: string, accept: string): Promise<string> {
    if (path === '/metrics')
      return this.#metrics(accept.includes('application/openmetrics-text') ? 'openmetrics' : 'prometheus');
    if (path !== '/live' && path !== '/ready') return response(404, { paths: ['/live', '/ready', '/metrics'] });
    const look = await this.#lookedAt('health', this.#parts.look);
    if (look === undefined) return response(503, { live: false, verdict: 'The supervisor does not answer.' });
    const { verdict, ready } = look;
    return path === '/live' ? response(200, { live: true, verdict }) : response(ready ? 200 : 503, { ready, verdict });
  }

  async #metrics(form: MetricsForm): Promise<string> {
    const text = await this.#lookedAt(form, () => this.#parts.metrics(form));
    if (text === undefined) return response(503, { problem: 'The service does not say what it measures.' });
    return whole(200, mediaTypes[form], text);
  }

  /** What a look finds; undefined where it takes too long. */
  #lookedAt<T>(what: string, look: () => Promise<T>): Promise<T | undefined> {
    const { clock } = this.#parts.world;
    const known = this.#looks.get(what);
    // Under one name there is one kind of look; the map cannot say so.
    if (known !== undefined && clock.now() - known.atMs < healthLimits.lookMs)
      return known.answer as Promise<T | undefined>;
    const answer = new Promise<T | undefined>((resolve) => {
      const limit = clock.after(healthLimits.answerMs, () => resolve(undefined));
      look().then(
        (found) => {
          limit.cancel();
          resolve(found);
        },
        () => {
          limit.cancel();
          resolve(undefined);
        },
      );
    });
    this.#looks.set(what, { atMs: clock.now(), answer });
    return answer;
  }
}

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  503: 'Service Unavailable',
};

/** A whole HTTP response; the connection ends after it (RFC 9112 §9.6). */
export function response(status: number, body: unknown): string {
  return whole(status, 'application/json', `${JSON.stringify(body)}\n`);
}

function whole(status: number, type: string, text: string): string {
  const head = `HTTP/1.1 ${status} ${REASONS[status] ?? ''}\r\nContent-Type: ${type}\r\n`;
  return `${head}Content-Length: ${Buffer.byteLength(text)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n${text}`;
}

/** One connection with one question. */
class Question implements ByteSink {
  readonly #stream: ByteStream;
  readonly #answer: (path: string, accept: string) => Promise<string>;
  readonly #gone: () => void;
  readonly #limit: Timer;
  #text = '';
  #asked = false;

  constructor(
    stream: ByteStream,
    clock: Clock,
    answer: (path: string, accept: string) => Promise<string>,
    gone: () => void,
  ) {
    this.#stream = stream;
    this.#answer = answer;
    this.#gone = gone;
    this.#limit = clock.after(healthLimits.requestMs + healthLimits.answerMs, () => stream.destroy());
    stream.start(this);
  }

  data(chunk: Buffer): void {
    if (this.#asked) return;
    this.#text += chunk.toString('latin1');
    if (this.#text.includes('\r\n\r\n')) return void this.#ask();
    if (this.#text.length > healthLimits.requestBytesMax)
      this.#end(response(400, { problem: 'the request is too long' }));
  }

  end(): void {
    if (!this.#asked) this.destroy();
  }

  drain(): void {
    // The response is one small piece.
  }

  closed(): void {
    this.#limit.cancel();
    this.#gone();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  async #ask(): Promise<void> {
    this.#asked = true;
    const [request = '', ...fields] = this.#text.slice(0, this.#text.indexOf('\r\n\r\n')).split('\r\n');
    const [method = '', target = '', version = ''] = request.split(' ');
    const accept = fields.find((field) => field.toLowerCase().startsWith('accept:'))?.toLowerCase() ?? '';
    if (!version.startsWith('HTTP/1.')) return this.#end(response(400, { problem: 'this is no HTTP/1 request' }));
    if (method !== 'GET' && method !== 'HEAD') return this.#end(response(405, { allowed: ['GET', 'HEAD'] }));
    const whole = await this.#answer(target.split('?')[0] ?? '', accept);
    // RFC 9110 §9.3.2: as for GET, without the content.
    this.#end(method === 'HEAD' ? whole.slice(0, whole.indexOf('\r\n\r\n') + 4) : whole);
  }

  #end(text: string): void {
    this.#asked = true;
    this.#stream.end(text);
  }
}
