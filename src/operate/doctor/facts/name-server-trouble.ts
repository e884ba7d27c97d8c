/** What is the matter with a name server that does not answer as it should, and what can be done. */
import { isLoopback, parseIp } from '../../../base/ip.ts';
import { errnoOf } from '../../../events/fault.ts';
import { printExtendedError } from '../../../protocol/dns/extended-error.ts';
import { printNameServer, type NameServer } from '../../../transport/resolver/name-servers.ts';
import type { Parts } from '../check.ts';
import { nameServerPlainMs, nameServerSignMs, nameServerWaitMs, noSuchNameMs } from '../limits.ts';
import { row, type Evidence } from '../verdict.ts';
import { chainInWords, forwarderChain } from './forwarders.ts';
import { askByTcp, askByUdp, askIdentity, rcodeName, type AskParts, type NameServerReply } from './name-server.ts';

/** The name of the root. */
export const ROOT = '';
/** Where systemd-resolved keeps the servers that it asks itself. */
export const BEHIND_THE_STUB = '/run/systemd/resolve/resolv.conf';
/** No reply at all. */
export const NOTHING: NameServerReply = { kind: 'silent', why: '' };

/** The stubs that other programs put into resolv.conf, and whose they are. */
const STUBS: Readonly<Record<string, string>> = {
  '127.0.0.53': 'the stub of systemd-resolved',
  '127.0.0.54': 'the proxy of systemd-resolved',
  '127.0.0.11': 'the name server that Docker gives its containers',
};

const has = (reply: NameServerReply, ...rcodes: readonly number[]): boolean =>
  reply.kind === 'response' && rcodes.includes(reply.response.rcode);

/** Names that have an address for everybody. */
const HOSTS = ['gmail.com', 'outlook.com'];

const NOERROR = 0;
const NXDOMAIN = 3;

/** Whether a reply answers the question, with records or with a no. */
export const resolves = (reply: NameServerReply): boolean => has(reply, NOERROR, NXDOMAIN);

const isEmpty = (reply: NameServerReply): boolean =>
  reply.kind === 'response' && has(reply, NOERROR) && reply.response.answers.length === 0;

/** Whether a server refuses the form of the question: it may know it without EDNS (RFC 6891 §7). */
export const refusesForm = (reply: NameServerReply): boolean => has(reply, 1, 4);

/** How a server takes the question for the root, as the service would ask it. */
export interface RootReply {
  readonly reply: NameServerReply;
  /** Not even the root exists for it, nor any other name that is asked. */
  readonly knowsNothing: boolean;
  /** What became of the question with EDNS (RFC 6891), with which the service begins. */
  readonly withEdns: NameServerReply;
}

/**
 * Asks for the root; without EDNS where the server refuses that, or loses such questions; where it knows no root, for names that may be
 * all it knows. One that is slow gets no more questions than it needs.
 */
async function askRoot(world: AskParts, server: NameServer, names: readonly string[]): Promise<RootReply> {
  let plain: Promise<NameServerReply> | undefined;
  const askPlain = (waitMs: number): Promise<NameServerReply> => {
    plain ??= askByUdp(world, server, ROOT, 'NS', { edns: false, waitMs });
    return plain;
  };
  const late = world.clock.after(nameServerPlainMs, () => void askPlain(nameServerWaitMs - nameServerPlainMs));
  const withEdns = await askByUdp(world, server, ROOT, 'NS');
  late.cancel();
  const refused = refusesForm(withEdns) || (withEdns.kind === 'silent' && plain !== undefined);
  const without = refused ? await askPlain(nameServerWaitMs - nameServerPlainMs) : withEdns;
  const reply = without.kind === 'silent' ? withEdns : without;
  // One that takes so long is told for that: more questions would take as long again.
  const saysNo = has(reply, NXDOMAIN) || isEmpty(reply);
  if (reply.kind === 'silent' || reply.tookMs > nameServerSignMs || (has(reply, NOERROR) && !saysNo))
    return { reply, knowsNothing: false, withEdns };
  if (!saysNo) {
    // Some routers and stubs answer for hosts only: the root, and whose servers a domain has, are none.
    const hosts = await Promise.all(HOSTS.map((name) => askByUdp(world, server, name, 'A')));
    const found = hosts.find((one) => one.kind === 'response' && has(one, NOERROR) && one.response.answers.length > 0);
    return { reply: found ?? reply, knowsNothing: false, withEdns: found ?? withEdns };
  }
  const others = await Promise.all([
    ...names.map((name) => askByUdp(world, server, name, 'NS')),
    ...(isEmpty(reply) ? HOSTS.map((name) => askByUdp(world, server, name, 'A')) : []),
  ]);
  // The same no to every name.
  const sameNo = isEmpty(reply) ? isEmpty : (one: NameServerReply) => has(one, NXDOMAIN);
  return { reply, knowsNothing: others.every(sameNo), withEdns };
}

