import { isDomain, isIp } from '../addresses.ts';
import { nearest } from '../nearest.ts';
import type { Finding } from '../problem.ts';
import { namesIn, type Rule, wrong } from './rule.ts';

const DIRECT = 'direct';

/** Names and hosts of gateways; a name stands for one way only. */
export const gatewayNames: Rule = ({ gateways }, { raw, broken }) => {
  const out: Finding[] = [];
  const proxies = namesIn(raw, ['routing', 'proxies']);
  for (const [name, { host, publicAddress }] of Object.entries(gateways)) {
    const path = ['gateways', name];
    if (broken(path)) continue;
    if (name === DIRECT || proxies.includes(name) || !/^[\w.-]{1,64}$/.test(name)) {
      const allowed = `letters, digits, '-', '_' and '.'; not ${DIRECT}, and no name of routing.proxies`;
      out.push(wrong(path, 'cannot be the name of a gateway', { at: 'key', allowed }));
    }
    if (!isIp(host) && !isDomain(host)) {
      const allowed = 'gateway.example.net; the port has a key of its own';
      out.push(wrong([...path, 'host'], 'is neither a host name nor an IP address', { value: host, allowed }));
    }
    if (publicAddress !== undefined && !isIp(publicAddress))
      out.push(wrong([...path, 'publicAddress'], 'is not an IP address', { value: publicAddress }));
  }
  return out;
};

/** Ports on a gateway lead to listeners, once each. */
export const gatewayListeners: Rule = ({ gateways, listeners }, { raw, broken }) => {
  const out: Finding[] = [];
  const known = namesIn(raw, ['listeners']);
  for (const [name, { listen }] of Object.entries(gateways)) {
    const path = ['gateways', name, 'listen'];
    if (broken(path)) continue;
    const seen = new Set<string>();
    for (const [i, { listener, address, port }] of listen.entries()) {
      if (!known.includes(listener)) {
        const near = nearest(listener, known);
        const more = { value: listener, allowed: known.join(', '), ...(near === undefined ? {} : { nearest: near }) };
        out.push(wrong([...path, i, 'listener'], 'names no listener', more));
      } else if (listeners[listener]?.profile === 'lmtp')
        out.push(
          wrong([...path, i, 'listener'], 'is for a local mail store and must not be public', { value: listener }),
        );
      if (!isIp(address)) {
        const allowed = 'an IP address of the gateway, 0.0.0.0 or ::';
        out.push(wrong([...path, i, 'address'], 'is not an IP address', { value: address, allowed }));
      }
      if (seen.has(`${address} ${port}`)) out.push(wrong([...path, i], 'is there twice', { at: 'key' }));
      seen.add(`${address} ${port}`);
    }
  }
  return out;
};

/** Fingerprints as `ssh-keygen -l` prints them. */
export const gatewayHostKeys: Rule = ({ gateways }, { broken }) => {
  const out: Finding[] = [];
  for (const [name, { hostKey }] of Object.entries(gateways)) {
    const path = ['gateways', name, 'hostKey'];
    if (broken(path)) continue;
    const keys = hostKey === undefined ? [] : typeof hostKey === 'string' ? [hostKey] : hostKey;
    for (const [i, key] of keys.entries()) {
      if (/^SHA256:[A-Za-z0-9+/]{43}$/.test(key)) continue;
      const allowed = "'SHA256:' with 43 characters, as `ssh-keygen -l` prints it";
      out.push(
        wrong(typeof hostKey === 'string' ? path : [...path, i], 'is not a fingerprint', { value: key, allowed }),
      );
    }
  }
  return out;
};
