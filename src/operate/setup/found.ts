import { X509Certificate } from 'node:crypto';
import { isInside } from '../../base/address-kinds.ts';
import { cidrSet } from '../../base/cidr.ts';
import { parseIp, reverseName } from '../../base/ip.ts';
import type { Clock } from '../../world/ports/clock.ts';
import type { Host } from '../../world/ports/host.ts';
import type { Resolver } from '../../world/ports/resolver.ts';
import { holdersOf, processFacts, processInWords } from '../doctor/facts/processes.ts';
import { listeningSockets } from '../doctor/facts/sockets.ts';
import { identityOf } from '../doctor/facts/users.ts';
import { CERTIFICATES_MAX, LOOK_UP_MS, NAMES_MAX } from './limits.ts';

/** A certificate that lies on this host with its key. */
export interface CertificateFound {
  readonly certificate: string;
  readonly key: string;
  /** The names that it is made out to, as it says them. */
  readonly names: readonly string[];
  readonly endsMs: number;
  /** Whether it fits a host name. */
  readonly fits: (hostname: string) => boolean;
}

/** A proxy that the environment names. */
export interface ProxyFound {
  readonly variable: string;
  /** As an answer for how to send. */
  readonly answer: string;
}

/** What could be seen of the host before anything was asked. */
export interface Found {
  /** Full names of this host, the likeliest first, each with where it comes from. */
  readonly names: readonly { readonly name: string; readonly from: string }[];
  /** The host name as the system has it; it may lack a domain. */
  readonly systemName: string;
  readonly addresses: readonly { readonly address: string; readonly public: boolean }[];
  /** Another program that listens on port 25, in words. */
  readonly port25: string | undefined;
  readonly certificates: readonly CertificateFound[];
  readonly proxies: readonly ProxyFound[];
  readonly root: boolean;
  /** Whether the usual service user exists. */
  readonly serviceUser: boolean;
  /** Whether this user may bind ports below 1024. */
  readonly lowPorts: boolean;
}

/** What looking needs. */
export interface Looking {
  readonly host: Host;
  readonly clock: Pick<Clock, 'after'>;
  readonly resolver: Resolver;
}

/** The user that a mail service usually runs as. */
export const SERVICE_USER = 'ims';
const LETSENCRYPT = '/etc/letsencrypt/live';

