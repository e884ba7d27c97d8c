import { isInside } from '../../../base/address-kinds.ts';
import { canonicalIp, parseIp } from '../../../base/ip.ts';
import { domainKey } from '../../../mail/mailbox.ts';
import { defineCheck, type Parts } from '../check.ts';
import { introduce, type Introduction } from '../facts/introduction.ts';
import { outsideView, type OutsideView, seenFromOutside, type SeenOutside } from '../facts/outside-view.ts';
import { publishedDomains } from '../facts/published.ts';
import { isForTrying } from '../facts/usage.ts';
import { outsideDomainsMax, outsideHostsMax } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence, type Verdict } from '../verdict.ts';

type Look = Pick<Parts, 'settings' | 'resolver' | 'service' | 'network' | 'clock' | 'random' | 'host'>;

/** A mail host of a domain of ours, as the view has it. */
interface MailHost {
  readonly name: string;
  /** The domains that it is a mail host of. */
  readonly domains: readonly string[];
  readonly addresses: readonly string[];
  /** Why its addresses are not known. */
  readonly why?: string;
  /** It has a name of ours: it is to be this server, and no front server of others. */
  readonly own: boolean;
}

const inside = (address: string): boolean => {
  const ip = parseIp(address);
  return ip !== undefined && isInside(ip);
};

async function mailHosts(
  { settings, resolver }: Look,
  view: OutsideView,
): Promise<readonly MailHost[] | { readonly why: string }> {
  const domains = (await publishedDomains(resolver, settings)).slice(0, outsideDomainsMax);
  const found = new Map<string, string[]>();
  let why: string | undefined;
  for (const [index, hosts] of (await Promise.all(domains.map((domain) => view.mailHosts(domain)))).entries()) {
    if ('why' in hosts) why ??= hosts.why;
    else
      for (const name of hosts.slice(0, outsideHostsMax)) {
        const of = found.get(domainKey(name)) ?? [];
        of.push(domains[index] ?? '');
        found.set(domainKey(name), of);
      }
  }
  if (found.size === 0 && why !== undefined) return { why };
  const own = ownNames(settings);
  return Promise.all(
    [...found].map(async ([name, of]): Promise<MailHost> => {
      const addresses = await view.addresses(name);
      const facts = { name, domains: of, own: own.has(name) || of.includes(name) };
      return 'why' in addresses ? { ...facts, addresses: [], why: addresses.why } : { ...facts, addresses };
    }),
  );
}

function ownNames({ server, routing, gateways }: Parts['settings']): ReadonlySet<string> {
  const faces = Object.values(gateways).flatMap(({ host, listen }) => (listen.length === 0 ? [] : [host]));
  return new Set([server.name, ...routing.ownNames, ...faces].map(domainKey));
}

/** The addresses under which we are known to be reached: public ones of this host, and those of gateways that listen for us. */
function publicAddresses({ settings, host }: Pick<Look, 'settings' | 'host'>): readonly string[] {
  const read = host.addresses();
  const here = (read.ok ? read.value : []).filter((one) => !one.internal && !inside(one.address));
  const faces = Object.values(settings.gateways).flatMap(({ host: name, publicAddress, listen }) =>
    listen.length === 0 ? [] : [publicAddress ?? name],
  );
  return [...new Set([...here.map(({ address }) => address), ...faces.flatMap((one) => canonicalIp(one) ?? [])])];
}

/** Where the router is to send the port: the address that this host has inside, and the port of the listener. */
function innerPlace({ settings, host }: Pick<Look, 'settings' | 'host'>): string {
  const read = host.addresses();
  const here = (read.ok ? read.value : []).find((one) => one.family === 4 && !one.internal)?.address;
  const mx = Object.values(settings.listeners).find(({ profile }) => profile === 'mx');
  return `${here ?? 'this host'} port ${mx?.port ?? 25}`;
}

const typeOf = (address: string): string => (address.includes(':') ? 'AAAA' : 'A');

/** An inner address where everybody looks: nobody outside can connect to it. */
function innerFault(hosts: readonly MailHost[], view: OutsideView, known: readonly string[]): Verdict | undefined {
  const host = hosts.find(({ addresses }) => addresses.some(inside));
  const inner = host?.addresses.find(inside);
  if (host === undefined || inner === undefined) return undefined;
  const family = inner.includes(':') ? 6 : 4;
  const better =
    known.find((one) => one.includes(':') === (family === 6)) ??
    `<your public IPv${family} address: that of the router, or of the gateway>`;
  return unhealthy(
    `${host.name}, a mail host of ${host.domains.join(', ')}, has the inner address ${inner} in the public name service: nobody outside this network can connect to it, and no mail comes in.`,
    { cure: `Change the ${typeOf(inner)} record of ${host.name} from ${inner} to ${better}` },
    hosts.map((one) => hostRow(one, view)),
  );
}

function hostRow({ name, addresses, why }: MailHost, { words }: OutsideView): Evidence {
  const kinds = addresses.map((one) => (inside(one) ? `${one} (inner)` : one));
  return row(`addresses of ${name}, by ${words}`, 'public ones', kinds.join(', ') || (why ?? 'none'));
}

interface Probed {
  readonly host: MailHost;
  /** What was dialled: an address, or the name where only the far side knows its address. */
  readonly place: string;
  readonly seen: SeenOutside;
}

