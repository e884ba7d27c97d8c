import { errnoOf } from '../../../events/fault.ts';
import type { SmartHostGroup } from '../../../settings/routing.ts';
import type { ProxyTerms } from '../../../transport/port.ts';
import { isProxyFault, proxyFaultInWords } from '../../../transport/proxy-fault.ts';
import { defineCheck, type Parts } from '../check.ts';
import { Dialogue } from '../facts/dialogue.ts';
import { type ForbiddingRoute, forbiddingRoutes, takeAway } from '../facts/forbidding-routes.ts';
import { interfaces } from '../facts/routes.ts';
import { addressesOf, connectingResolver, dialAny, smartHostsOf } from '../facts/smart-host-way.ts';
import { onLoopback, showPlace } from '../facts/usage.ts';
import { anotherProbeMs, checkMsMax, farDialMs, replyMs, searchDomainsMax } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence } from '../verdict.ts';
import { routeInWords } from './routes-forbid.ts';

const NO_ADDRESS = 'has no address in the name service';

type Probe = {
  readonly seen: string;
  readonly fault?: string;
  readonly unsure?: boolean;
  /** The route of this host that is in the way. */
  readonly route?: ForbiddingRoute;
};

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses the connection: nothing listens there, or a firewall rejects it',
  ETIMEDOUT: 'does not answer: it is down, or a firewall drops the connection',
  EHOSTUNREACH: 'cannot be reached: no route, or a firewall rejects it',
  ENETUNREACH: 'cannot be reached: this host has no route there',
  ECONNRESET: 'ended the connection at once',
};

/** Says hello, takes up TLS where it is offered, and looks what else is. */
async function greet(
  dialogue: Dialogue,
  group: SmartHostGroup,
  hello: string,
  secure: () => Promise<Dialogue>,
): Promise<Probe> {
  const banner = await dialogue.reply();
  if (typeof banner === 'string')
    return banner.startsWith('nothing')
      ? {
          seen: `it accepts the connection and sends no greeting: ${banner}`,
          fault: `accepts connections and sends no greeting (${banner}): it hangs, or waits for something else first`,
        }
      : { seen: banner, fault: `does not greet: ${banner}` };
  const said = banner.lines[0] ?? '';
  if (banner.code !== 220) return { seen: said, fault: `greets with a refusal: ${said}` };
  let offered = await dialogue.ask(hello);
  if (typeof offered === 'string') return { seen: offered, fault: `does not answer ${hello}: ${offered}` };
  if (offered.code >= 500 && offered.code <= 504 && group.protocol === 'lmtp')
    return {
      seen: offered.lines[0] ?? '',
      fault: `does not know LHLO (${offered.lines[0]}): it speaks SMTP, not LMTP; use its LMTP port, or protocol: smtp`,
    };
  if (offered.code !== 250) return { seen: offered.lines[0] ?? '', fault: `refuses our greeting: ${offered.lines[0]}` };
  const has = (reply: { readonly lines: readonly string[] }, word: string): boolean =>
    reply.lines.some((line) => line.slice(4).toUpperCase().split(' ')[0] === word);
  let tls = group.tls === 'implicit';
  if (!tls && group.tls !== 'none' && has(offered, 'STARTTLS')) {
    const ready = await dialogue.ask('STARTTLS');
    if (typeof ready === 'string' || ready.code !== 220)
      return {
        seen: typeof ready === 'string' ? ready : (ready.lines[0] ?? ''),
        fault: 'offers STARTTLS and then refuses it',
      };
    const again = await (await secure()).ask(hello);
    if (typeof again === 'string' || again.code !== 250)
      return { seen: 'silent after STARTTLS', fault: 'does not answer after STARTTLS' };
    offered = again;
    tls = true;
  }
  const seen = `${said}; ${tls ? 'TLS' : 'no TLS'}, ${has(offered, 'AUTH') ? 'AUTH' : 'no AUTH'}`;
  if (!tls && (group.tls === 'required' || group.tls === 'verified'))
    return { seen, fault: `does not offer STARTTLS, and tls: ${group.tls} is set: mail to it waits` };
  if (group.login !== undefined && !has(offered, 'AUTH'))
    return {
      seen,
      fault:
        !tls && has(offered, 'STARTTLS')
          ? `offers no login before STARTTLS, and tls: ${group.tls} is set (tls: required lets us log in)`
          : 'offers no login, and one is configured',
    };
  return { seen };
}

