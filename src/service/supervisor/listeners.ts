import { errnoOf } from '../../events/fault.ts';
import type { Journal } from '../../events/journal.ts';
import type { ListenersSettings } from '../../settings/listeners.ts';
import type { Clock, Timer } from '../../world/ports/clock.ts';
import type { ListenHandle } from '../../world/ports/network.ts';
import type { Briefing, ListenerState } from '../messages.ts';
import { limits } from './limits.ts';

/** A socket that is bound, by us or by systemd. */
export interface BoundSocket {
  readonly handle: ListenHandle;
  readonly address: string;
  readonly port: number;
  close(): void;
}

/** What binding needs. */
export interface ListenersParts {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly bind: (address: string, port: number) => BoundSocket;
  /** Sockets that systemd handed over, by the name of its FileDescriptorName. */
  readonly inherited: readonly { readonly name: string; readonly socket: BoundSocket }[];
  /** What stands between this service and its sockets, in words. */
  readonly layer?: string | undefined;
  /** Called for every socket once it is bound, now or later. */
  readonly onBound: (name: string, socket: BoundSocket) => void;
  /** Called where a listener's state has changed. */
  readonly onChanged: () => void;
}

interface Place {
  readonly name: string;
  readonly profile: string;
  readonly tls: string;
  readonly address: string;
  readonly port: number;
  socket: BoundSocket | undefined;
  problem: string | undefined;
  sinceMs: number;
  waitMs: number;
  timer: Timer | undefined;
}

/** Binds every listener; one that cannot be bound is tried again until it can, and holds up no other. */
export class Listeners {
  readonly #parts: ListenersParts;
  readonly #places: Place[] = [];

  constructor(parts: ListenersParts) {
    this.#parts = parts;
  }

