import { canonicalIp } from '../../../base/ip.ts';
import type { Settings } from '../../../settings/index.ts';
import { defineCheck, type Parts } from '../check.ts';
import { workersOf } from '../facts/service-identity.ts';
import { addressesOf, connectingResolver, smartHostsOf } from '../facts/smart-host-way.ts';
import { onLoopback, places, showPlace } from '../facts/usage.ts';
import { waitingDomains, waitingMail } from '../facts/waiting.ts';
import { askingMs, sampleMax } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence } from '../verdict.ts';

/** Strangers by addresses of documentation (RFC 5737 §3, RFC 3849), which are in nobody's network. */
const STRANGERS = ['203.0.113.7', '198.51.100.7', '2001:db8:ffff::7'];
const ELSEWHERE = { sender: 'stranger@from.invalid', recipient: 'somebody@to.invalid' };

interface Explained {
  readonly trusted?: boolean;
  readonly connection?: { readonly code: number };
  readonly sender?: { readonly code: number };
  readonly recipient?: { readonly code: number; readonly text: readonly string[] };
}

/** Settings say what should be; this asks what would be. */
export const relayRefused = defineCheck({
  id: 'policy.relay-refused',
  number: 903,
  title: 'The running service refuses to pass on mail of strangers',
  why: 'Every rule together decides, not each alone: the service is asked what it would answer a stranger who sends to elsewhere.',
  needs: ['settings', 'service'],
  after: ['service.answers', 'policy.no-open-relay'],
  cost: 'host',
  async look({ settings, service }) {
    if ((await workersOf({ service })).length === 0) return notApplicable('no worker runs that could accept mail');
    const local = settings.policy.localNetworks;
    const asked = await Promise.all(
      STRANGERS.map(async (client) => ({
        client,
        answer: (await service.request('policy.explain', { client, profile: 'mx', ...ELSEWHERE })) as
          | Explained
          | undefined,
      })),
    );
    if (asked.every(({ answer }) => answer === undefined))
      return unknown('the service did not say what it would answer');
    const code = (answer: Explained | undefined): number | undefined =>
      [answer?.connection, answer?.sender, answer?.recipient].find((reply) => (reply?.code ?? 0) >= 400)?.code ??
      answer?.recipient?.code;
    const evidence = asked.map(({ client, answer }) =>
      row(
        `${client} sends to ${ELSEWHERE.recipient}`,
        'refused',
        answer === undefined ? 'not said' : `${code(answer) ?? 'not said'} ${answer.recipient?.text[0] ?? ''}`.trim(),
      ),
    );
    const open = asked.find(({ answer }) => answer !== undefined && (code(answer) ?? 550) < 400);
    if (open === undefined) return healthy(evidence);
    return unhealthy(
      `The service would pass on mail of the stranger ${open.client} to anywhere: it is an open relay.`,
      {
        cure: `ims explain ${open.client} --to ${ELSEWHERE.recipient} names the rule; take it out of policy.localNetworks (${local.length} networks) or routing.relayDomains, then: ims reload`,
      },
      evidence,
    );
  },
});

function isOwn(address: string, { host, settings }: Pick<Parts, 'host' | 'settings'>): boolean {
  const read = host.addresses();
  const ip = canonicalIp(address) ?? address;
  const own = read.ok ? read.value.map((one) => canonicalIp(one.address) ?? one.address) : [];
  return own.includes(ip) || onLoopback(address) || settings.routing.ownNames.includes(address);
}

/** A smart host that is a listener of this server, under whatever name. */
async function smartHostHere({
  settings,
  host,
  resolver,
}: Pick<Parts, 'settings' | 'host' | 'resolver'>): Promise<
  { readonly name: string; readonly at: string; readonly port: number } | undefined
