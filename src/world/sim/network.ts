import type {
  ByteStream,
  DatagramSocket,
  DialOptions,
  Endpoint,
  Listening,
  ListenHandle,
  Network,
} from '../ports/network.ts';
import type { SimProcess } from './process.ts';
import type { SeededRandom } from './random.ts';
import { SimStream, type Wire } from './stream.ts';
import type { SimTime } from './time.ts';

/** What goes wrong, as probabilities; zero everywhere is a good day. */
export interface NetworkFaults {
  /** That a connection is made and breaks at one of its first arrivals. */
  readonly breaks: number;
  /** That a connection cannot be made although somebody listens. */
  readonly refused: number;
  /** That a datagram is lost. */
  readonly lost: number;
}

/** A network without faults. */
export const goodNetwork: NetworkFaults = { breaks: 0, refused: 0, lost: 0 };

const ARRIVALS_UNTIL_BREAK = 40;
const PORTS_FIRST = 20_000;

/** A bound socket of the simulation: holders are the processes that have it, acceptors those that take connections from it. */
export class SimSocket {
  readonly address: string;
  readonly port: number;
  readonly #release: () => void;
  readonly #holders = new Set<SimProcess | undefined>();
  acceptors: { readonly process: SimProcess | undefined; readonly accept: (stream: SimStream) => void }[] = [];
  waiting: { readonly accept: (acceptor: SimSocket['acceptors'][number]) => void }[] = [];

  constructor(address: string, port: number, release: () => void) {
    this.address = address;
    this.port = port;
    this.#release = release;
  }