  open(settings: ListenersSettings): void {
    for (const [name, listener] of Object.entries(settings)) {
      const { profile, tls } = listener;
      const inherited = this.#parts.inherited.filter(
        (one) => one.name === name || (!(one.name in settings) && isAt(one.socket, listener)),
      );
      for (const { socket } of inherited) {
        const place = {
          name,
          profile,
          tls,
          address: socket.address,
          port: socket.port,
          socket,
          problem: undefined,
          sinceMs: this.#parts.clock.wall(),
          waitMs: 0,
          timer: undefined,
        };
        this.#places.push(place);
        this.#parts.onBound(name, socket);
      }
      if (inherited.length > 0) continue;
      for (const address of typeof listener.address === 'string' ? [listener.address] : listener.address) {
        const port = address.startsWith('/') ? 0 : listener.port;
        const place: Place = {
          name,
          profile,
          tls,
          address,
          port,
          socket: undefined,
          problem: undefined,
          sinceMs: this.#parts.clock.wall(),
          waitMs: limits.bindRetryMs,
          timer: undefined,
        };
        this.#places.push(place);
        this.#bind(place);
      }
    }
    for (const { name, socket } of this.unused()) {
      this.#parts.journal.emit('supervisor.socket-unused', { name, address: socket.address, port: socket.port });
    }
  }

  /** What is in use without the addresses that could not be bound and that nobody asks for any more. */
  withoutGivenUp(used: Briefing, wanted: ListenersSettings): Briefing {
    const entries = Object.entries(used.settings.listeners).map(([name, listener]) => {
      const unbound = this.#places.filter((place) => place.name === name && place.socket === undefined);
      const gone = unbound.map(({ address }) => address).filter((address) => !asks(wanted[name], address));
      const left = [listener.address].flat().filter((address) => !gone.includes(address));
      return [name, gone.length === 0 || left.length === 0 ? listener : { ...listener, address: left }];
    });
    const listeners = Object.fromEntries(entries) as ListenersSettings; // the same listeners
    return { ...used, settings: { ...used.settings, listeners } };
  }

  /** Waits no longer for places that could not be bound and that nobody asks for any more. */
  giveUp(wanted: ListenersSettings): void {
    const asked = ({ name, address, port }: Place): boolean =>
      asks(wanted[name], address) && (port === 0 || port === wanted[name]?.port);
    const left = this.#places.filter((place) => place.socket !== undefined || asked(place));
    if (left.length === this.#places.length) return;
    for (const place of this.#places) if (!left.includes(place)) place.timer?.cancel();
    this.#places.splice(0, this.#places.length, ...left);
    this.#parts.onChanged();
  }

  /** Sockets that systemd handed over and that are nobody's. */
  unused(): readonly { readonly name: string; readonly socket: BoundSocket }[] {
    return this.#parts.inherited.filter(({ socket }) => this.#places.every((place) => place.socket !== socket));
  }

  /** Every bound socket with the name of its listener. */
  bound(): readonly { readonly name: string; readonly socket: BoundSocket }[] {
    return this.#places.flatMap(({ name, socket }) => (socket === undefined ? [] : [{ name, socket }]));
  }

  states(): readonly ListenerState[] {
    return this.#places.map(({ name, profile, tls, address, port, socket, problem, sinceMs }) => ({
      name,
      profile,
      tls,
      address: socket?.address ?? address,
      port: socket?.port ?? port,
      state: socket === undefined ? 'failed' : 'bound',
      sinceMs,
      ...(problem === undefined ? {} : { problem, cause: this.#explain(problem, address) }),
    }));
  }

  close(): void {
    for (const place of this.#places) {
      place.timer?.cancel();
      place.socket?.close();
    }
    this.#places.length = 0;
  }

  #explain(errno: string, address: string): string {
    const { layer } = this.#parts;
    // A port that is taken is taken with and without one.
    return layer === undefined || errno === 'EADDRINUSE'
      ? explain(errno, address)
      : `${explain(errno, address)}; ${layer} stands before the sockets`;
  }

  #bind(place: Place): void {
    const { journal, clock } = this.#parts;
    try {
      place.socket = this.#bindSocket(place);
    } catch (error) {
      const errno = errnoOf(error);
      // A condition that lasts is told once, and again only when its cause changes.
      if (place.problem !== errno) {
        place.sinceMs = clock.wall();
        journal.emit('supervisor.listener-not-bound', {
          listener: place.name,
          address: place.address,
          port: place.port,
          errno,
          cause: this.#explain(errno, place.address),
        });
      }
      const changed = place.problem !== errno;
      place.problem = errno;
      if (changed) this.#parts.onChanged();
      place.timer = clock.after(place.waitMs, () => this.#bind(place));
      place.waitMs = Math.min(place.waitMs * 2, limits.bindRetryMsMax);
      return;
    }
    if (place.problem !== undefined) {
      place.sinceMs = clock.wall();
      journal.emit('supervisor.listener-bound', {
        listener: place.name,
        address: place.address,
        port: place.socket.port,
      });
    }
    place.problem = undefined;
    this.#parts.onChanged();
    this.#parts.onBound(place.name, place.socket);
    const twin = this.#other(place);
    if (twin?.socket !== undefined) {
      // Told for the pair, once: people wonder whether the two take the port from each other.
      journal.emit('supervisor.listeners-side-by-side', { listener: place.name, other: twin.name, port: place.port });
    }
  }

  /** Without IPv6 every IPv4 address is what is left of every address; where another place has those, nothing is. */
  #bindSocket(place: Place): BoundSocket {
    const { bind, journal } = this.#parts;
    try {
      return reallyAt(bind(place.address, place.port), place.port);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno !== 'EAFNOSUPPORT' || place.address !== EVERY_6 || this.#other(place) !== undefined) throw error;
      const socket = reallyAt(bind(EVERY_4, place.port), place.port);
      journal.emit('supervisor.listener-ipv4-only', { listener: place.name, port: place.port, errno });
      return socket;
    }
  }

  /** The place on every address of the other family that has the same port. */
  #other(place: Place): Place | undefined {
    const address = place.address === EVERY_6 ? EVERY_4 : place.address === EVERY_4 ? EVERY_6 : undefined;
    if (address === undefined || place.port === 0) return undefined;
    return this.#places.find((one) => one.port === place.port && one.address === address);
  }
}

/** A layer over the sockets may say that a port is bound, and bind another one, or none. */
function reallyAt(socket: BoundSocket, port: number): BoundSocket {
  if (port === 0 || socket.port === port) return socket;
  socket.close();
  throw Object.assign(new Error(`bound to port ${socket.port} in place of ${port}`), { code: 'EBADE' });
}

const EVERY_4 = '0.0.0.0';
const EVERY_6 = '::';

function asks(listener: ListenersSettings[string] | undefined, address: string): boolean {
  return [listener?.address ?? []].flat().includes(address);
}

/** Whether a socket has a listener's port on one of its addresses. */
function isAt(socket: BoundSocket, { address, port }: ListenersSettings[string]): boolean {
  const addresses = [address].flat();
  return (
    socket.port === port &&
    (addresses.includes(socket.address) || addresses.includes(socket.address.includes(':') ? '::' : '0.0.0.0'))
  );
}

function explain(errno: string, address: string): string {
  switch (errno) {
    case 'EADDRINUSE':
      return 'another program holds it (ss -tanp shows which)';
    case 'EACCES':
      return 'ports below 1024 need root or CAP_NET_BIND_SERVICE';
    case 'EADDRNOTAVAIL':
      return `this host does not have that address${address.includes(':') ? ', or its IPv6 is turned off' : ''} (ip address shows those it has)`;
    case 'EAFNOSUPPORT':
      return 'this host does not offer that address family';
    case 'EBADE':
      return 'bind() answers that it is done, and the port is not bound: a layer takes it over (ims doctor --only host.no-interposer)';
    case 'ENAMETOOLONG':
      return 'the path of a UNIX socket may have 107 octets at most';
    default:
      return 'the system refused it';
  }
}
