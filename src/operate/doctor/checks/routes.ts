import { canonicalIp } from '../../../base/ip.ts';
import type { Settings } from '../../../settings/index.ts';
import { defineCheck } from '../check.ts';
import { interfaceInWords, interfaces, routesOut } from '../facts/routes.ts';
import { isForTrying, isStore, needsNames } from '../facts/usage.ts';
import { mtuMin4, mtuMin6 } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown } from '../verdict.ts';

/** Whether mail for anywhere goes straight to the hosts of its domain. */
export function dialsTheWorld(settings: Settings): boolean {
  if (isStore(settings)) return false;
  const { addressSpaces, proxy } = settings.routing;
  const ways = proxy === undefined ? ['direct'] : [proxy].flat();
  if (!ways.includes('direct')) return false;
  const everything = addressSpaces.find(({ match, senders }) => match === '*' && senders === undefined);
  return everything === undefined || everything.via === 'mx';
}

/** Interfaces that lead to no network of others. */
const INNER = /^(?:lo$|ifb|dummy|docker|veth|virbr|br-|sit|ip6tnl|tunl|gre|erspan|ip_vti|ip6_vti|ip6gre|nlmon)/;

/** A host without an address talks with nobody. */
export const networkThere = defineCheck({
  id: 'host.network',
  number: 607,
  title: 'This host has an address and a route',
  why: 'Without an address besides loopback, or a way out, no mail comes or goes, and every name server seems dead.',
  needs: ['settings', 'host'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, host }) {
    if (isForTrying(settings)) return notApplicable('only this host reaches the listeners');
    const read = host.addresses();
    if (!read.ok) return unknown(`the interfaces cannot be seen: ${read.errno}`);
    const others = read.value.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
    const all = (await interfaces(host))?.filter(({ name }) => !INNER.test(name)).slice(0, 8) ?? [];
    const evidence = [
      row(
        'addresses',
        'one besides loopback',
        others.map((one) => `${one.address} (${one.interface})`).join(', ') || 'none',
      ),
      ...all.map((one) => row(`interface ${one.name}`, 'up', interfaceInWords(one))),
    ];
    if (others.length === 0) {
      const down = all.find(({ up, carrier }) => !up || !carrier);
      return unhealthy(
        `This host has no address besides loopback: its network is down${down === undefined ? '' : ` (${all.map(interfaceInWords).join(', ')})`}.`,
        {
          cure:
            down === undefined
              ? 'ip link and ip address show what is missing; then bring the interface up (systemctl restart networking)'
              : `ip link set ${down.name} up, then bring its addresses back (systemctl restart networking or systemd-networkd)`,
        },
        evidence,
      );
    }
    const { four, six } = await routesOut(host);
    if (!four.seen && !six.seen) return unknown('the routes cannot be seen', evidence);
    const has = [...(four.byDefault ? ['IPv4'] : []), ...(six.byDefault ? ['IPv6'] : [])];
    const seen = [...evidence, row('default route', 'where mail goes out directly', has.join(' and ') || 'none')];
    // A host behind a proxy, with one smart host next door, or with routes of its own needs none.
    if (has.length > 0 || four.gateways + six.gateways > 0 || !dialsTheWorld(settings)) return healthy(seen);
    if (needsNames(settings) === undefined) return healthy(seen);
    return unhealthy(
      'This host has no default route: nothing outside its own network can be reached, neither name servers there nor other mail hosts.',
      {
        cure: `ip route add default via ADDRESS-OF-YOUR-ROUTER${others[0] === undefined ? '' : ` dev ${others[0].interface}`} (and in the network configuration, so that it is there after a restart)`,
      },
      seen,
    );
  },
});

/** Every address that connections outwards are told to come from. */
function sourcesOf({ routing }: Settings): readonly { readonly key: string; readonly address: string }[] {
  const all: { key: string; address: string }[] = [];
  const add = (key: string, address: string | undefined): void => {
    if (address !== undefined) all.push({ key, address });
  };
  add('routing.source4', routing.source4);
  add('routing.source6', routing.source6);
  for (const [name, group] of Object.entries(routing.smartHosts)) {
    add(`routing.smartHosts.${name}.source4`, group.source4);
    add(`routing.smartHosts.${name}.source6`, group.source6);
  }
  return all;
}

/** A connection can come from an address of this host only. */
export const sourceAddresses = defineCheck({
  id: 'host.source-addresses',
  number: 614,
  title: 'This host has the addresses that connections outwards come from',
  why: 'A connection cannot be made from an address that no interface has: mail that should take it waits.',
  needs: ['settings', 'host'],
  after: ['configuration.loads'],
  cost: 'host',
  look({ settings, host }) {
    const sources = sourcesOf(settings);
    if (sources.length === 0) return notApplicable('no source address is configured');
    const read = host.addresses();
    if (!read.ok) return unknown(`the interfaces cannot be seen: ${read.errno}`);
    const own = new Set(read.value.map(({ address }) => canonicalIp(address) ?? address));
    const has = (address: string): boolean => own.has(canonicalIp(address) ?? address);
    const evidence = sources.map(({ key, address }) =>
      row(`${key}: ${address}`, 'an address of this host', has(address) ? 'there' : 'not there'),
    );
    const missing = sources.find(({ address }) => !has(address));
    if (missing === undefined) return healthy(evidence);
    const all = read.value.map((one) => `${one.address} (${one.interface})`).join(', ');
    return unhealthy(
      `${missing.key} is ${missing.address}, which is not on this host (EADDRNOTAVAIL); it has ${all}.`,
      { cure: `ip address add ${missing.address} dev INTERFACE, or correct ${missing.key}, then: ims reload` },
      evidence,
    );
  },
});

/** Small frames are slow; too small ones end IPv6. */
export const mtuSound = defineCheck({
  id: 'host.mtu',
  number: 615,
  title: 'The MTU of every interface is large enough',
  why: 'Below 1280 octets the system turns IPv6 off on an interface (RFC 8200 §5), below 576 many paths fail.',
  needs: ['host'],
  after: [],
  cost: 'host',
  async look({ host }) {
    const all = await interfaces(host);
    const read = host.addresses();
    if (all === undefined) return unknown('the interfaces cannot be seen');
    const used = all.filter(({ up, mtu }) => up && mtu !== undefined && mtu > 0);
    const evidence = used.map(({ name, mtu }) => row(`MTU of ${name}`, `${mtuMin6} or more`, String(mtu)));
    const has6 = (name: string): boolean =>
      read.ok && read.value.some((one) => one.interface === name && one.family === 6);
    const own = (name: string): boolean => read.ok && read.value.some((one) => one.interface === name);
    // Where the system has taken IPv6 from an interface, its settings are gone too.
    const six = await host.names('/proc/sys/net/ipv6/conf');
    const lost6 = (name: string): boolean => six.ok && six.value.includes('all') && !six.value.includes(name);
    const small = used.find(({ name, mtu = 0 }) => mtu < (has6(name) || lost6(name) ? mtuMin6 : mtuMin4) && own(name));
    if (small === undefined) return healthy(evidence);
    return unhealthy(
      `Interface ${small.name} has an MTU of ${small.mtu}: ${(small.mtu ?? 0) < mtuMin4 ? 'messages stall on many paths' : 'IPv6 does not work there'}.`,
      { cure: `ip link set ${small.name} mtu 1500 (or what the network needs, at least ${mtuMin6})` },
      evidence,
    );
  },
});