  hold(process: SimProcess | undefined): void {
    if (this.#holders.has(process)) return;
    this.#holders.add(process);
    process?.onEnd(() => this.letGo(process));
  }

  letGo(process: SimProcess | undefined): void {
    this.acceptors = this.acceptors.filter((acceptor) => acceptor.process !== process);
    this.#holders.delete(process);
    if (this.#holders.size === 0) this.#release();
  }
}

interface Datagrams {
  readonly process: SimProcess | undefined;
  readonly receive: (bytes: Buffer, from: Endpoint) => void;
}

/** The Internet of a simulation: hosts by address, joined by ways that are slow, cut or lossy. */
export class SimInternet {
  faults: NetworkFaults = goodNetwork;
  readonly #time: SimTime;
  readonly #random: SeededRandom;
  readonly #sockets = new Map<string, SimSocket>();
  readonly #datagrams = new Map<string, Datagrams>();
  readonly #hosts = new Set<string>();
  readonly #silent = new Set<string>();
  /** Until when the way between two hosts is cut. */
  readonly #cuts = new Map<string, number>();
  #port = PORTS_FIRST;

  constructor(time: SimTime, random: SeededRandom) {
    this.#time = time;
    this.#random = random;
  }

  /** Makes a host known: it refuses connections instead of swallowing them. */
  addHost(address: string): void {
    this.#hosts.add(address);
  }

  /** A host without power answers nothing. */
  setSilent(address: string, silent: boolean): void {
    if (silent) this.#silent.add(address);
    else this.#silent.delete(address);
  }

  /** Cuts the way between two hosts for a while; what is under way arrives afterwards, as TCP sends it again. */
  cut(one: string, other: string, ms: number): void {
    const until = this.#time.now + ms;
    const key = wayKey(one, other);
    this.#cuts.set(key, Math.max(until, this.#cuts.get(key) ?? 0));
  }

  bind(address: string, port: number, process: SimProcess | undefined): SimSocket {
    const key = `${address} ${port}`;
    if (this.#sockets.has(key)) throw posix('EADDRINUSE', `bind ${key}`);
    const socket = new SimSocket(address, port, () => {
      this.#sockets.delete(key);
    });
    socket.hold(process);
    this.#sockets.set(key, socket);
    return socket;
  }

  /** The network as a process at an address sees it; without a process, as an outsider does. */
  networkOf(address: string, process: SimProcess | undefined): Network {
    return {
      dial: (options) => this.#dial(options, options.localAddress ?? address, process),
      listen: (where, accept) => this.#listen(where, accept, process),
      datagram: (_family, receive) => this.#openDatagrams(address, this.#nextPort(), process, receive),
      tlsContext: () => {
        throw new Error('no TLS in the simulation');
      },
    };
  }

  /** Opens a datagram socket at a known port, for servers. */
  datagramsAt(address: string, port: number, receive: Datagrams['receive']): Promise<DatagramSocket> {
    return this.#openDatagrams(address, port, undefined, receive);
  }

  #nextPort(): number {
    this.#port += 1;
    return this.#port;
  }

  #latency(): number {
    return this.#random.between(1, 40);
  }

  /** When something sent now arrives; undefined where it never does. */
  #arrival(from: string, to: string): number | undefined {
    if (this.#silent.has(from) || this.#silent.has(to)) return undefined;
    const cutUntil = this.#cuts.get(wayKey(from, to)) ?? 0;
    return Math.max(this.#time.now, cutUntil) + this.#latency();
  }

  #listen(
    where: Parameters<Network['listen']>[0],
    accept: (stream: ByteStream) => void,
    process: SimProcess | undefined,
  ): Promise<Listening> {
    return new Promise((resolve, reject) => {
      this.#time.in(0, () => {
        if (process?.alive === false) return;
        let socket: SimSocket;
        try {
          socket = 'handle' in where ? (where.handle as SimSocket) : this.bind(where.address, where.port, process);
        } catch (error) {
          reject(error);
          return;
        }
        socket.hold(process);
        const acceptor = { process, accept };
        socket.acceptors.push(acceptor);
        for (const one of socket.waiting.splice(0)) one.accept(acceptor);
        resolve({
          local: { address: socket.address, port: socket.port },
          close: () => {
            socket.letGo(process);
            return Promise.resolve();
          },
        });
      });
    });
  }

  #dial(options: DialOptions, from: string, process: SimProcess | undefined): Promise<SimStream> {
    const { address, port, timeoutMs } = options;
    return new Promise((resolve, reject) => {
      let settled = false;
      const settle = (fn: () => void): void => {
        if (settled || process?.alive === false) return;
        settled = true;
        limit.fn = undefined;
        fn();
      };
      const fail = (code: string): void => settle(() => reject(posix(code, `connect ${address}:${port}`)));
      const limit = this.#time.in(timeoutMs, () => fail('ETIMEDOUT'));
      const path = address.startsWith('/');
      const there = path ? this.#time.now + 1 : this.#hosts.has(address) ? this.#arrival(from, address) : undefined;
      if (there === undefined) return;
      this.#time.in(there - this.#time.now, () => {
        const socket = this.#sockets.get(`${address} ${port}`);
        const back = this.#latency();
        if (socket === undefined || (!path && this.#random.chance(this.faults.refused))) {
          this.#time.in(back, () => fail(path && socket === undefined ? 'ENOENT' : 'ECONNREFUSED'));
          return;
        }
        const made = (acceptor: SimSocket['acceptors'][number]): void => {
          if (settled || process?.alive === false) return;
          const [near, far] = this.#connect(from, process, socket, acceptor.process, path);
          this.#time.in(0, () => {
            if (acceptor.process?.alive !== false) acceptor.accept(far);
          });
          this.#time.in(back, () => {
            if (settled || process?.alive === false) near.destroy();
            else settle(() => resolve(near));
          });
        };
        const [first, ...more] = socket.acceptors;
        if (first === undefined) socket.waiting.push({ accept: made });
        else made(this.#random.pick([first, ...more]));
      });
    });
  }

  #connect(
    from: string,
    dialler: SimProcess | undefined,
    socket: SimSocket,
    acceptor: SimProcess | undefined,
    path: boolean,
  ): readonly [SimStream, SimStream] {
    const near: Endpoint = path ? { address: '', port: 0 } : { address: from, port: this.#nextPort() };
    const far: Endpoint = { address: socket.address, port: socket.port };
    const wire = this.#wire(near.address, far.address, path);
    const one = new SimStream(this.#time, wire, true, dialler, near, far);
    const two = new SimStream(this.#time, wire, false, acceptor, far, near);
    one.join(two);
    two.join(one);
    return [one, two];
  }

  #wire(near: string, far: string, path: boolean): Wire {
    const random = this.#random;
    let left =
      !path && random.chance(this.faults.breaks) ? 1 + random.integer(ARRIVALS_UNTIL_BREAK) : Number.POSITIVE_INFINITY;
    const last = [0, 0];
    return {
      carry: (fromDialler, fn) => {
        const side = fromDialler ? 0 : 1;
        const arrival = path ? this.#time.now + 1 : fromDialler ? this.#arrival(near, far) : this.#arrival(far, near);
        if (arrival === undefined) return;
        const at = Math.max(arrival, last[side] ?? 0);
        last[side] = at;
        this.#time.in(at - this.#time.now, fn);
      },
      breaks: () => {
        left -= 1;
        return left === 0;
      },
      cut(bytes) {
        if (path || bytes.length < 2 || !random.chance(0.05)) return [bytes];
        const at = 1 + random.integer(bytes.length - 1);
        return [bytes.subarray(0, at), bytes.subarray(at)];
      },
    };
  }

  #openDatagrams(
    address: string,
    port: number,
    process: SimProcess | undefined,
    receive: Datagrams['receive'],
  ): Promise<DatagramSocket> {
    const key = `${address} ${port}`;
    const close = (): void => void this.#datagrams.delete(key);
    this.#datagrams.set(key, { process, receive });
    const forget = process?.onEnd(close);
    return Promise.resolve({
      send: (bytes: Buffer, toPort: number, to: string) => {
        if (process?.alive === false || this.#random.chance(this.faults.lost)) return;
        const arrival = this.#arrival(address, to);
        // Nobody keeps a datagram until the way is mended.
        if (arrival === undefined || (this.#cuts.get(wayKey(address, to)) ?? 0) > this.#time.now) return;
        const octets = Buffer.from(bytes);
        this.#time.in(arrival - this.#time.now, () => {
          const target = this.#datagrams.get(`${to} ${toPort}`);
          if (target !== undefined && target.process?.alive !== false) target.receive(octets, { address, port });
        });
      },
      close: () => {
        forget?.();
        close();
      },
    });
  }
}

/** A handle as the network port carries it. */
export function handleOf(socket: SimSocket): ListenHandle {
  return socket;
}

function wayKey(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}

/** An error as the system makes them. */
export function posix(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}