/** Names of which any server knows one, also one that serves a private network only. */
const namesToKnow = ({ server, domains }: Parts['settings']): readonly string[] => {
  const own =
    parseIp(server.name) === undefined ? [server.name, server.name.slice(server.name.lastIndexOf('.') + 1)] : [];
  return [...new Set(['com', 'net', 'org', ...own, ...Object.keys(domains).slice(0, 3)])].map((name) =>
    name.toLowerCase(),
  );
};

/** What asking every server for the root takes. */
export type RootParts = AskParts & Pick<Parts, 'settings' | 'nameServers' | 'memory'>;

/** Asks every server for the root; checks of one run that want to know ask once. */
export function askRoots(parts: RootParts): readonly Promise<RootReply>[] {
  const { memory, nameServers, settings } = parts;
  memory.roots ??= nameServers.servers.map((server) => askRoot(parts, server, namesToKnow(settings)));
  return memory.roots;
}

/** How a server takes the question for a name that does not exist. */
export interface ChanceReply {
  readonly server: NameServer;
  readonly name: string;
  readonly reply: NameServerReply;
}

/** Asks every server for names that do not exist; checks of one run that want to know ask once. */
export function askChance(parts: AskParts & Pick<Parts, 'nameServers' | 'memory'>): readonly Promise<ChanceReply>[] {
  const { memory, nameServers, random } = parts;
  // .invalid never exists (RFC 6761 §6.4), and some rewrite only below domains that do; the labels are chance, so that no cache knows them.
  const names = ['invalid', 'com'].map((parent) => `${random.bytes(8).toString('hex')}.${parent}`);
  memory.chance ??= nameServers.servers.flatMap((server) =>
    names.map(async (name) => ({
      server,
      name,
      reply: await askByUdp(parts, server, name, 'A', { waitMs: noSuchNameMs }),
    })),
  );
  return memory.chance;
}

/** What a reply was, in words. */
export function seen(reply: NameServerReply): string {
  if (reply.kind === 'silent') return reply.why;
  const errors = (reply.response.errors ?? []).map((error) => `, ${printExtendedError(error)}`).join('');
  return `${rcodeName(reply.response.rcode)}${errors} after ${reply.tookMs} ms`;
}

/** A cause as the beginning of a sentence, and what was seen on the way to it. */
export interface Trouble {
  readonly cause: string;
  readonly evidence: readonly Evidence[];
}

