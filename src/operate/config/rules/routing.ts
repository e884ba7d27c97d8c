import type { Settings } from '../../../settings/index.ts';
import { isDomain, isDomainPattern, isIp, splitAddress } from '../addresses.ts';
import { nearest } from '../nearest.ts';
import type { Finding } from '../problem.ts';
import { addressesOf } from './listeners.ts';
import { doubtful, namesIn, wrong, type Rule } from './rule.ts';

const BUILT_IN = ['mx', 'hold'];
const groupsIn = (raw: unknown): readonly string[] => namesIn(raw, ['routing', 'smartHosts']);
const listed = (names: readonly string[]): string =>
  names.length === 0 ? 'none is declared' : names.slice(0, 20).join(', ');

function unknownGroup(
  path: readonly (string | number)[],
  name: string,
  groups: readonly string[],
  more: readonly string[],
): Finding {
  const near = nearest(name, [...groups, ...more]);
  const allowed = [...more, `a group of routing.smartHosts (${listed(groups)})`].join(', ');
  return wrong(path, 'names no smart host group', {
    value: name,
    allowed,
    ...(near === undefined ? {} : { nearest: near }),
  });
}

/** Every reference to a smart host group leads somewhere. */
export const groupReferences: Rule = ({ routing, domains }, { raw }) => {
  const groups = groupsIn(raw);
  const out: Finding[] = [];
  for (const [i, space] of routing.addressSpaces.entries()) {
    if (!BUILT_IN.includes(space.via) && !groups.includes(space.via))
      out.push(unknownGroup(['routing', 'addressSpaces', i, 'via'], space.via, groups, BUILT_IN));
  }
  const refer = (path: readonly string[], name: string | undefined): void => {
    if (name !== undefined && !groups.includes(name)) out.push(unknownGroup(path, name, groups, []));
  };
  for (const [name, domain] of Object.entries(domains)) {
    refer(['domains', name, 'fallback'], domain.fallback);
    refer(['domains', name, 'lmtp'], domain.lmtp);
    for (const [local, mailbox] of Object.entries(domain.mailboxes)) {
      if (mailbox.delivery !== undefined && 'lmtp' in mailbox.delivery)
        refer(['domains', name, 'mailboxes', local, 'delivery', 'lmtp'], mailbox.delivery.lmtp);
    }
  }
  return out;
};

/** RFC 2033 §5: LMTP is not spoken on port 25, which is also what a forgotten port comes to. */
const lmtpPorts = (groups: Settings['routing']['smartHosts']): Finding[] =>
  Object.entries(groups).flatMap(([name, { protocol, hosts }]) =>
    hosts.flatMap(({ host, port }, i) =>
      protocol === 'lmtp' && port === 25 && !host.includes('/')
        ? [
            wrong(
              ['routing', 'smartHosts', name, 'hosts', i],
              'speaks LMTP on port 25, which is for SMTP (RFC 2033 §5)',
              {
                at: 'key',
                allowed: 'the port of the LMTP server, often 24, or the path of its UNIX socket as host',
              },
            ),
          ]
        : [],
    ),
  );

/** A group that a domain delivers to by LMTP speaks it, and not on the port of SMTP. */
export const lmtpGroups: Rule = ({ routing, domains }) => [
  ...lmtpPorts(routing.smartHosts),
  ...Object.entries(domains).flatMap(([name, domain]) => {
    const group = domain.lmtp === undefined ? undefined : routing.smartHosts[domain.lmtp];
    if (group === undefined || group.protocol === 'lmtp') return [];
    return [
      wrong(['domains', name, 'lmtp'], 'names a group that does not speak LMTP', {
        value: domain.lmtp,
        allowed: `a group with 'protocol: lmtp'`,
      }),
    ];
  }),
];

/** Group names must not hide the built-in words. */
export const groupNames: Rule = ({ routing }) =>
  Object.keys(routing.smartHosts).flatMap((name) =>
    BUILT_IN.includes(name) || !/^[\w.-]{1,64}$/.test(name)
      ? [
          wrong(['routing', 'smartHosts', name], 'cannot be the name of a group', {
            at: 'key',
            allowed: `letters, digits, '-', '_' and '.'; not mx or hold`,
          }),
        ]
      : [],
  );

