import { defineCheck, type Parts } from '../check.ts';
import { firewallChains, whatBlocks, whatDiverts, type Blocked, type Diverted } from '../facts/firewall.ts';
import { isForTrying, onLoopback, places, showPlace, type Place } from '../facts/usage.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence } from '../verdict.ts';

/** Interfaces by which others come, and this host leaves. */
export function outerInterfaces({ host }: Pick<Parts, 'host'>): readonly string[] {
  const read = host.addresses();
  return read.ok ? [...new Set(read.value.filter(({ internal }) => !internal).map((one) => one.interface))] : [];
}

const DOES = { drop: 'drops', reject: 'rejects', divert: 'sends elsewhere the' } as const;

/** Whether a rule sends connections to another place of ours, or where they went anyhow. */
function leadsToUs({ how }: Blocked, place: Place, all: readonly Place[], host: Parts['host']): boolean {
  if (typeof how !== 'object') return false;
  const { address, port = place.port }: Diverted = how.divertedTo;
  const read = host.addresses();
  const here = address === undefined || (read.ok && read.value.some((one) => one.address === address));
  return here && all.some((one) => one.port === port);
}

/** A port that listens behind a closed door. */
export const firewallOpen = defineCheck({
  id: 'listeners.firewall',
  number: 408,
  title: 'The firewall of this host lets connections through to the listeners',
  why: 'A rule that drops the port lets everything look well from this host, and nobody outside reaches it.',
  needs: ['settings', 'host'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, host }) {
    const wanted = places(settings).filter(({ address }) => !onLoopback(address));
    if (wanted.length === 0 || isForTrying(settings)) return notApplicable('no listener is meant for others');
    const chains = await firewallChains(host);
    if (chains === 'none') return notApplicable('neither nft nor iptables is here, which would show rules');
    if (chains === undefined)
      return unknown(
        'the rules of the firewall can be seen by root only: run it as root to see whether they let connections through',
      );
    const interfaces = outerInterfaces({ host });
    const evidence: Evidence[] = [];
    const closed: { readonly place: Place; readonly blocked: Blocked }[] = [];
    for (const place of wanted) {
      const family = place.address.includes(':') ? 6 : 4;
      const connection = { direction: 'in', family, port: place.port, interfaces } as const;
      const diverted = whatDiverts(chains, connection);
      const elsewhere = diverted !== undefined && !leadsToUs(diverted, place, wanted, host) ? diverted : undefined;
      const blocked = elsewhere ?? whatBlocks(chains, connection);
      evidence.push(
        row(
          `${place.name} at ${showPlace(place.address, place.port)}`,
          'let through',
          blocked === undefined ? 'nothing in the way' : `${blocked.where}: ${blocked.rule}`,
        ),
      );
      if (blocked !== undefined) closed.push({ place, blocked });
    }
    // A host that nobody reaches by IPv6 may well close it.
    const first =
      closed.find(({ place }) => !place.address.includes(':')) ??
      (closed.length === wanted.length ? closed[0] : undefined);
    if (first === undefined) return healthy(evidence);
    const { place, blocked } = first;
    return unhealthy(
      `The firewall of this host ${DOES[typeof blocked.how === 'object' ? 'divert' : blocked.how]} connections to port ${place.port} of listener ${place.name}: ${blocked.where}: ${blocked.rule}. The service listens, and nobody outside reaches it.`,
      { cure: `${blocked.cure} (and in the file that the rules come from, such as /etc/nftables.conf)` },
      evidence,
    );
  },
});
