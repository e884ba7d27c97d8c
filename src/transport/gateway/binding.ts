import { isLoopback, parseIp } from '../../base/ip.ts';
import type { Clock } from '../../world/ports/clock.ts';
import type { ByteStream } from '../../world/ports/network.ts';
import type { ShellOpenFailure, ShellSession } from '../../world/ports/secure-shell.ts';
import { BANNER_BYTES_MAX, BANNER_WAIT_MS, LOOK_MS } from './limits.ts';
import { takeOver } from './take-over.ts';

/** What a binding needs. */
export interface BindingParts {
  readonly clock: Clock;
  readonly session: ShellSession;
  readonly address: string;
  readonly port: number;
  /** How our own banner begins, so that a session of ours is known. */
  readonly ownBanner: string;
  readonly killOldSession: boolean;
  /** This session has the port already, though the world did not reach it. */
  readonly held: boolean;
  /** Calls `arrived` while the returned function was not called, when a connection from the gateway itself comes in for the port. */
  readonly expectProbe: (port: number, arrived: () => void) => () => void;
}

/** How it came out. */
export type Bound =
  | { readonly kind: 'bound'; readonly endedOldSession: boolean }
  | { readonly kind: 'taken'; readonly why: string }
  /** `held`: the server binds it, and does not let go of it. */
  | { readonly kind: 'refused'; readonly why: string; readonly held?: boolean };

const NO_PORT = 'it forwards no port to us (AllowTcpForwarding, PermitListen)';
const NOTHING_FORWARDED =
  'it forwards nothing for us, neither ports nor connections: AllowTcpForwarding is no, or the key is restricted (restrict without port-forwarding)';

const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::', '*', '']);

/** The gateway's own address by which whatever is bound there is reached from within. */
function within(address: string): string {
  if (!WILDCARDS.has(address)) return address;
  return address === '::' ? '::1' : '127.0.0.1';
}

/** Binds a port on a gateway; finds out why where that is refused, and whether the world reaches it. */
export async function bindPort(parts: BindingParts): Promise<Bound> {
  const { session, address, port } = parts;
  if (parts.held || (await tryBind(session, address, port))) return checked(parts, false);
  const holder = await lookAt(parts);
  if (holder.kind === 'answers' && !holder.ours) return { kind: 'taken', why: holder.words };
  if (holder.kind === 'nobody') {
    // Whoever held it may have left between the two looks.
    if (await tryBind(session, address, port)) return checked(parts, false);
    return { kind: 'refused', why: await whyRefused(parts) };
  }
  if (holder.kind === 'unknown' && !(await tryBind(session, address, 0)))
    return { kind: 'refused', why: holder.forbidden ? NOTHING_FORWARDED : `${NO_PORT}; ${holder.why}` };
  const held = holder.kind === 'answers' ? holder.words : holder.why;
  if (!parts.killOldSession) return { kind: 'taken', why: `${held}; killOldSession is off` };
  const taken = await takeOver(session, port);
  if (taken.kind === 'unable')
    return { kind: 'taken', why: `${held}; it cannot be ended from here: ${taken.why}${byHand(parts)}` };
  if (taken.kind === 'held')
    return { kind: 'taken', why: `${held}; it is held by none of our sessions that may be ended${byHand(parts)}` };
  if (await tryBind(session, address, port)) return checked(parts, taken.kind === 'ended');
  return taken.kind === 'free' ? { kind: 'refused', why: await whyRefused(parts) } : { kind: 'taken', why: held };
}

/** Dropbear keeps all its sessions in the hands of root: whoever is logged in there may end none. */
function byHand({ session, port }: BindingParts): string {
  if (!/^dropbear/i.test(session.software)) return '';
  return `; sessions of Dropbear are root's, and only root ends an old one there (kill the process that ss -ltnp sport = :${port} names); with -K 10 Dropbear ends dead ones by itself`;
}

async function tryBind(session: ShellSession, address: string, port: number): Promise<boolean> {
  try {
    const bound = await session.bind(address, port);
    if (port === 0) await session.unbind(address, bound);
    return true;
  } catch {
    return false;
  }
}

/** Nothing holds the port, and still it is not ours to bind. */
async function whyRefused({ session, address, port }: BindingParts): Promise<string> {
  if (!(await tryBind(session, address, 0)))
    return `it binds no port for us: AllowTcpForwarding is no or local, or the key is restricted (PermitListen, permitlisten)`;
  const low = port < 1024 ? ` or ports below 1024 are root's there (net.ipv4.ip_unprivileged_port_start)` : '';
  return `it binds other ports for us, but not ${port}: PermitListen does not name it${low}`;
}