async function probe(
  group: SmartHostGroup,
  where: { readonly host: string; readonly port: number; readonly way: ProxyTerms | 'direct' },
  parts: Pick<Parts, 'settings' | 'resolver' | 'network' | 'clock' | 'host'>,
): Promise<Probe> {
  const found = await addressesOf(where, parts.resolver);
  if ('failure' in found) return { seen: `its address cannot be looked up: ${found.failure}`, unsure: true };
  const [first] = found;
  if (first === undefined) return { seen: NO_ADDRESS, fault: NO_ADDRESS };
  const { server, routing } = parts.settings;
  const name = group.heloName ?? routing.heloName ?? server.name;
  const hello = `${group.protocol === 'lmtp' ? 'LHLO' : 'EHLO'} ${name}`;
  const port = first.startsWith('/') ? 0 : where.port;
  try {
    const stream = await dialAny(where.way, { name: where.host, port }, found, parts);
    const secure = async (): Promise<Dialogue> => {
      const facts = await stream.startTlsClient({ serverName: where.host, timeoutMs: farDialMs });
      if (facts.verified === false && (group.tls === 'verified' || group.tls === 'implicit'))
        throw new Error(`shows a certificate that is not valid: ${facts.failure ?? 'unknown'}`);
      return new Dialogue(stream, parts.clock, replyMs);
    };
    try {
      const dialogue = group.tls === 'implicit' ? await secure() : new Dialogue(stream, parts.clock, replyMs);
      return await greet(dialogue, group, hello, secure);
    } finally {
      stream.destroy();
    }
  } catch (error) {
    // That says nothing of the host; the check of proxies names it.
    if (isProxyFault(error)) return { seen: proxyFaultInWords(error), unsure: true };
    const code = errnoOf(error);
    const route = where.way === 'direct' ? (await forbiddingRoutes(parts.host))(first) : undefined;
    if (route !== undefined) return { seen: code, fault: `cannot be reached (${code}): ${routeInWords(route)}`, route };
    const why = REASONS[code] ?? (error instanceof Error ? error.message : code);
    return { seen: why, fault: why };
  }
}

/** A probe, and another one beside it where that takes long: on a line that loses packets one silence proves nothing. */
async function probeWithPatience(...[group, where, parts]: Parameters<typeof probe>): Promise<Probe> {
  let another: Promise<Probe> | undefined;
  const timer = parts.clock.after(anotherProbeMs, () => {
    another = probe(group, where, parts);
  });
  const one = await probe(group, where, parts);
  timer.cancel();
  if (one.fault === undefined || another === undefined) return one;
  const other = await another;
  return other.fault === undefined && other.unsure !== true ? other : one;
}

/** The name that other programs of this host find, which append the domains of resolv.conf; this service asks for names as they stand. */
async function withSearchList(
  { host, resolver }: Pick<Parts, 'host' | 'resolver'>,
  name: string,
): Promise<string | undefined> {
  const text = await host.text('/etc/resolv.conf');
  const lines = (text.ok ? text.value : '').split('\n').map((line) => line.trim().split(/\s+/));
  const domains = lines.flatMap(([keyword, ...words]) => (keyword === 'search' || keyword === 'domain' ? words : []));
  const names = domains.slice(0, searchDomainsMax).map((domain) => `${name}.${domain.replace(/\.$/, '')}`);
  const found = await Promise.all(names.map((one) => addressesOf({ host: one, way: 'direct' }, resolver)));
  return names.find((_, at) => Array.isArray(found[at]) && found[at].length > 0);
}

async function loopbackDown(host: Parts['host']): Promise<boolean> {
  return (await interfaces(host))?.find(({ name }) => name === 'lo')?.up === false;
}