> {
  const ours = places(settings);
  // Behind a proxy the same address is another host.
  for (const { name, host: where, way } of smartHostsOf(settings)) {
    const listeners = ours.filter(({ port }) => port === where.port);
    if (way !== 'direct' || where.host.startsWith('/') || listeners.length === 0) continue;
    const found = await addressesOf({ host: where.host, way }, resolver);
    const addresses = 'failure' in found ? [] : found.map((one) => canonicalIp(one) ?? one);
    const taken = (address: string): boolean =>
      listeners.some((one) => one.address === (address.includes(':') ? '::' : '0.0.0.0') || one.address === address);
    if (addresses.some((address) => isOwn(address, { host, settings }) && taken(address)))
      return { name, at: where.host, port: where.port };
  }
  return undefined;
}

const routedElsewhere = ({ routing }: Settings, domain: string): boolean =>
  routing.addressSpaces.some(
    ({ match, via }) =>
      via !== 'mx' &&
      (match === '*' ||
        match.toLowerCase() === domain ||
        (match.startsWith('*.') && domain.endsWith(match.slice(1).toLowerCase()))),
  );

/** Mail that comes back is returned after a while, or goes in circles. */
export const noLoops = defineCheck({
  id: 'policy.no-loops',
  number: 904,
  title: 'No mail is sent to this server by itself',
  why: 'Where the best mail server of a domain is this one, and the domain is not one of ours, its mail would come back here (RFC 5321 §5.1).',
  needs: ['settings', 'host', 'resolver', 'service', 'clock'],
  after: ['configuration.loads'],
  cost: 'network',
  deadlineMs: askingMs,
  async look({ settings, host, resolver, service, clock }) {
    const connecting = connectingResolver({ settings, host, resolver, clock });
    const circle = await smartHostHere({ settings, host, resolver: connecting });
    if (circle !== undefined)
      return unhealthy(
        `routing.smartHosts.${circle.name} names ${showPlace(circle.at, circle.port)}, which is this server itself: mail that goes there would come back here, and is returned to its sender.`,
        {
          cure: `Correct routing.smartHosts.${circle.name}.hosts (or domains, if the mail is for this server), then: ims reload`,
          event: 4115,
        },
        [row(`host of ${circle.name}`, 'another server', `${showPlace(circle.at, circle.port)}: a listener of ours`)],
      );
    const waiting = await waitingMail({ service });
    const own = new Set(Object.keys(settings.domains).map((domain) => domain.toLowerCase()));
    const domains = [...new Set([...settings.routing.relayDomains, ...waitingDomains(waiting?.rows ?? [], sampleMax)])]
      .map((domain) => domain.toLowerCase())
      .filter((domain) => !domain.includes('*') && !own.has(domain) && !routedElsewhere(settings, domain))
      .slice(0, sampleMax);
    if (domains.length === 0)
      return notApplicable('no mail for domains of others is known that takes the way of their MX');
    const names = new Set([settings.server.name, ...settings.routing.ownNames].map((name) => name.toLowerCase()));
    const evidence: Evidence[] = [];
    let loop: { readonly domain: string; readonly exchange: string } | undefined;
    for (const [index, answer] of (
      await Promise.all(domains.map((domain) => resolver.query(domain, 'MX')))
    ).entries()) {
      const domain = domains[index] ?? '';
      if (answer.kind !== 'records') continue;
      const best = Math.min(...answer.records.map(({ preference }) => preference));
      const exchanges = answer.records.filter(({ preference }) => preference === best).map(({ exchange }) => exchange);
      evidence.push(row(`best MX of ${domain}`, 'another host', exchanges.join(', ')));
      for (const exchange of exchanges) {
        const addresses = names.has(exchange) ? undefined : await resolver.query(exchange, 'A');
        const here =
          addresses === undefined ||
          (addresses.kind === 'records' && addresses.records.some((address) => isOwn(address, { host, settings })));
        if (here) loop ??= { domain, exchange };
      }
    }
    if (loop === undefined) return healthy(evidence);
    return unhealthy(
      `The MX of ${loop.domain} is ${loop.exchange}, which is this host, and ${loop.domain} is not one of its domains: its mail would loop back here.`,
      {
        cure: `If it is yours, add domains.'${loop.domain}' (or a route in routing.addressSpaces), then: ims reload; else its owner must correct the MX`,
        event: 4115,
      },
      evidence,
    );
  },
});
