import type { Disk } from '../../world/ports/disk.ts';
import type { ByteSink, ByteStream, Listening, Network } from '../../world/ports/network.ts';
import { errnoOf } from '../../events/fault.ts';
import type { Journal } from '../../events/journal.ts';
import { CONTROL_PROTOCOL, frame, Lines, parseRequest, type Failure, type Request } from './frames.ts';
import {
  CONNECTIONS_MAX,
  DIAL_TIMEOUT_MS,
  PENDING_BYTES_MAX,
  REQUEST_BYTES_MAX,
  REQUESTS_MAX,
  RESPONSE_BYTES_MAX,
} from './limits.ts';
import { controlSocketPath } from './socket-path.ts';

/** Where a running action sends what comes in pieces. */
export interface Stream {
  /** Sends one item; false where the tool is too slow and the item was dropped. */
  item(value: unknown): boolean;
  /** Called once when the tool has gone; at once where it already has. */
  onGone(fn: () => void): void;
}

/** The end of an action. */
export type ActionEnd =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly error: Failure };

/** What the control socket needs. */
export interface ControlServerOptions {
  readonly network: Pick<Network, 'listen' | 'dial'>;
  readonly disk: Pick<Disk, 'makeDirectory' | 'entry' | 'unlink'>;
  readonly journal: Journal;
  /** The run directory; made with mode 700 where it is missing. */
  readonly directory: string;
  /** The version of the service. */
  readonly version: string;
  /** Runs an action; never rejects. */
  run(action: string, input: unknown, stream: Stream): Promise<ActionEnd>;
}

/** A control socket that accepts tools. */
export interface ControlServer {
  readonly path: string;
  /** Stops accepting and ends all connections. */
  close(): Promise<void>;
}

class Connection implements ByteSink {
  readonly #stream: ByteStream;
  readonly #options: ControlServerOptions;
  readonly #gone: () => void;
  readonly #lines = new Lines(REQUEST_BYTES_MAX);
  readonly #onGone = new Set<() => void>();
  #open = true;
  #running = 0;
  #peerEnded = false;

  constructor(stream: ByteStream, options: ControlServerOptions, gone: () => void) {
    this.#stream = stream;
    this.#options = options;
    this.#gone = gone;
    stream.start(this);
    stream.write(frame({ ims: 'control', protocol: CONTROL_PROTOCOL, version: options.version }));
  }

  data(chunk: Buffer): void {
    if (!this.#open) return;
    const lines = this.#lines.take(chunk);
    if (lines === undefined) return this.#refuse(0, 'the request is too long');
    for (const line of lines) {
      const request = parseRequest(line);
      if (request === undefined) return this.#refuse(0, 'the line is not a request');
      if (this.#running >= REQUESTS_MAX)
        this.#fail(request.id, { kind: 'unavailable', message: `more than ${REQUESTS_MAX} requests at once` });
      else void this.#run(request);
    }
  }

  end(): void {
    this.#peerEnded = true;
    // Who ended its side still gets the answer to what it asked; a stream without end has nobody to read it.
    if (this.#running === 0) this.#stream.end();
    else if (this.#onGone.size > 0) this.#stream.destroy();
  }

  drain(): void {
    // Items that do not fit are dropped when they come; nothing waits here.
  }

  closed(): void {
    this.#open = false;
    for (const fn of this.#onGone) fn();
    this.#onGone.clear();
    this.#gone();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  async #run({ id, action, input }: Request): Promise<void> {
    this.#running += 1;
    const end = await this.#options.run(action, input, {
      item: (value) => {
        if (!this.#open || this.#stream.pendingBytes > PENDING_BYTES_MAX) return false;
        this.#stream.write(frame({ id, item: value }));
        return true;
      },
      onGone: (fn) => {
        if (this.#open) this.#onGone.add(fn);
        else fn();
      },
    });
    this.#running -= 1;
    if (!this.#open) return;
    const text = frame({ id, ...end });
    if (Buffer.byteLength(text) > RESPONSE_BYTES_MAX)
      this.#fail(id, { kind: 'failed', message: 'the result is too large; narrow the question' });
    else this.#stream.write(text);
    if (this.#peerEnded && this.#running === 0) this.#stream.end();
  }

  #fail(id: number, error: Failure): void {
    this.#stream.write(frame({ id, ok: false, error }));
  }

  #refuse(id: number, message: string): void {
    this.#open = false;
    this.#stream.end(frame({ id, ok: false, error: { kind: 'usage', message } }));
  }
}

/** Whether somebody answers at a socket that exists. */
async function isAlive(network: Pick<Network, 'dial'>, path: string): Promise<boolean> {
  try {
    const stream = await network.dial({ address: path, port: 0, timeoutMs: DIAL_TIMEOUT_MS });
    stream.destroy();
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ECONNREFUSED' && errnoOf(error) !== 'ENOENT';
  }
}

/** Why the control socket cannot be served. */
export type ControlRefusal = { readonly ok: false; readonly why: string };

async function prepare({
  disk,
  network,
  directory,
}: ControlServerOptions): Promise<{ readonly ok: true; readonly path: string } | ControlRefusal> {
  const place = controlSocketPath(directory);
  if (!place.ok) return place;
  await disk.makeDirectory(directory, 0o700);
  const entry = await disk.entry(directory);
  if (entry === undefined || (entry.mode & 0o077) !== 0) {
    return {
      ok: false,
      why: `${directory} can be entered by other users (mode ${(entry?.mode ?? 0).toString(8)}); run: chmod 700 ${directory}`,
    };
  }
  if ((await disk.entry(place.path)) === undefined) return place;
  if (await isAlive(network, place.path)) return { ok: false, why: `another service already answers at ${place.path}` };
  await disk.unlink(place.path);
  return place;
}

/** Serves the control socket in the run directory. Only who may enter the directory (mode 700) can ask. */
export async function serveControl(
  options: ControlServerOptions,
): Promise<{ readonly ok: true; readonly server: ControlServer } | ControlRefusal> {
  const place = await prepare(options);
  if (!place.ok) return place;
  const connections = new Set<Connection>();
  let toldFull = false;
  const accept = (stream: ByteStream): void => {
    if (connections.size === 0) toldFull = false;
    if (connections.size >= CONNECTIONS_MAX) {
      if (!toldFull) options.journal.emit('control.connection-refused', { most: CONNECTIONS_MAX });
      toldFull = true;
      stream.destroy();
      return;
    }
    const connection: Connection = new Connection(stream, options, () => connections.delete(connection));
    connections.add(connection);
  };
  const listening: Listening = await options.network.listen({ address: place.path, port: 0 }, accept);
  const close = async (): Promise<void> => {
    const closed = listening.close();
    for (const connection of connections) connection.destroy();
    await closed;
  };
  return { ok: true, server: { path: place.path, close } };
}
