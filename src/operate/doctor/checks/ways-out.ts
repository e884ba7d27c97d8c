import { defineCheck, type Parts } from '../check.ts';
import { firewallChains, whatBlocks } from '../facts/firewall.ts';
import { forbiddingRoutes, takeAway } from '../facts/forbidding-routes.ts';
import { type Dialled, dialOutside, NOBODY, type OutsideHost, outsideHosts } from '../facts/outside.ts';
import { isForTrying } from '../facts/usage.ts';
import { checkMsMax } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Cure, type Evidence, type Verdict } from '../verdict.ts';
import { outerInterfaces } from './firewall.ts';
import { dialsTheWorld } from './routes.ts';
import { routeInWords } from './routes-forbid.ts';

const SMTP = 25;
/** Ports of the same host that hardly any filter closes together with 25. */
const OTHER_PORTS = [587, 465, 443, 80];

const words = (one: Dialled): string =>
  one.kind === 'open' ? (one.banner === '' ? 'takes the connection' : one.banner) : one.errno;

interface Tried {
  readonly host: OutsideHost;
  readonly smtp: Dialled;
  /** Another port of the same host that answers, or refuses: it is there. */
  readonly other?: { readonly port: number; readonly dialled: Dialled } | undefined;
}

const isThere = (one: Dialled): boolean => one.kind === 'open' || one.errno === 'ECONNREFUSED';

/** Tries a host; one that does not answer is tried again, while its other ports are. */
async function tryHost(parts: Pick<Parts, 'network' | 'clock' | 'settings'>, host: OutsideHost): Promise<Tried> {
  const { address } = host;
  const { port } = parts.settings.routing;
  const first = await dialOutside(parts, { address, port }, false);
  if (first.kind === 'open') return { host, smtp: first };
  const [again, ...others] = await Promise.all([
    first.errno === 'ETIMEDOUT' ? dialOutside(parts, { address, port }, false) : first,
    ...OTHER_PORTS.map((other) => dialOutside(parts, { address, port: other }, false)),
  ]);
  const open = others.findIndex(({ kind }) => kind === 'open');
  const at = open === -1 ? others.findIndex(isThere) : open;
  const dialled = others[at];
  return { host, smtp: again, other: dialled === undefined ? undefined : { port: OTHER_PORTS[at] ?? 0, dialled } };
}

const OWN_FIREWALL = new Set(['EPERM', 'EACCES']);
const REJECTED = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'EPERM', 'EACCES', 'EPROTO', 'ENOPROTOOPT']);

/** What a host that is there and does not answer on the port tells. */
function blockedHow({ smtp, other }: Tried): 'dropped' | 'rejected' | 'reset' | undefined {
  if (smtp.kind === 'open' || other === undefined) return undefined;
  if (smtp.errno === 'ETIMEDOUT') return 'dropped';
  if (REJECTED.has(smtp.errno)) return 'rejected';
  // Refused on the one and open on the other: a firewall may do so, and a host that takes no mail.
  return smtp.errno === 'ECONNREFUSED' && other.dialled.kind === 'open' ? 'reset' : undefined;
}

const CURE: Cure = {
  cure: 'Ask your provider to open outbound TCP port 25, or send by way of a smart host on port 587 or 465 (routing.smartHosts), a proxy (routing.proxies) or a gateway; mail waits meanwhile',
  event: 3350,
};

async function ownRule(
  { host }: Pick<Parts, 'host'>,
  port: number,
): Promise<{ readonly cause: string; readonly cure: string } | undefined> {
  const chains = await firewallChains(host);
  if (chains === undefined || chains === 'none') return undefined;
  const blocked = whatBlocks(chains, { direction: 'out', family: 4, port, interfaces: outerInterfaces({ host }) });
  return blocked === undefined
    ? undefined
    : {
        cause: `The firewall of this host ${blocked.how}s outbound TCP port ${port}: ${blocked.where}: ${blocked.rule}.`,
        cure: blocked.cure,
      };
}

