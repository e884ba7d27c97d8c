/** The room where connections become sessions, and where sessions end when the service does. */
import { cidrSets } from '../../base/cidr.ts';
import { printReply, type Reply } from '../../mail/reply.ts';
import { createServerMachine } from '../../protocol/smtp/server/machine.ts';
import type { ServerOffer } from '../../protocol/smtp/server/port.ts';
import { writeReply } from '../../protocol/smtp/grammar/reply.ts';
import { replies } from '../../protocol/smtp/replies.ts';
import type { ListenerSettings } from '../../settings/listeners.ts';
import type { ByteStream } from '../../world/ports/network.ts';
import type { Random } from '../../world/ports/random.ts';
import { createGate } from './gate.ts';
import type { Descriptors } from './gate.ts';
import type { Leases } from './leases.ts';
import { lingerMs, lingeringWithin } from './limits.ts';
import { SessionClient } from './client.ts';
import { ProxyHeaders } from './proxy-headers.ts';
import type { Room } from './room.ts';
import { Session } from './session.ts';
import { Storing } from './storing.ts';
import { TimerWheel } from './timer-wheel.ts';

/** A listener as reception needs to know it. */
export type ReceptionListener = Pick<
  ListenerSettings,
  'profile' | 'tls' | 'greetingDelay' | 'xclient' | 'proxyProtocol'
> & {
  readonly name: string;
  /** Connections come by a gateway: never from a network of ours. */
  readonly byGateway?: boolean;
  /** The name by which clients of that gateway know us, where it is not that of the server. */
  readonly hostName?: string | undefined;
  /** We made the connection ourselves, and its roles were turned (RFC 2645 §5.3). */
  readonly turned?: Turned;
};

/** A connection that we made to be sent what is held for us. */
export interface Turned {
  /** Mail is taken for these alone, in lower case. */
  readonly domains: ReadonlySet<string>;
  /** The session is over, or was none. */
  over(end: { readonly messages: number; readonly why: string }): void;
}

/** The sessions of a worker at a moment. */
export interface SessionSummary {
  readonly open: number;
  /** Of them, those within a transaction. */
  readonly busy: number;
  readonly byProfile: Readonly<Record<'mx' | 'submission' | 'lmtp', number>>;
  readonly refused: number;
  readonly accepted: number;
}

/** The room as listeners and the life cycle see it. */
export interface Reception {
  /** Takes a connection: it becomes a session, or is told why not. */
  accept(stream: ByteStream, listener: ReceptionListener): void;
  sessions(): SessionSummary;
  /** What later sessions work with, after a reload. Open sessions keep what they began with. */
  use(changes: Partial<Pick<Room, 'settings' | 'policy' | 'preparation' | 'serverName'>>): void;
  /** Ends sessions with 421 at their next safe point; after the grace those that remain are cut. Resolves when none is left. */
  stop(graceMs: number): Promise<void>;
}

/** What reception is made of. */
export interface ReceptionOptions extends Omit<Room, 'wheel' | 'proxyHeaders' | 'storing'> {
  readonly random: Pick<Random, 'bytes'>;
  readonly leases: Leases;
  readonly descriptors: Descriptors;
}