/** What takes our mail must be there. */
export const smartHostsAnswer = defineCheck({
  id: 'ways.smart-hosts',
  number: 801,
  title: 'Smart hosts and mail stores answer',
  why: 'Mail that goes to a host which does not answer, or does not offer what is required of it, waits and is returned when it expires.',
  needs: ['settings', 'host', 'resolver', 'network', 'clock'],
  after: ['configuration.loads', 'host.no-interposer', 'host.network', 'host.routes', 'ways.sockets'],
  cost: 'network',
  deadlineMs: checkMsMax,
  async look({ settings, host, ...others }) {
    const world = { ...others, resolver: connectingResolver({ settings, host, ...others }) };
    if (Object.keys(settings.routing.smartHosts).length === 0) return notApplicable('no smart host is configured');
    const all = smartHostsOf(settings);
    if (all.length === 0)
      return unknown('all of them are reached through gateways, or with a PROXY header, which this check does not try');
    const probes = await Promise.all(
      all.map(({ group, host: where, way }) =>
        probeWithPatience(group, { ...where, way }, { settings, host, ...world }),
      ),
    );
    const evidence: Evidence[] = all.map(({ name, host }, index) =>
      row(
        `${name}: ${showPlace(host.host, host.port)}`,
        'answers, and offers what is required',
        probes[index]?.seen ?? '',
      ),
    );
    const bad = probes.findIndex(({ fault }) => fault !== undefined);
    const first = all[bad];
    const lo = await loopbackDown(host);
    const full =
      first !== undefined && probes[bad]?.fault === NO_ADDRESS
        ? await withSearchList({ host, ...world }, first.host.host)
        : undefined;
    const local = first !== undefined && onLoopback(first.host.host) && !first.host.host.startsWith('/');
    if (first !== undefined && lo && local)
      return unhealthy(
        `${first.host.host} port ${first.host.port} of routing.smartHosts.${first.name} is unreachable because the loopback interface lo is down; the host itself may be well.`,
        { cure: 'ip link set lo up' },
        evidence,
      );
    const route = probes[bad]?.route;
    if (first !== undefined)
      return unhealthy(
        `${first.host.host} port ${first.host.port} of routing.smartHosts.${first.name}${first.way === 'direct' ? '' : ` (by way of the proxy ${first.way.name})`} ${probes[bad]?.fault}.`,
        {
          cure:
            route !== undefined
              ? `${takeAway(route)}; ${route.shownBy} shows it`
              : probes[bad]?.fault === NO_ADDRESS
                ? `${full === undefined ? '' : `Write ${full} as host: other programs find it by the search list of /etc/resolv.conf, which does not count here. Else: `}Correct the name in routing.smartHosts.${first.name}.hosts, or publish an address for it: dig ${first.host.host} A shows what is there; an address in ${settings.names.hostsFile || 'names.hostsFile'} serves too`
                : `Try it by hand: openssl s_client -starttls ${first.group.protocol} -connect ${showPlace(first.host.host, first.host.port)}; then correct routing.smartHosts.${first.name}, or the host`,
        },
        evidence,
      );
    const unsure = probes.find((one) => one.unsure);
    return unsure === undefined ? healthy(evidence) : unknown(`a host could not be tried: ${unsure.seen}`, evidence);
  },
});

/** A login needs a password. */
export const loginsComplete = defineCheck({
  id: 'ways.logins',
  number: 802,
  title: 'Logins at smart hosts have a password',
  why: 'Without its password the host refuses the login, and such mail waits.',
  needs: ['settings'],
  after: ['configuration.loads'],
  cost: 'host',
  look({ settings }) {
    const groups = Object.entries(settings.routing.smartHosts).filter(([, { login }]) => login !== undefined);
    if (groups.length === 0) return notApplicable('no smart host needs a login');
    const evidence = groups.map(([name, { login }]) =>
      row(`routing.smartHosts.${name}.login`, 'a password', (login?.password ?? '') === '' ? 'none' : 'there'),
    );
    const bare = groups.find(([, { login }]) => (login?.password ?? '') === '');
    if (bare !== undefined)
      return unhealthy(
        `The login at routing.smartHosts.${bare[0]} has no password.`,
        {
          cure: `Put it into a file of mode 600 and name it in routing.smartHosts.${bare[0]}.login.passwordFile, then: ims reload`,
        },
        evidence,
      );
    return healthy(evidence);
  },
});