function judge(tried: readonly Tried[], port: number, evidence: readonly Evidence[]): Verdict {
  const stopped = tried.map((one) => ({ one, how: blockedHow(one) }));
  const sure = stopped.filter(({ how }) => how === 'dropped' || how === 'rejected');
  const reset = stopped.filter(({ how }) => how === 'reset');
  // One host may have gone out of the business of mail; not while it takes mail on another port.
  const forMail = reset.some(({ one }) => one.other?.port === 587 || one.other?.port === 465);
  const first = sure[0] ?? (reset.length === tried.length && (reset.length >= 2 || forMail) ? reset[0] : undefined);
  if (tried.some(({ smtp }) => smtp.kind === 'open')) return healthy(evidence);
  if (first === undefined)
    return unknown(
      `no mail host outside answers on port ${port}, nor on other ports: whether they or the way are down cannot be told`,
      evidence,
    );
  const { host, smtp, other } = first.one;
  const errno = smtp.kind === 'closed' ? smtp.errno : '';
  const same = `the same host ${other?.dialled.kind === 'open' ? 'answers' : 'is there'} on port ${other?.port ?? 0}`;
  const where = `${host.name} [${host.address}]`;
  const cause =
    first.how === 'dropped'
      ? `Outbound TCP port ${port} is blocked on the way: ${where} gives no answer on port ${port}, and ${same}. A filter, most likely of your provider, drops the packets; the mail hosts are not down.`
      : first.how === 'rejected'
        ? `Outbound TCP port ${port} is blocked: a firewall rejects connections to ${where} port ${port} (${errno}, ICMP "administratively prohibited" or the like), and ${same}. The mail hosts are not down.`
        : `Outbound TCP port ${port} is blocked: every mail host refuses connections on port ${port}, and ${same}. A firewall on the way answers in their place.`;
  return unhealthy(
    cause,
    OWN_FIREWALL.has(errno)
      ? { ...CURE, cure: `nft list ruleset and iptables-save on this host show the rule; ${CURE.cure}` }
      : CURE,
    evidence,
  );
}

/** Hosts outside to look at; or why there is nothing to see. */
async function hostsToTry(
  parts: Pick<Parts, 'settings' | 'host' | 'resolver' | 'service'>,
): Promise<readonly OutsideHost[] | Verdict> {
  const { settings } = parts;
  if (isForTrying(settings) || !dialsTheWorld(settings))
    return notApplicable('no mail goes straight to the hosts of its domain');
  const hosts = await outsideHosts(parts);
  return hosts.length === 0 ? notApplicable('no mail waits for a host outside that could be tried') : hosts;
}

/** Providers close port 25 outward, and say nothing. */
export const portOut = defineCheck({
  id: 'ways.port-25',
  number: 803,
  title: 'Connections to mail hosts outside are let through',
  why: 'Many providers close TCP port 25 outward, silently: then every mail host seems down.',
  needs: ['settings', 'host', 'resolver', 'network', 'clock', 'service'],
  after: ['configuration.loads', 'host.network', 'host.no-interposer'],
  cost: 'network',
  deadlineMs: checkMsMax,
  async look(parts) {
    const { settings, host } = parts;
    if (isForTrying(settings) || !dialsTheWorld(settings))
      return notApplicable('no mail goes straight to the hosts of its domain');
    const { port } = settings.routing;
    const own = await ownRule({ host }, port);
    if (own !== undefined)
      return unhealthy(own.cause, { cure: own.cure, event: 3350 }, [
        row('firewall of this host', 'lets it out', own.cause),
      ]);
    const hosts = await hostsToTry(parts);
    if ('kind' in hosts) return hosts;
    const tried = await Promise.all(hosts.map((one) => tryHost(parts, one)));
    const evidence = tried.flatMap(({ host: one, smtp, other }) => [
      row(`${one.name} [${one.address}] port ${port}`, 'takes the connection', words(smtp)),
      ...(other === undefined
        ? []
        : [row(`${one.name} [${one.address}] port ${other.port}`, 'for comparison', words(other.dialled))]),
    ]);
    const forbids = await forbiddingRoutes(host);
    for (const { host: one, smtp } of tried) {
      const route = smtp.kind === 'open' ? undefined : forbids(one.address);
      if (route !== undefined && smtp.kind === 'closed')
        return unhealthy(
          `Mail to ${one.name} [${one.address}] cannot leave this host (${smtp.errno}): ${routeInWords(route)} (${route.shownBy} shows it).`,
          { cure: takeAway(route), event: 3350 },
          evidence,
        );
    }
    const four = tried.filter(({ host: one }) => !one.address.includes(':'));
    const six = tried.filter(({ host: one }) => one.address.includes(':'));
    if (four.length === 0) return judge(six, port, evidence);
    const verdict = judge(four, port, evidence);
    const other = six.length === 0 ? undefined : judge(six, port, evidence);
    // Mail goes out by the one where it cannot by the other.
    return verdict.kind === 'healthy' && other?.kind === 'unhealthy'
      ? unknown(`IPv4 is well, and mail by IPv6 is delayed: ${other.cause}`, evidence)
      : verdict;
  },
});

