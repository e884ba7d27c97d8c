import { isDomain, isIp, isIpv4, isIpv6, isNetwork } from '../addresses.ts';
import { nearest } from '../nearest.ts';
import type { Finding } from '../problem.ts';
import { doubtful, namesIn, wrong, type Rule } from './rule.ts';

const DIRECT = 'direct';
type Path = readonly (string | number)[];

/** Every reference to a proxy leads somewhere, and stands where it has an effect. */
export const proxyReferences: Rule = ({ routing, dequeue }, { raw }) => {
  const known = [...namesIn(raw, ['routing', 'proxies']), ...namesIn(raw, ['gateways'])];
  const out: Finding[] = [];
  const refer = (path: Path, names: string | readonly string[] | undefined): void => {
    const list = typeof names === 'string' ? [names] : (names ?? []);
    for (const [i, name] of list.entries()) {
      if (name === DIRECT || known.includes(name)) continue;
      out.push(unknownProxy(typeof names === 'string' ? path : [...path, i], name, known));
    }
  };
  refer(['routing', 'proxy'], routing.proxy);
  for (const [name, group] of Object.entries(routing.smartHosts))
    refer(['routing', 'smartHosts', name, 'proxy'], group.proxy);
  for (const [name, entry] of Object.entries(dequeue)) refer(['dequeue', name, 'proxy'], entry.proxy);
  for (const [i, space] of routing.addressSpaces.entries()) {
    const path = ['routing', 'addressSpaces', i, 'proxy'];
    refer(path, space.proxy);
    if (space.proxy === undefined) continue;
    if (space.via !== 'mx')
      out.push(wrong(path, `has no effect with 'via: ${space.via}'; a group has a 'proxy' of its own`, { at: 'key' }));
    else if (space.match.includes('@'))
      out.push(
        wrong(path, 'cannot be chosen for a single address; send the address to a group that has the proxy', {
          at: 'key',
        }),
      );
  }
  return out;
};

function unknownProxy(path: Path, name: string, known: readonly string[]): Finding {
  const near = nearest(name, [...known, DIRECT]);
  const declared = known.length === 0 ? 'none is declared' : known.slice(0, 20).join(', ');
  const allowed = `${DIRECT}, a proxy of routing.proxies (${declared})`;
  return wrong(path, 'names no proxy', { value: name, allowed, ...(near === undefined ? {} : { nearest: near }) });
}

/** Name servers are asked by way of proxies that can be reached without them. */
export const proxiesOfNames: Rule = ({ names, routing }, { raw }) => {
  if (names.via === undefined) return [];
  const known = namesIn(raw, ['routing', 'proxies']);
  const path = ['names', 'via'];
  const out: Finding[] = [];
  if (names.servers === undefined || names.servers.length === 0)
    out.push(wrong(path, 'needs names.servers: those of this host are not reached by a proxy', { at: 'key' }));
  const list = typeof names.via === 'string' ? [names.via] : names.via;
  for (const [i, name] of list.entries()) {
    const at = typeof names.via === 'string' ? path : [...path, i];
    const host = Object.hasOwn(routing.proxies, name) ? routing.proxies[name]?.host : undefined;
    if (name !== DIRECT && !known.includes(name)) out.push(unknownProxy(at, name, known));
    else if (host !== undefined && !isIp(host))
      out.push(
        wrong(at, `leads by a host whose name would have to be looked up first: ${host}`, {
          value: name,
          allowed: 'a proxy whose host is an IP address',
        }),
      );
  }
  return out;
};

/** Names and hosts of proxies. */
export const proxySyntax: Rule = ({ routing }, { broken }) => {
  const out: Finding[] = [];
  for (const [name, proxy] of Object.entries(routing.proxies)) {
    const path = ['routing', 'proxies', name];
    if (broken(path)) continue;
    if (name === DIRECT || !/^[\w.-]{1,64}$/.test(name)) {
      const allowed = `letters, digits, '-', '_' and '.'; not ${DIRECT}`;
      out.push(wrong(path, 'cannot be the name of a proxy', { at: 'key', allowed }));
    }
    if (!isIp(proxy.host) && !isDomain(proxy.host)) {
      const allowed = 'proxy.example.net; the port has a key of its own';
      out.push(wrong([...path, 'host'], 'is neither a host name nor an IP address', { value: proxy.host, allowed }));
    }
  }
  return out;
};

