/** Whom a session is of: the client as the world sees it, by whatever way it came in. */
import { isLoopback, parseIp } from '../../base/ip.ts';
import type { Reply } from '../../mail/reply.ts';
import type { ForwardedClient } from '../../protocol/smtp/grammar/forwarded.ts';
import type { ByteStream } from '../../world/ports/network.ts';

/** What a listener lets a connection be. */
export interface ClientStanding {
  /** It came in by a gateway: none of our networks holds it. */
  readonly stranger: boolean;
  /** The connection is of a front host of ours: a proxy, a filter, that speaks for others. */
  readonly intermediary: boolean;
}

/** Gives the place of one client to another one, or says why not. */
export type Moved = (from: string, to: string) => Reply | undefined;

/** The client of one session; another one after XCLIENT. */
export class SessionClient {
  address: string;
  /** Its host name, where a trusted host told it; '' else. */
  name = '';
  /** The address of ours that it speaks to. */
  localAddress: string;
  stranger: boolean;
  /** The address is that of a front host of ours: it is judged by nothing that judges clients, and counted as none. */
  intermediary: boolean;

  readonly #moved: Moved;
  /** The front host is on this host. */
  readonly #frontIsHere: boolean;

  constructor(
    stream: Pick<ByteStream, 'client' | 'peer' | 'local'>,
    { stranger, intermediary }: ClientStanding,
    moved: Moved,
  ) {
    this.#moved = moved;
    this.address = stream.client.address;
    this.localAddress = stream.local.address;
    this.#frontIsHere = onThisHost(stream.peer.address);
    this.stranger = stranger || this.#isForeignLoopback();
    this.intermediary = intermediary;
  }

  /** What its place among the sessions is counted under; nothing for a front host, whose address all clients would share. */
  get place(): string {
    return this.intermediary ? '' : this.address;
  }

  /** Becomes the one that is spoken for, unless that one may not come. */
  becomes(said: ForwardedClient): Reply | undefined {
    const { address } = said;
    if (address !== undefined) {
      const refusal = address === this.place && !this.intermediary ? undefined : this.#moved(this.place, address);
      if (refusal !== undefined) return refusal;
      this.address = address;
      this.stranger ||= this.#isForeignLoopback();
      this.intermediary = false;
      this.name = '';
    }
    if (said.name !== undefined) this.name = said.name;
    if (said.localAddress !== undefined && said.localAddress !== '') this.localAddress = said.localAddress;
    return undefined;
  }

  /** The loopback address of another host, as a front host there tells it of its own processes: it is not ours, whatever our networks are. */
  #isForeignLoopback(): boolean {
    return !this.#frontIsHere && onThisHost(this.address);
  }
}

/** Whether a connection comes from this host: from loopback, or over a UNIX socket. */
function onThisHost(address: string): boolean {
  const ip = parseIp(address);
  return ip === undefined ? address.startsWith('/') : isLoopback(ip);
}