const bannerName = (banner: string): string => /^220[ -]([^\s]+)/.exec(banner)?.[1]?.toLowerCase() ?? '';
const organisation = (name: string): string => name.split('.').slice(-2).join('.');

/** Some networks answer in the place of every mail host. */
export const notIntercepted = defineCheck({
  id: 'ways.not-intercepted',
  number: 804,
  title: 'Nobody on the way answers in the place of mail hosts',
  why: 'Some networks redirect every connection to port 25 to a filter of their own, which reads the mail and takes TLS away.',
  needs: ['settings', 'host', 'resolver', 'network', 'clock', 'service'],
  after: ['configuration.loads', 'host.network', 'host.no-interposer'],
  cost: 'network',
  deadlineMs: checkMsMax,
  async look(parts) {
    const { port } = parts.settings.routing;
    if (port !== SMTP) return notApplicable(`mail hosts are reached on port ${port}`);
    const hosts = await hostsToTry(parts);
    if ('kind' in hosts) return hosts;
    const [nobody, ...seen] = await Promise.all([
      dialOutside(parts, { address: NOBODY, port: SMTP }, true),
      ...hosts.map(({ address }) => dialOutside(parts, { address, port: SMTP }, true)),
    ]);
    const evidence = [
      row(`${NOBODY}, which no host has`, 'no answer', words(nobody)),
      ...hosts.map(({ name, address }, index) =>
        row(`${name} [${address}]`, 'its own banner', words(seen[index] ?? nobody)),
      ),
    ];
    const tls = (one: Dialled | undefined): boolean =>
      one?.kind === 'open' && one.offers.some((word) => word.startsWith('STARTTLS'));
    const answers = hosts.flatMap((host, index) => {
      const one = seen[index];
      const name = one?.kind === 'open' ? bannerName(one.banner) : '';
      return name === '' ? [] : [{ host, name, tls: tls(one) }];
    });
    const alike = answers.filter(
      ({ name, tls: offered, host }) =>
        !offered && organisation(name) !== organisation(host.name) && name === answers[0]?.name,
    );
    const byAll =
      alike.length >= 2 &&
      alike.length === answers.length &&
      new Set(alike.map(({ host }) => organisation(host.name))).size >= 2;
    const stranger = nobody.kind === 'open' ? bannerName(nobody.banner) : '';
    if (stranger === '' && !byAll) return healthy(evidence);
    const who = stranger === '' ? (alike[0]?.name ?? '') : stranger;
    const same = answers.filter(({ name }) => name === who).map(({ host }) => host.name);
    return unhealthy(
      `Connections to port 25 are intercepted: '${who}' answers in the place of ${same.length === 0 ? 'every host' : same.join(', ')}${stranger === '' ? '' : ` and of ${NOBODY}, an address that no host has`}${alike.length > 0 ? ', and offers no TLS' : ''}. The network redirects outbound mail to a filter of its own.`,
      {
        cure: 'Ask your provider to end it, or send by way of a smart host on port 587 or 465 (routing.smartHosts), a proxy or a gateway; routing.tls: required keeps mail from going through it in the clear',
        event: 3452,
      },
      evidence,
    );
  },
});
