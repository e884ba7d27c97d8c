import { parseIp } from '../../../base/ip.ts';
import { errnoOf } from '../../../events/fault.ts';
import type { SmartHostGroup } from '../../../settings/routing.ts';
import { proxyOfGroup, waysOf } from '../../../flow/routing/ways.ts';
import type { ProxyTerms } from '../../../transport/port.ts';
import { isProxyFault, proxyFaultInWords } from '../../../transport/proxy-fault.ts';
import { dialThrough } from '../../../transport/through-proxy.ts';
import type { ByteStream } from '../../../world/ports/network.ts';
import { defineCheck, type Parts } from '../check.ts';
import { Dialogue } from '../facts/dialogue.ts';
import { interfaces } from '../facts/routes.ts';
import { onLoopback, showPlace } from '../facts/usage.ts';
import { checkMsMax, farDialMs, replyMs, sampleMax } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence } from '../verdict.ts';

type Probe = { readonly seen: string; readonly fault?: string; readonly unsure?: boolean };

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses the connection: nothing listens there, or a firewall rejects it',
  ETIMEDOUT: 'does not answer: it is down, or a firewall drops the connection',
  EHOSTUNREACH: 'cannot be reached: no route, or a firewall rejects it',
  ENETUNREACH: 'cannot be reached: this host has no route there',
  ECONNRESET: 'ended the connection at once',
};

async function addressOf(host: string, resolver: Parts['resolver']): Promise<{ readonly address: string } | Probe> {
  if (parseIp(host) !== undefined || host.startsWith('/')) return { address: host };
  const [four, six] = await Promise.all([resolver.query(host, 'A'), resolver.query(host, 'AAAA')]);
  for (const answer of [four, six])
    if (answer.kind === 'records' && answer.records[0] !== undefined) return { address: answer.records[0] };
  const failure = [four, six].find((answer) => answer.kind === 'failure');
  if (failure?.kind === 'failure') return { seen: `its address cannot be looked up: ${failure.reason}`, unsure: true };
  return { seen: 'has no address in the name service', fault: 'has no address in the name service' };
}

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
    return { seen, fault: 'offers no login, and one is configured' };
  return { seen };
}

/** The first way that mail takes to a group; undefined where it cannot be tried from here. */
function wayOf(group: SmartHostGroup, { routing, gateways }: Parts['settings']): ProxyTerms | 'direct' | undefined {
  if (group.proxyHeader !== 'none') return undefined;
  const ways = waysOf(proxyOfGroup(group), routing, gateways);
  if (ways.kind !== 'ways') return undefined;
  const [way = 'direct'] = ways.ways;
  return way === 'direct' || way.kind !== 'ssh-gateway' ? way : undefined;
}

async function dialBy(
  way: ProxyTerms | 'direct',
  target: { readonly name: string; readonly address: string; readonly port: number },
  { network, clock, resolver }: Pick<Parts, 'network' | 'clock' | 'resolver'>,
): Promise<ByteStream> {
  if (way === 'direct' || target.address.startsWith('/')) return network.dial({ ...target, timeoutMs: farDialMs });
  const request = { ...target, timeoutMs: farDialMs, ways: [way] };
  const end = await dialThrough(way, request, { world: { network, clock }, resolver });
  if (end.kind === 'open') return end.stream;
  throw end.kind === 'target-unreachable' ? end.error : end.fault;
}

async function probe(
  group: SmartHostGroup,
  where: { readonly host: string; readonly port: number; readonly way: ProxyTerms | 'direct' },
  parts: Pick<Parts, 'settings' | 'resolver' | 'network' | 'clock'>,
): Promise<Probe> {
  const elsewhere = where.way !== 'direct' && where.way.resolve === 'proxy';
  const found = elsewhere ? { address: where.host } : await addressOf(where.host, parts.resolver);
  if (!('address' in found)) return found;
  const { name } = parts.settings.server;
  const hello = `${group.protocol === 'lmtp' ? 'LHLO' : 'EHLO'} ${name}`;
  const port = found.address.startsWith('/') ? 0 : where.port;
  try {
    const stream = await dialBy(where.way, { name: where.host, address: found.address, port }, parts);
    const secure = async (): Promise<Dialogue> => {
      const facts = await stream.startTlsClient({ serverName: where.host, timeoutMs: farDialMs });
      if (facts.verified === false && (group.tls === 'verified' || group.tls === 'implicit'))
        throw new Error(`its certificate is not valid: ${facts.failure ?? 'unknown'}`);
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
    const why = REASONS[code] ?? (error instanceof Error ? error.message : code);
    return { seen: why, fault: why };
  }
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
  after: ['configuration.loads', 'host.no-interposer', 'host.network'],
  cost: 'network',
  deadlineMs: checkMsMax,
  async look({ settings, host, ...world }) {
    const groups = Object.entries(settings.routing.smartHosts);
    if (groups.length === 0) return notApplicable('no smart host is configured');
    const all = groups
      .flatMap(([name, group]) => {
        const way = wayOf(group, settings);
        return way === undefined ? [] : group.hosts.map((host) => ({ name, group, host, way }));
      })
      .slice(0, sampleMax);
    if (all.length === 0)
      return unknown('all of them are reached through gateways, or with a PROXY header, which this check does not try');
    const probes = await Promise.all(
      all.map(({ group, host: where, way }) => probe(group, { ...where, way }, { settings, ...world })),
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
    const local = first !== undefined && onLoopback(first.host.host) && !first.host.host.startsWith('/');
    if (first !== undefined && lo && local)
      return unhealthy(
        `${first.host.host} port ${first.host.port} of routing.smartHosts.${first.name} is unreachable because the loopback interface lo is down; the host itself may be well.`,
        { cure: 'ip link set lo up' },
        evidence,
      );
    if (first !== undefined)
      return unhealthy(
        `${first.host.host} port ${first.host.port} of routing.smartHosts.${first.name}${first.way === 'direct' ? '' : ` (by way of the proxy ${first.way.name})`} ${probes[bad]?.fault}.`,
        {
          cure: `Try it by hand: openssl s_client -starttls ${first.group.protocol} -connect ${showPlace(first.host.host, first.host.port)}; then correct routing.smartHosts.${first.name}, or the host`,
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
