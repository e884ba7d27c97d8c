import { askLivingList } from '../../authentication/block-list/index.ts';
import { canonicalIp, parseIp, reverseName } from '../../base/ip.ts';
import { errnoOf } from '../../events/fault.ts';
import type { GatewaySettings } from '../../settings/gateways.ts';
import { bannerOf, bindPort } from '../../transport/gateway/binding.ts';
import { HANDSHAKE_MS, LOOK_MS } from '../../transport/gateway/limits.ts';
import { troubleOf } from '../../transport/gateway/trouble.ts';
import { addressesOf } from '../../transport/proxy-address.ts';
import type { Resolver } from '../../world/ports/resolver.ts';
import type { Network } from '../../world/ports/network.ts';
import type { SecureShell, ShellOpenFailure, ShellSession } from '../../world/ports/secure-shell.ts';
import type { World } from '../../world/world.ts';
import { probePort25 } from '../setup/index.ts';

/** What a check of a gateway looks with. */
export interface GatewayCheckParts {
  readonly world: Pick<World, 'network' | 'clock'>;
  readonly shell: SecureShell;
  readonly resolver: Resolver;
  /** What its ports greet with. */
  readonly serverName: string;
  /** What mail greets with that leaves by it: the name that its public address should have. */
  readonly greetingName: string;
  readonly settings: GatewaySettings;
  /** A domain whose mail host is asked from there, whether port 25 is open outwards. */
  readonly probe?: string;
}

/** One thing that was looked at. */
export interface GatewayFinding {
  readonly what: string;
  readonly result: 'well' | 'bad' | 'unknown';
  readonly seen: string;
  /** What to do, where it is bad. */
  readonly cure?: string;
}

/** A list of addresses that send unwanted mail, asked by the name service (RFC 5782 §2.1). */
const LIST = 'zen.spamhaus.org';

const well = (what: string, seen: string): GatewayFinding => ({ what, result: 'well', seen });
const unknown = (what: string, seen: string): GatewayFinding => ({ what, result: 'unknown', seen });
const bad = (what: string, seen: string, cure: string): GatewayFinding => ({ what, result: 'bad', seen, cure });

const CURES = {
  'transport.gateway-unreachable':
    'See that the host runs and its SSH server answers; correct host and port of the gateway',
  'transport.gateway-host-key':
    'Compare it with `ssh-keygen -lf` on the gateway itself, and put the right one into hostKey',
  'transport.gateway-key-refused': 'Put the line of `ims gateway prepare` into authorized_keys of that user',
  'transport.gateway-key-unusable': 'Make a key without passphrase: ssh-keygen -t ed25519 -N ""',
  'transport.gateway-wrong-protocol': 'Correct host and port: the port must be that of its SSH server',
  'transport.gateway-forwarding-refused': 'Set up its sshd as `ims gateway prepare` prints it',
  'transport.gateway-lost': 'Try again; see the log of its SSH server',
} as const;

/** Looks at the far side of a gateway. A running service is not disturbed: what it holds there stays as it is. */
export async function checkGateway(parts: GatewayCheckParts): Promise<readonly GatewayFinding[]> {
  const { settings, shell, resolver } = parts;
  const what = `log in at ${settings.host}:${settings.port} as ${settings.user}`;
  if (settings.key === undefined)
    return [bad('private key', `there is none at ${settings.keyFile}`, CURES['transport.gateway-key-unusable'])];
  const found = await addressesOf(settings.host, resolver);
  if ('why' in found) return [bad(what, found.why, CURES['transport.gateway-unreachable'])];
  const { hostKey } = settings;
  const hostKeys = hostKey === undefined ? [] : typeof hostKey === 'string' ? [hostKey] : hostKey;
  let last: GatewayFinding = bad(what, 'it has no address', CURES['transport.gateway-unreachable']);
  for (const address of found.addresses) {
    const outcome = await shell.connect({
      address,
      port: settings.port,
      user: settings.user,
      privateKey: settings.key,
      hostKeys,
      connectTimeoutMs: Math.max(settings.connectTimeout, 5000),
      handshakeTimeoutMs: HANDSHAKE_MS,
      keepAliveMs: settings.keepAlive,
      keepAliveMax: settings.keepAliveMax,
    });
    if (outcome.kind === 'connected') {
      try {
        return [well(what, outcome.session.software), ...(await checkSession(parts, outcome.session))];
      } finally {
        outcome.session.close();
      }
    }
    const { event, why } = troubleOf(outcome, hostKeys);
    last = bad(what, why, CURES[event]);
    if (outcome.kind !== 'unreachable') break;
  }
  return [last];
}

async function checkSession(parts: GatewayCheckParts, session: ShellSession): Promise<readonly GatewayFinding[]> {
  const { settings, resolver, greetingName } = parts;
  const findings: GatewayFinding[] = [];
  const probes = new Map<number, () => void>();
  session.onConnection((connection) => {
    probes.get(connection.boundPort)?.();
    connection.refuse();
  });
  session.onEnd(() => undefined);
  for (const { address, port } of settings.listen)
    findings.push(await checkPort(parts, session, probes, address, port));
  findings.push(await checkOutward(session));
  if (parts.probe !== undefined) findings.push(await checkPort25(parts, session, parts.probe));
  const address = settings.publicAddress ?? session.address;
  for (const { port } of settings.listen) findings.push(await checkFromHere(parts, address, port));
  findings.push(
    await checkReverse(resolver, address, greetingName),
    await checkForward(resolver, address, greetingName),
  );
  findings.push(await checkListing(resolver, address));
  return findings;
}