async function probe(
  look: Look,
  way: string,
  hosts: readonly MailHost[],
  view: OutsideView,
  introduction: Introduction,
): Promise<readonly Probed[]> {
  const places = hosts.flatMap((host) =>
    (view.outside ? host.addresses : [host.name]).slice(0, outsideHostsMax).map((place) => ({ host, place })),
  );
  return Promise.all(
    places.map(async (one) => ({ ...one, seen: await seenFromOutside(look, way, one.place, introduction) })),
  );
}

function probedRow({ place, seen }: Probed, way: string): Evidence {
  const words: Readonly<Record<SeenOutside['kind'], string>> = {
    ours: 'this service',
    'turned-away': 'banner' in seen ? seen.banner : '',
    foreign: 'banner' in seen ? `another server: ${seen.banner}` : '',
    closed: 'why' in seen ? `no connection: ${seen.why}` : '',
    'not-seen': 'why' in seen ? `could not be tried: ${seen.why}` : '',
  };
  return row(`port 25 of ${place}, from ${way}`, 'this service', words[seen.kind]);
}

function probedFault(probed: readonly Probed[], look: Look, evidence: readonly Evidence[]): Verdict | undefined {
  // What is no name of ours may be a front server that passes mail on.
  const mine = probed.filter(({ host }) => host.own);
  const fault = mine.find(({ seen }) => seen.kind === 'closed') ?? mine.find(({ seen }) => seen.kind === 'foreign');
  if (fault === undefined) return undefined;
  const { host, place, seen } = fault;
  const record = place === host.name ? `the address of ${host.name}` : `${place}, the address of ${host.name},`;
  const forward = `Let the router that has ${place === host.name ? 'that address' : place} forward TCP port 25 to ${innerPlace(look)}; where it is not the address of your router or gateway any more, change the ${typeOf(place)} record of ${host.name}`;
  const closed = seen.kind === 'closed';
  const cause = closed
    ? `Hosts outside cannot connect to port 25 of ${record} (${seen.why}): no mail comes in.`
    : `At port 25 of ${record} hosts outside meet another server (${'banner' in seen ? seen.banner : ''}): mail for us goes there.`;
  const more = closed ? '; or ask the provider whether it blocks port 25' : '';
  return unhealthy(cause, { cure: `${forward}${more}` }, evidence);
}

/** What the view alone tells, where nothing is connected to. */
function byNamesAlone(hosts: readonly MailHost[], look: Look, view: OutsideView): Verdict {
  const evidence = hosts.map((one) => hostRow(one, view));
  const inner = hosts.find(({ addresses }) => addresses.some(inside));
  // What is seen from within a split name service proves nothing about the outside.
  if (inner !== undefined)
    return notApplicable(
      `by the name servers of this host ${inner.name} has an inner address, which others may see another way: set doctor.outsideResolver or doctor.outsideProbe to look from outside`,
    );
  const known = publicAddresses(look);
  const here = hosts.some(({ addresses }) => addresses.some((one) => known.includes(one)));
  const expected = known.join(', ') || 'not known here: behind a router';
  return healthy([...evidence, row('our public addresses', expected, here ? 'among them' : 'not among them')]);
}

/** Others must find us where our domains say that we are. */
export const mailHostsLeadHere = defineCheck({
  id: 'outside.mail-hosts',
  number: 1601,
  title: 'The mail hosts of our domains lead here, seen from outside',
  why: 'Behind a router (NAT) sending works although nobody can send to us: where MX and A name an inner address, or the router does not forward port 25. From inside this cannot be seen; doctor.outsideResolver and doctor.outsideProbe, or --outside, look from outside.',
  needs: ['settings', 'resolver', 'service', 'network', 'clock', 'random', 'host'],
  after: [],
  cost: 'network',
  deadlineMs: 8000,
  async look(parts) {
    const { settings } = parts;
    if (isForTrying(settings)) return notApplicable('only this host reaches the listeners');
    const view = outsideView(parts);
    const hosts = await mailHosts(parts, view);
    if ('why' in hosts)
      return unknown(`the mail hosts of our domains cannot be looked up by ${view.words}: ${hosts.why}`);
    if (hosts.length === 0) return notApplicable('no domain of ours is in the name service');
    const fault = view.outside ? innerFault(hosts, view, publicAddresses(parts)) : undefined;
    if (fault !== undefined) return fault;
    const way = settings.doctor.outsideProbe;
    if (way === undefined) return byNamesAlone(hosts, parts, view);
    const introduction = await introduce(parts, Object.keys(settings.listeners));
    if (introduction === undefined)
      return unknown('the service does not run, or does not answer: nothing could be recognised from outside');
    const probed = await probe(parts, way, hosts, view, introduction);
    const evidence = [...hosts.map((one) => hostRow(one, view)), ...probed.map((one) => probedRow(one, way))];
    const unseen = probed.find(({ seen }) => seen.kind === 'not-seen')?.seen;
    return (
      probedFault(probed, parts, evidence) ??
      (unseen === undefined || probed.some(({ seen }) => seen.kind === 'ours')
        ? healthy(evidence)
        : unknown('why' in unseen ? unseen.why : '', evidence))
    );
  },
});
