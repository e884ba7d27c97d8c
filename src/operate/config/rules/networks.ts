import { isDomain, isDomainPattern, isIp, isIpv4, isIpv6, isNetwork, splitAddress } from '../addresses.ts';
import type { Finding } from '../problem.ts';
import { doubtful, wrong, type Rule } from './rule.ts';

const NETWORK = 'an IP address or a network such as 192.0.2.0/24 or 2001:db8::/32';

const networks = (list: readonly string[], path: readonly (string | number)[]): Finding[] =>
  list.flatMap((text, i) =>
    isNetwork(text) ? [] : [wrong([...path, i], 'is not a network', { value: text, allowed: NETWORK })],
  );

/** Networks are written as CIDR. */
export const networkSyntax: Rule = ({ policy }) => [
  ...networks(policy.localNetworks, ['policy', 'localNetworks']),
  ...networks(policy.blockedNetworks, ['policy', 'blockedNetworks']),
  ...networks(policy.etrn.hosts, ['policy', 'etrn', 'hosts']),
  ...networks(policy.uncheckedNetworks, ['policy', 'uncheckedNetworks']),
  ...policy.dnsbl.flatMap(({ zone, answers = [] }, i) => [
    ...(isDomain(zone)
      ? []
      : [wrong(['policy', 'dnsbl', i, 'zone'], 'is not a domain', { value: zone, allowed: 'zen.spamhaus.org' })]),
    ...networks(answers, ['policy', 'dnsbl', i, 'answers']),
  ]),
];

/** A network of everybody makes an open relay. */
export const noOpenRelay: Rule = ({ policy }) =>
  policy.localNetworks.flatMap((text, i) =>
    /^[0:.]+\/[0-7]$/.test(text)
      ? [
          doubtful(['policy', 'localNetworks', i], 'lets strangers send mail through this server (an open relay)', {
            value: text,
            allowed: 'only your own networks',
          }),
        ]
      : [],
  );

/** Patterns of senders and domains. */
export const policyPatterns: Rule = ({ policy }) => [
  ...(policy.remoteDomainsAllowed ?? []).flatMap((text, i) =>
    isDomainPattern(text)
      ? []
      : [
          wrong(['policy', 'remoteDomainsAllowed', i], 'is not a domain', {
            value: text,
            allowed: "example.com, '*.example.com'",
          }),
        ],
  ),
  ...policy.blockedSenders.flatMap((text, i) =>
    isDomainPattern(text) || splitAddress(text) !== undefined
      ? []
      : [
          wrong(['policy', 'blockedSenders', i], 'is not an address or domain', {
            value: text,
            allowed: "somebody@example.com, example.com, '*.example.com'",
          }),
        ],
  ),
];

/** Whether a text is the address of a name server. */
export const isServer = (text: string): boolean => {
  const bracket = /^\[([^\]]*)\](?::(\d{1,5}))?$/.exec(text);
  if (bracket !== null) return isIpv6(bracket[1] ?? '') && Number(bracket[2] ?? 53) <= 65535;
  if (isIp(text)) return true;
  const [address = '', port = '', ...rest] = text.split(':');
  return rest.length === 0 && isIpv4(address) && /^\d{1,5}$/.test(port) && Number(port) <= 65535;
};

/** Resolvers are addresses: a name would need a resolver. */
export const resolverAddresses: Rule = ({ names }) =>
  (names.servers ?? []).flatMap((text, i) =>
    isServer(text)
      ? []
      : [
          wrong(['names', 'servers', i], 'is not the address of a resolver', {
            value: text,
            allowed: "192.0.2.53, 192.0.2.53:5353, '2001:db8::53' or '[2001:db8::53]:5353'",
          }),
        ],
  );

/** Domains with resolvers of their own. */
export const resolverZones: Rule = ({ names }) =>
  Object.entries(names.zones ?? {}).flatMap(([zone, servers]) => [
    ...(isDomain(zone) ? [] : [wrong(['names', 'zones', zone], 'is not a domain', { at: 'key' as const })]),
    ...servers.flatMap((text, i) =>
      isServer(text)
        ? []
        : [
            wrong(['names', 'zones', zone, i], 'is not the address of a resolver', {
              value: text,
              allowed: "10.0.0.53, 10.0.0.53:5353 or '[2001:db8::53]:5353'",
            }),
          ],
    ),
  ]);

/** Source addresses are of their family. */
export const sourceAddresses: Rule = ({ routing }) => {
  const out: Finding[] = [];
  if (routing.source4 !== undefined && !isIpv4(routing.source4))
    out.push(wrong(['routing', 'source4'], 'is not an IPv4 address', { value: routing.source4 }));
  if (routing.source6 !== undefined && !isIpv6(routing.source6))
    out.push(wrong(['routing', 'source6'], 'is not an IPv6 address', { value: routing.source6 }));
  return out;
};

/** Names of this host are names or addresses. */
export const ownNameSyntax: Rule = ({ routing }) =>
  routing.ownNames.flatMap((text, i) =>
    isIp(text) || isDomain(text)
      ? []
      : [wrong(['routing', 'ownNames', i], 'is neither a name nor an address', { value: text })],
  );