async function checkPort(
  { world, settings, serverName }: GatewayCheckParts,
  session: ShellSession,
  probes: Map<number, () => void>,
  address: string,
  port: number,
): Promise<GatewayFinding> {
  const what = `bind ${address}:${port} there`;
  const ownBanner = `220 ${serverName} `;
  const bound = await bindPort({
    clock: world.clock,
    session,
    address,
    port,
    ownBanner,
    killOldSession: false,
    held: false,
    expectProbe: (number, arrived) => {
      probes.set(number, arrived);
      return () => void probes.delete(number);
    },
  });
  if (bound.kind === 'bound') {
    await session.unbind(address, port).catch(() => undefined);
    return well(what, 'allowed, and reached from outside of its loopback');
  }
  if (bound.kind === 'taken' && bound.why.startsWith('another session of ours'))
    return well(what, 'our service holds it and answers');
  const cure = `ims kb ${bound.kind === 'taken' ? 3664 : 3663}; the commands for the far side: ims gateway prepare`;
  return bad(what, bound.why, settings.listen.length === 0 ? '' : cure);
}

/** Whether it connects to others for us; its own SSH server is asked for, which is always there. */
async function checkOutward(session: ShellSession): Promise<GatewayFinding> {
  const what = 'connect from there';
  try {
    (await session.open('127.0.0.1', 9, LOOK_MS)).destroy();
    return well(what, 'allowed');
  } catch (error) {
    const { refusal, message } = error as ShellOpenFailure;
    if (refusal === 'not-connected' || refusal === 'unexplained') return well(what, 'allowed');
    return bad(what, message, CURES['transport.gateway-forwarding-refused']);
  }
}

/** Providers close port 25 outwards: connections there are dropped, or end at a server of theirs. */
async function checkPort25(
  { world, resolver }: GatewayCheckParts,
  session: ShellSession,
  domain: string,
): Promise<GatewayFinding> {
  const network: Pick<Network, 'dial'> = {
    dial: ({ address, port, timeoutMs }) => session.open(address, port, timeoutMs),
  };
  const { open, sentence } = await probePort25(domain, { network, clock: world.clock, resolver });
  const what = 'port 25 outwards from there';
  if (open === undefined) return unknown(what, sentence);
  if (open) return well(what, sentence);
  return bad(what, sentence, 'Let the provider of the gateway open port 25 outwards, or send by a smart host');
}

/** From this host the port looks as from anywhere, unless something on our own way out is closed. */
async function checkFromHere(
  { world, serverName }: GatewayCheckParts,
  address: string,
  port: number,
): Promise<GatewayFinding> {
  const what = `reach ${address}:${port} from this host`;
  try {
    const stream = await world.network.dial({ address, port, timeoutMs: LOOK_MS });
    const banner = await bannerOf(stream, world.clock);
    if (banner.startsWith(`220 ${serverName} `)) return well(what, banner);
    return unknown(what, banner === '' ? 'it is open, and says nothing' : `${JSON.stringify(banner)}, which is not us`);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ECONNREFUSED')
      return unknown(what, 'refused: nothing is bound there now (the service does not run?)');
    return unknown(what, `${code}: a firewall drops it there, or this host may not connect to port ${port}`);
  }
}

async function checkReverse(resolver: Resolver, address: string, serverName: string): Promise<GatewayFinding> {
  const what = `name of ${address} (PTR)`;
  const ip = parseIp(address);
  if (ip === undefined) return unknown(what, 'no address');
  const answer = await resolver.query(reverseName(ip), 'PTR');
  if (answer.kind === 'failure') return unknown(what, answer.reason);
  const names = answer.kind === 'records' ? answer.records : [];
  if (names.includes(serverName.toLowerCase())) return well(what, names.join(', '));
  const cure = `Let the provider of the gateway set the PTR record of ${address} to ${serverName}`;
  return bad(what, names.length === 0 ? 'there is none' : `it is ${names.join(', ')}`, cure);
}

/** A reverse name counts where it leads back. */
async function checkForward(resolver: Resolver, address: string, name: string): Promise<GatewayFinding> {
  const what = `addresses of ${name}, which mail from there greets with`;
  const [four, six] = await Promise.all([resolver.query(name, 'A'), resolver.query(name, 'AAAA')]);
  const found = [four, six].flatMap((answer) => (answer.kind === 'records' ? answer.records : []));
  if (found.some((one) => canonicalIp(one) === canonicalIp(address))) return well(what, found.join(', '));
  const failed = [four, six].find(({ kind }) => kind === 'failure');
  if (failed?.kind === 'failure') return unknown(what, failed.reason);
  const type = address.includes(':') ? 'AAAA' : 'A';
  const cure = `Publish: ${name}. 3600 IN ${type} ${address}; or set heloName of the gateway to the name that leads there`;
  return bad(what, found.length === 0 ? 'there are none' : `${found.join(', ')}, not ${address}`, cure);
}

async function checkListing(resolver: Resolver, address: string): Promise<GatewayFinding> {
  const what = `listing of ${address} at ${LIST}`;
  const canonical = canonicalIp(address) ?? '';
  if (parseIp(canonical)?.family !== 4) return unknown(what, 'asked for IPv4 only');
  const listing = await askLivingList(resolver, LIST, canonical);
  if (listing.kind === 'unseen') return unknown(what, listing.why);
  if (listing.kind === 'not-listed') return well(what, 'not listed');
  const found = `${listing.code} ${listing.why}`.trim();
  return bad(what, found, `Ask for its removal at https://check.spamhaus.org/, or take another address`);
}