/** Makes the room. One per worker. */
export function createReception(options: ReceptionOptions): Reception {
  const { clock, journal } = options;
  const setOf = cidrSets();
  const own = { wheel: new TimerWheel(clock), proxyHeaders: new ProxyHeaders(journal), storing: new Storing() };
  let room: Room = { ...options, ...own };
  const gate = createGate({ leases: options.leases, descriptors: options.descriptors, journal, clock });
  const open = new Set<Session>();
  const prefix = options.random.bytes(5).toString('hex');
  let accepted = 0;
  let lingering = 0;
  let stopped: (() => void) | undefined;
  let stopping = false;
  const withoutTls = new Set<string>();

  const ended = (session: Session): void => {
    if (!open.delete(session)) return;
    gate.leave(session.client.place);
    if (open.size === 0) stopped?.();
  };

  /** A place for the client that a session is to be of, in exchange for that of the one before. */
  const moved = (from: string, to: string): Reply | undefined => {
    const refusal = gate.enter(to);
    if (refusal === undefined) gate.leave(from);
    return refusal;
  };

  /** Says why not, and closes; a few clients are given time to read it and to say what they are saying. */
  const turnAway = (stream: ByteStream, listener: ReceptionListener, reply: Reply): void => {
    room.counted?.('refused', listener.name);
    if (listener.tls === 'implicit') return stream.destroy();
    if (lingering >= lingeringWithin(options.descriptors.limit)) {
      // Whoever has sent nothing yet still reads it: the system resets a connection only where octets were left unread.
      stream.end(writeReply(reply), 'both-ways');
      return stream.destroy();
    }
    lingering += 1;
    let over = false;
    const leave = (): void => {
      if (over) return;
      over = true;
      lingering -= 1;
      timer.cancel();
    };
    const timer = clock.after(lingerMs, () => {
      stream.destroy();
      leave();
    });
    stream.start({ data() {}, end() {}, drain() {}, closed: leave });
    stream.end(writeReply(reply));
  };

  const offerOf = (listener: ReceptionListener, client: SessionClient, speaksForOthers: boolean): ServerOffer => {
    const { profile } = listener;
    const { settings, policy } = room;
    return {
      profile,
      hostName: listener.hostName ?? room.serverName,
      banner: profile === 'lmtp' ? 'LMTP IMS' : 'ESMTP IMS',
      startTls: startTlsOf(listener, room.tls() !== undefined),
      mechanisms: profile === 'submission' ? ['PLAIN', 'LOGIN'] : [],
      authInClear: false,
      get authRequired() {
        return profile === 'submission' && (client.stranger || !policy.trusts(client.address));
      },
      etrn: profile === 'mx',
      speaksForOthers,
      get mayBecomeAnother() {
        return speaksForOthers && listener.xclient !== undefined && setOf(listener.xclient).has(client.address);
      },
      messageSizeMax: settings.messageSizeMax,
      recipientsMax: settings.recipientsMax,
      messagesMax: settings.messagesPerSessionMax,
      errorsMax: settings.errorsMax,
      bareLineEndings: settings.bareLineEndings,
      introduce: room.introductions?.of(listener.name),
    };
  };

  const accept = (stream: ByteStream, listener: ReceptionListener): void => {
    if (stopping) {
      listener.turned?.over({ messages: 0, why: 'the service stops' });
      turnAway(stream, listener, replies.shuttingDown);
      return;
    }
    const encrypted = listener.proxyProtocol?.tls === 'counts' && stream.tlsToProxy !== undefined;
    const needsTls = listener.tls === 'implicit' || (listener.tls === 'required' && !encrypted);
    if (needsTls && room.tls() === undefined) {
      if (!withoutTls.has(listener.name)) journal.emit('reception.tls-missing', { listener: listener.name });
      withoutTls.add(listener.name);
      turnAway(stream, listener, replies.notYetServing);
      return;
    }
    withoutTls.delete(listener.name);
    const front = frontOf(listener, stream, setOf);
    const stranger = listener.byGateway === true;
    const client = new SessionClient(
      stream,
      { stranger, intermediary: front !== 'none' || listener.turned !== undefined },
      moved,
    );
    const refusal = gate.enter(client.place);
    if (refusal !== undefined) {
      listener.turned?.over({ messages: 0, why: printReply(refusal) });
      turnAway(stream, listener, refusal);
      return;
    }
    accepted += 1;
    room.counted?.('accepted', listener.name);
    const session = new Session({
      id: `${prefix}-${accepted.toString(36)}`,
      room,
      stream,
      client,
      machine: createServerMachine(offerOf(listener, client, front === 'filter')),
      profile: listener.profile,
      listener: listener.name,
      hostName: listener.hostName,
      ...(listener.turned === undefined ? {} : { turned: listener.turned }),
      encrypted,
      begin: listener.tls === 'implicit' ? 'tls' : listener.greetingDelay ? 'greeting-delay' : 'banner',
      ended,
    });
    open.add(session);
    session.open();
  };

  const stop = (graceMs: number): Promise<void> => {
    stopping = true;
    return new Promise((resolve) => {
      const grace = clock.after(graceMs, () => {
        if (open.size > 0) journal.emit('reception.sessions-cut', { sessions: open.size, grace: graceMs });
        for (const session of [...open]) session.destroy('the service stopped');
      });
      stopped = () => {
        grace.cancel();
        room.wheel.stop();
        resolve();
      };
      for (const session of [...open]) session.shutDown();
      if (open.size === 0) stopped();
    });
  };

  return {
    accept,
    stop,
    use(changes) {
      room = { ...room, ...changes };
    },
    sessions() {
      const byProfile = { mx: 0, submission: 0, lmtp: 0 };
      let busy = 0;
      for (const session of open) {
        byProfile[session.profile] += 1;
        if (session.busy) busy += 1;
      }
      return { open: open.size, busy, byProfile, refused: gate.refused, accepted };
    },
  };
}

/**
 * Whether a front host of ours speaks for itself: a filter, which may say XCLIENT, or a proxy that checks whether we are there.
 * Never one that came in by a gateway, whose address proves nothing here.
 */
function frontOf(
  { xclient, proxyProtocol, byGateway }: ReceptionListener,
  { client, peer }: ByteStream,
  setOf: ReturnType<typeof cidrSets>,
): 'filter' | 'proxy' | 'none' {
  if (byGateway === true) return 'none';
  if (xclient !== undefined && setOf(xclient).has(client.address)) return 'filter';
  if (proxyProtocol === undefined || client.address !== peer.address) return 'none';
  return setOf(proxyProtocol.trusted).has(peer.address) ? 'proxy' : 'none';
}

function startTlsOf(listener: ReceptionListener, certificate: boolean): ServerOffer['startTls'] {
  if (listener.tls === 'required') return 'required';
  return listener.tls === 'starttls' && certificate ? 'offered' : 'off';
}