/** Why no answer comes: nobody listens, somebody listens who cannot answer, or nothing is seen of it. */
export async function whySilent(
  parts: AskParts & Pick<Parts, 'host'>,
  server: NameServer,
  from: string,
  why: string,
): Promise<Trouble> {
  const shown = printNameServer(server);
  const [identity, byTcp, tcp, chain] = await Promise.all([
    askIdentity(parts, server, nameServerSignMs),
    askByTcp(parts, server, ROOT, 'NS', nameServerSignMs),
    parts.network.dial({ ...server, timeoutMs: nameServerSignMs }).then(
      (stream) => {
        stream.destroy();
        return 'open';
      },
      (error: unknown) => errnoOf(error) || 'no connection',
    ),
    forwarderChain(parts.host, server),
  ]);
  const evidence = [
    row(
      `what ${shown} says of itself`,
      'something',
      identity === undefined ? 'nothing' : identity || 'an answer without a name',
    ),
    row(`TCP port ${server.port} of ${shown}`, 'open', tcp),
    ...(chain.forwarders.length === 0 ? [] : [row('forwarding on this host', 'ends elsewhere', chainInWords(chain))]),
  ];
  if (chain.loop !== undefined)
    return {
      cause: `Name server ${shown} forwards in a loop (${chainInWords(chain)}): questions circle until they are dropped`,
      evidence,
    };
  if (byTcp.kind === 'response' && identity === undefined)
    return {
      cause: `Name server ${shown} answers by TCP and not by UDP: something on the way drops UDP to port ${server.port}, which every question takes first`,
      evidence: [...evidence, row(`${shown} asked by TCP`, 'an answer', seen(byTcp))],
    };
  if (identity !== undefined)
    return {
      cause: `Name server ${shown} is alive${identity === '' ? '' : ` (${identity})`} and answers no question: it forwards in a loop, or to servers that do not answer`,
      evidence,
    };
  if (tcp !== 'ECONNREFUSED') return { cause: `Name server ${shown} does not answer (${why})`, evidence };
  const stub = STUBS[server.address];
  return {
    cause:
      stub === undefined
        ? `Name server ${shown} does not answer: nothing listens on its port ${server.port}`
        : `${from === 'settings' ? 'names.servers' : '/etc/resolv.conf'} names ${shown}, ${stub}, and nothing listens there: that service does not run here`,
    evidence,
  };
}

const REFUSED_FOR: Readonly<Record<number, string>> = {
  2: 'it cannot reach those that it asks',
  0: 'it knows no name at all. Such a no is not believed, and mail for elsewhere waits',
  3: 'it knows no name at all. Such a no is not believed, and mail for elsewhere waits',
  5: 'it does not serve this host',
};

const MENDS: Readonly<Record<number, string>> = {
  2: 'Mend it (its way to the Internet, those that it asks, its clock)',
  5: 'Let it serve this host (its access list)',
};

/** What the owner of a server that answers so can do about it. */
export const mendOf = (reply: NameServerReply): string | undefined =>
  reply.kind === 'response' ? (MENDS[reply.response.rcode] ?? 'Mend it') : undefined;

/** A server that answers, and says that it cannot. */
export async function whyRefused(
  host: Parts['host'],
  server: NameServer,
  reply: Extract<NameServerReply, { kind: 'response' }>,
): Promise<Trouble> {
  const shown = printNameServer(server);
  const chain = await forwarderChain(host, server);
  const evidence =
    chain.forwarders.length === 0 ? [] : [row('forwarding on this host', 'ends elsewhere', chainInWords(chain))];
  if (chain.loop !== undefined)
    return { cause: `Name server ${shown} forwards in a loop (${chainInWords(chain)})`, evidence };
  const said = (reply.response.errors ?? []).map(printExtendedError).join('; ');
  const why = REFUSED_FOR[reply.response.rcode] ?? 'it cannot or will not resolve';
  const answer = isEmpty(reply) ? 'without any record' : rcodeName(reply.response.rcode);
  return {
    cause: `Name server ${shown} answers ${answer} even for the root${said === '' ? '' : ` (${said})`}: ${why}`,
    evidence,
  };
}

/** What a person can do: start what is there, or name another. */
export async function cureFor(
  { address }: NameServer,
  from: string,
  host: Parts['host'],
  mend?: string,
): Promise<string> {
  const where = from === 'settings' ? 'names.servers' : '/etc/resolv.conf or names.servers';
  const behind = await host.text(BEHIND_THE_STUB);
  const others = behind.ok ? [...behind.value.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, one]) => one) : [];
  const named = others.length === 0 ? 'another one' : `${others.join(' and ')} (systemd-resolved asks it)`;
  const ip = parseIp(address);
  const local = ip !== undefined && isLoopback(ip);
  const first = STUBS[address]?.includes('systemd')
    ? 'systemctl start systemd-resolved'
    : local
      ? 'Start it, or give it another server to ask'
      : 'Start it (or what is between: a firewall on port 53)';
  return `${mend ?? first}; or name ${named} in ${where}, then: ims reload`;
}