/** A login is a user with a password, or a token, each from one place. */
export const proxyLogins: Rule = ({ routing }, { broken }) => {
  const out: Finding[] = [];
  for (const [name, { kind, login }] of Object.entries(routing.proxies)) {
    const path = ['routing', 'proxies', name, 'login'];
    if (login === undefined || broken(path)) continue;
    const { user, password, passwordFile, token, tokenFile } = login;
    const add = (message: string, ...key: readonly string[]): void =>
      void out.push(wrong([...path, ...key], message, { at: 'key' }));
    const bearer = token !== undefined || tokenFile !== undefined;
    if (bearer && kind === 'socks5') add('has a token, which SOCKS does not know; give user and password');
    if (bearer && user !== undefined) add('has both a user and a token; keep one of them');
    if (!bearer && user === undefined) add("has neither 'user' nor 'token'");
    if (token !== undefined && tokenFile !== undefined) add("is given besides 'token'; keep one of them", 'tokenFile');
    if (user !== undefined && password === undefined && passwordFile === undefined)
      add("has neither 'password' nor 'passwordFile'");
    if (password !== undefined && passwordFile !== undefined)
      add("is given besides 'password'; keep one of them", 'passwordFile');
    if (user?.includes(':') === true && kind === 'http-connect')
      add('contains a colon, which Basic authentication cannot carry', 'user');
    if (token !== undefined && !/^[A-Za-z0-9._~+/-]+=*$/.test(token)) add('is not a bearer token', 'token');
  }
  return out;
};

/** Source addresses of groups are of their family. */
export const groupSources: Rule = ({ routing }) => {
  const out: Finding[] = [];
  for (const [name, { source4, source6 }] of Object.entries(routing.smartHosts)) {
    const path = ['routing', 'smartHosts', name];
    if (source4 !== undefined && !isIpv4(source4))
      out.push(wrong([...path, 'source4'], 'is not an IPv4 address', { value: source4 }));
    if (source6 !== undefined && !isIpv6(source6))
      out.push(wrong([...path, 'source6'], 'is not an IPv6 address', { value: source6 }));
  }
  return out;
};

/** Source addresses and greeting names of address spaces stand where they have an effect. */
export const spaceSources: Rule = ({ routing }) => {
  const out: Finding[] = [];
  for (const [i, { via, match, source4, source6, heloName }] of routing.addressSpaces.entries()) {
    const path = ['routing', 'addressSpaces', i];
    if (source4 !== undefined && !isIpv4(source4))
      out.push(wrong([...path, 'source4'], 'is not an IPv4 address', { value: source4 }));
    if (source6 !== undefined && !isIpv6(source6))
      out.push(wrong([...path, 'source6'], 'is not an IPv6 address', { value: source6 }));
    for (const [key, value] of Object.entries({ source4, source6, heloName })) {
      if (value === undefined) continue;
      if (via !== 'mx')
        out.push(wrong([...path, key], `has no effect with 'via: ${via}'; a group has one of its own`, { at: 'key' }));
      else if (match.includes('@'))
        out.push(
          wrong([...path, key], 'cannot be chosen for a single address; send the address to a group that has it', {
            at: 'key',
          }),
        );
    }
  }
  return out;
};

/** Whoever is trusted with PROXY headers or XCLIENT can pretend to be anybody. */
export const trustedProxies: Rule = ({ listeners }, { broken }) => {
  const out: Finding[] = [];
  for (const [name, { proxyProtocol, xclient }] of Object.entries(listeners)) {
    if (broken(['listeners', name])) continue;
    const believed = [
      ...(proxyProtocol?.trusted ?? []).map((text, i) => ({ text, key: ['proxyProtocol', 'trusted', i] })),
      ...(xclient ?? []).map((text, i) => ({ text, key: ['xclient', i] })),
    ];
    for (const { text, key } of believed) {
      const path = ['listeners', name, ...key];
      if (!isNetwork(text)) {
        const allowed = 'an IP address or a network such as 192.0.2.0/24 or 2001:db8::/32';
        out.push(wrong(path, 'is not a network', { value: text, allowed }));
      } else if (/^[0:.]+\/[0-7]$/.test(text)) {
        const message = 'lets strangers pretend to be any client, also one of your own networks';
        out.push(doubtful(path, message, { value: text, allowed: 'only your own proxies' }));
      }
    }
  }
  return out;
};