/** A login needs its password from one place, and must not be sent in the clear. */
export const groupLogins: Rule = ({ routing }, { broken }) => {
  const out: Finding[] = [];
  for (const [name, group] of Object.entries(routing.smartHosts)) {
    if (broken(['routing', 'smartHosts', name])) continue;
    const path = ['routing', 'smartHosts', name, 'login'];
    if (group.login === undefined) continue;
    const { password, passwordFile } = group.login;
    if (password === undefined && passwordFile === undefined)
      out.push(wrong(path, "has neither 'password' nor 'passwordFile'", { at: 'key' }));
    if (password !== undefined && passwordFile !== undefined)
      out.push(wrong([...path, 'passwordFile'], "is given besides 'password'; keep one of them", { at: 'key' }));
    if (group.tls === 'none')
      out.push(
        wrong(['routing', 'smartHosts', name, 'tls'], 'would send the password in the clear', {
          value: 'none',
          allowed: 'required, verified or implicit',
        }),
      );
    else if (group.tls === 'opportunistic') {
      const message =
        "with a login should be 'verified': 'opportunistic' does not notice a false server, and mail waits where TLS is not offered";
      out.push(doubtful(['routing', 'smartHosts', name, 'tls'], message));
    }
  }
  return out;
};

const spaceMatch = (text: string): boolean => isDomainPattern(text) || splitAddress(text) !== undefined;

/** What an address space, a rewrite rule and a relay domain may look like. */
export const routingPatterns: Rule = ({ routing }) => {
  const out: Finding[] = [];
  const pattern = "'*', 'example.com', '*.example.com' or a whole address";
  for (const [i, space] of routing.addressSpaces.entries()) {
    if (!spaceMatch(space.match))
      out.push(
        wrong(['routing', 'addressSpaces', i, 'match'], 'matches no address', { value: space.match, allowed: pattern }),
      );
    for (const [j, sender] of (space.senders ?? []).entries()) {
      if (!spaceMatch(sender))
        out.push(
          wrong(['routing', 'addressSpaces', i, 'senders', j], 'matches no address', {
            value: sender,
            allowed: pattern,
          }),
        );
    }
  }
  for (const [from, to] of Object.entries(routing.rewrite)) {
    const whole = splitAddress(from) !== undefined;
    const allowed = whole ? 'an address such as sales@example.com' : 'a domain such as example.com';
    if (!whole && !isDomain(from))
      out.push(wrong(['routing', 'rewrite', from], 'is neither a domain nor an address', { at: 'key', value: from }));
    else if (whole ? splitAddress(to) === undefined : !isDomain(to))
      out.push(
        wrong(['routing', 'rewrite', from], `must be rewritten to ${whole ? 'an address' : 'a domain'}`, {
          value: to,
          allowed,
        }),
      );
  }
  for (const [i, domain] of routing.relayDomains.entries()) {
    if (!isDomainPattern(domain) || domain === '*')
      out.push(
        wrong(
          ['routing', 'relayDomains', i],
          domain === '*' ? 'would make this server an open relay' : 'is not a domain',
          { value: domain },
        ),
      );
  }
  return out;
};

/** A domain is either ours or somebody else's. */
export const relayDomainsAreOthers: Rule = ({ routing, domains }) => {
  const ours = new Map(Object.keys(domains).map((name) => [name.toLowerCase(), name]));
  return routing.relayDomains.flatMap((domain, i) => {
    const own = ours.get(domain.toLowerCase());
    return own === undefined
      ? []
      : [
          wrong(
            ['routing', 'relayDomains', i],
            `is already one of our own domains (domains.${own}); keep one of them`,
            { value: domain },
          ),
        ];
  });
};

function ownPlaces({ server, routing, listeners }: Settings): {
  names: Set<string>;
  places: Set<string>;
  ports: Set<number>;
} {
  const places = new Set<string>();
  const ports = new Set<number>();
  for (const [name, listener] of Object.entries(listeners)) {
    if (listener.port === 0) continue;
    for (const { address } of addressesOf(name, listener)) {
      places.add(`${address} ${listener.port}`);
      if (address === '0.0.0.0') places.add(`127.0.0.1 ${listener.port}`);
      if (address === '::') places.add(`::1 ${listener.port}`);
      ports.add(listener.port);
    }
  }
  return {
    names: new Set([server.name, 'localhost', ...routing.ownNames].map((name) => name.toLowerCase())),
    places,
    ports,
  };
}

/** A smart host that is this server sends mail in a circle. */
export const smartHostIsNotUs: Rule = (settings) => {
  const { names, places, ports } = ownPlaces(settings);
  const out: Finding[] = [];
  for (const [name, group] of Object.entries(settings.routing.smartHosts)) {
    for (const [i, { host, port }] of group.hosts.entries()) {
      const path = ['routing', 'smartHosts', name, 'hosts', i, 'host'];
      if (places.has(`${host} ${port}`) || (names.has(host.toLowerCase()) && ports.has(port))) {
        out.push(
          wrong(path, `is this server's own listener on port ${port}: mail would go in a circle`, { value: host }),
        );
      } else if (!isIp(host) && !isDomain(host) && !host.startsWith('/')) {
        out.push(
          wrong(path, 'is neither a host name nor an IP address', {
            value: host,
            allowed: 'smtp.example.net; the port has a key of its own',
          }),
        );
      }
    }
  }
  return out;
};