type Holder =
  | { readonly kind: 'answers'; readonly ours: boolean; readonly words: string }
  | { readonly kind: 'silent'; readonly why: string }
  | { readonly kind: 'nobody' }
  /** `forbidden`: the server lets us look nowhere. */
  | { readonly kind: 'unknown'; readonly why: string; readonly forbidden: boolean };

/** Who answers at the port, seen from the gateway itself. */
async function lookAt({ clock, session, address, port, ownBanner }: BindingParts): Promise<Holder> {
  let stream: ByteStream;
  try {
    stream = await session.open(within(address), port, LOOK_MS);
  } catch (error) {
    const { refusal, code, message } = error as ShellOpenFailure;
    if (refusal === 'not-connected' && code === 'ECONNREFUSED') return { kind: 'nobody' };
    const forbidden = refusal === 'prohibited' || refusal === 'unexplained';
    return { kind: 'unknown', why: `who holds the port cannot be seen from here (${message})`, forbidden };
  }
  const words = await bannerOf(stream, clock);
  if (words === '')
    return { kind: 'silent', why: 'something holds the port and says nothing, as an old session of ours would' };
  if (ownBanner !== '' && words.startsWith(ownBanner))
    return { kind: 'answers', ours: true, words: 'another session of ours holds the port' };
  return { kind: 'answers', ours: false, words: `a server there answers ${JSON.stringify(words)}` };
}

/** The first line that a server says, or '' where none comes in time. */
export function bannerOf(stream: ByteStream, clock: Pick<Clock, 'after'>): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const settle = (): void => {
      limit.cancel();
      stream.destroy();
      resolve(text.split(/\r?\n/, 1)[0]?.trim() ?? '');
    };
    const limit = clock.after(BANNER_WAIT_MS, settle);
    stream.start({
      data(chunk) {
        text += chunk.toString('latin1', 0, BANNER_BYTES_MAX);
        if (text.includes('\n') || text.length >= BANNER_BYTES_MAX) settle();
      },
      end: settle,
      drain() {},
      closed: settle,
    });
  });
}

/**
 * A server with `GatewayPorts no` says yes and binds its loopback address only. 127.0.0.2 tells: who listens on every address of
 * the gateway has it too. Where that cannot be asked, nothing is claimed.
 */
async function checked(parts: BindingParts, endedOldSession: boolean): Promise<Bound> {
  const { session, address, port } = parts;
  const bound = { kind: 'bound', endedOldSession } as const;
  const own = parseIp(address);
  if (own !== undefined && !WILDCARDS.has(address) && isLoopback(own)) return bound;
  const asked = address === '::' ? [] : WILDCARDS.has(address) ? ['127.0.0.2', session.address] : [address];
  const family = address.includes(':') ? 6 : 4;
  let refused = 0;
  for (const from of asked) {
    if (parseIp(from)?.family !== family) continue;
    const seen = await probe(parts, from);
    if (seen === 'reached') return bound;
    if (seen === 'unknown') return bound;
    refused += 1;
  }
  if (refused === 0 || (await probe(parts, '127.0.0.1')) !== 'reached') return bound;
  await session.unbind(address, port).catch(() => undefined);
  // Dropbear says that it gave the port back, and keeps it.
  const held = (await probe(parts, '127.0.0.1')) === 'reached';
  return {
    kind: 'refused',
    held,
    why: `it bound port ${port} on its loopback address only, out of the world's reach: GatewayPorts is no`,
  };
}

/** Connects on the gateway to what was just bound, and sees whether it comes out here. */
async function probe(
  { clock, session, port, expectProbe }: BindingParts,
  address: string,
): Promise<'reached' | 'refused' | 'unknown'> {
  let arrived = false;
  const over = expectProbe(port, () => {
    arrived = true;
  });
  try {
    const stream = await session.open(address, port, LOOK_MS);
    if (!arrived) await new Promise<void>((resolve) => void clock.after(200, resolve));
    stream.destroy();
    return arrived ? 'reached' : 'unknown';
  } catch (error) {
    return (error as ShellOpenFailure).code === 'ECONNREFUSED' &&
      (error as ShellOpenFailure).refusal === 'not-connected'
      ? 'refused'
      : 'unknown';
  } finally {
    over();
  }
}