/** Networks of documentation and measurement, which nobody reaches either (RFC 6890 §2.2.2, §2.2.3). */
const UNUSED = cidrSet(['192.0.2.0/24', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32']);

function isPublic(address: string): boolean {
  const ip = parseIp(address);
  return ip !== undefined && !isInside(ip) && !UNUSED.contains(ip);
}

const dotted = (name: string): boolean =>
  /^[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(name) && !/\.(?:localdomain|local)$/i.test(name);

/** The full name that /etc/hosts has beside a short one. */
export function nameInHosts(hosts: string, short: string): string | undefined {
  for (const line of hosts.split('\n')) {
    const [, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (names.includes(short)) {
      const full = names.find(dotted);
      if (full !== undefined) return full;
    }
  }
  return undefined;
}

/** The domain that resolv.conf puts behind short names. */
export function searchDomain(resolvConf: string): string | undefined {
  const match = /^(?:domain|search)\s+(\S+)/m.exec(resolvConf);
  const name = match?.[1]?.replace(/\.$/, '');
  return name !== undefined && dotted(name) ? name : undefined;
}

/** An answer, or undefined where it takes too long. */
function within<T>(answer: Promise<T>, clock: Pick<Clock, 'after'>): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = clock.after(LOOK_UP_MS, () => resolve(undefined));
    void answer.then((value) => {
      timer.cancel();
      resolve(value);
    });
  });
}

async function namesOf(
  { host, resolver, clock }: Looking,
  system: string,
  addresses: Found['addresses'],
): Promise<Found['names']> {
  const names: { name: string; from: string }[] = [];
  if (dotted(system)) names.push({ name: system, from: 'the host name of the system' });
  const reverse = addresses
    .filter((one) => one.public)
    .slice(0, NAMES_MAX)
    .map(async ({ address }) => {
      const ip = parseIp(address);
      const answer = ip === undefined ? undefined : await within(resolver.query(reverseName(ip), 'PTR'), clock);
      return answer?.kind === 'records'
        ? { name: String(answer.records[0]), from: `the PTR record of ${address}` }
        : undefined;
    });
  for (const one of await Promise.all(reverse)) if (one !== undefined && dotted(one.name)) names.push(one);
  const [hosts, resolv] = await Promise.all([host.text('/etc/hosts'), host.text('/etc/resolv.conf')]);
  const inHosts = hosts.ok ? nameInHosts(hosts.value, system) : undefined;
  if (inHosts !== undefined) names.push({ name: inHosts, from: '/etc/hosts' });
  const domain = resolv.ok ? searchDomain(resolv.value) : undefined;
  if (domain !== undefined && system !== '' && !system.includes('.'))
    names.push({ name: `${system}.${domain}`, from: '/etc/resolv.conf' });
  return names.filter(({ name }, at) => names.findIndex((one) => one.name === name) === at);
}

async function port25Of(host: Host): Promise<string | undefined> {
  const sockets = (await listeningSockets(host))?.filter(({ port }) => port === 25) ?? [];
  const [first] = sockets;
  if (first === undefined) return undefined;
  const holders = await holdersOf(host, new Set(sockets.map(({ inode }) => inode)));
  const pid = [...holders.values()].flat()[0];
  const facts = pid === undefined ? undefined : await processFacts(host, pid);
  return facts === undefined ? `a program of uid ${first.uid}` : processInWords(facts);
}

function certificateIn(text: string, certificate: string, key: string): CertificateFound | undefined {
  try {
    const x509 = new X509Certificate(text);
    const names = (x509.subjectAltName ?? '')
      .split(', ')
      .flatMap((one) => (one.startsWith('DNS:') ? [one.slice(4)] : []));
    return {
      certificate,
      key,
      names,
      endsMs: Date.parse(x509.validTo),
      fits: (name) => x509.checkHost(name) !== undefined,
    };
  } catch {
    return undefined; // A file without a certificate is none to offer.
  }
}

async function certificatesOf(host: Host): Promise<readonly CertificateFound[]> {
  const names = await host.names(LETSENCRYPT);
  const found = (names.ok ? names.value : []).slice(0, CERTIFICATES_MAX).map(async (name) => {
    const certificate = `${LETSENCRYPT}/${name}/fullchain.pem`;
    const text = await host.text(certificate);
    return text.ok ? certificateIn(text.value, certificate, `${LETSENCRYPT}/${name}/privkey.pem`) : undefined;
  });
  return (await Promise.all(found)).filter((one) => one !== undefined);
}

const PROXY_VARIABLES = [
  'ALL_PROXY',
  'all_proxy',
  'SOCKS_PROXY',
  'socks_proxy',
  'HTTPS_PROXY',
  'https_proxy',
  'HTTP_PROXY',
  'http_proxy',
];

/** The proxies that the environment names, as answers. They are offered, never obeyed. */
export function proxiesIn(environment: Host['environment']): readonly ProxyFound[] {
  const found = PROXY_VARIABLES.flatMap((variable) => {
    const [, scheme = '', where = ''] =
      /^(socks5h?|http):\/\/(?:[^@/]*@)?([^/@]+)\/?$/i.exec(environment[variable] ?? '') ?? [];
    return scheme === '' ? [] : [{ variable, answer: `proxy=${scheme.toLowerCase().replace('5h', '5')}://${where}` }];
  });
  return found.filter(({ answer }, at) => found.findIndex((one) => one.answer === answer) === at);
}

async function lowPortsOf(host: Host): Promise<boolean> {
  if (host.self.uid === 0) return true;
  const first = await host.text('/proc/sys/net/ipv4/ip_unprivileged_port_start');
  return first.ok && Number(first.value) <= 25;
}

/** Looks at the host; what cannot be seen is left out. Takes a few seconds at most, and changes nothing. */
export async function lookAtHost(looking: Looking): Promise<Found> {
  const { host } = looking;
  const name = await host.text('/proc/sys/kernel/hostname');
  const systemName = name.ok ? name.value.trim().toLowerCase() : '';
  const read = host.addresses();
  const addresses = (read.ok ? read.value : [])
    .filter(({ internal }) => !internal)
    .map(({ address }) => ({ address, public: isPublic(address) }));
  const [names, port25, certificates, user, lowPorts] = await Promise.all([
    namesOf(looking, systemName, addresses),
    port25Of(host),
    certificatesOf(host),
    identityOf(host, SERVICE_USER),
    lowPortsOf(host),
  ]);
  const proxies = proxiesIn(host.environment);
  const root = host.self.uid === 0;
  return {
    names,
    systemName,
    addresses,
    port25,
    certificates,
    proxies,
    root,
    serviceUser: user !== undefined,
    lowPorts,
  };
}
