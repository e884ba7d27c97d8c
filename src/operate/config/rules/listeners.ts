import type { ListenerSettings, ListenersSettings } from '../../../settings/listeners.ts';
import { isIp } from '../addresses.ts';
import { SOCKET_PATH_MAX } from '../limits.ts';
import type { Finding } from '../problem.ts';
import { doubtful, wrong, type Rule } from './rule.ts';

/** The addresses of a listener as a list, each with its path in the file. */
export function addressesOf(
  name: string,
  listener: ListenerSettings,
): readonly { readonly address: string; readonly path: readonly (string | number)[] }[] {
  const path = ['listeners', name, 'address'];
  if (typeof listener.address === 'string') return [{ address: listener.address, path }];
  return listener.address.map((address, i) => ({ address, path: [...path, i] }));
}

const sound = (
  listeners: ListenersSettings,
  broken: (path: readonly string[]) => boolean,
): [string, ListenerSettings][] => Object.entries(listeners).filter(([name]) => !broken(['listeners', name]));

const isSocket = (address: string): boolean => address.includes('/');
const isLoopback = (address: string): boolean => isSocket(address) || address === '::1' || address.startsWith('127.');

/** Without a listener nothing arrives. */
export const someListener: Rule = (settings, { raw }) => {
  const listeners = raw['listeners'];
  if (
    Object.keys(settings.listeners).length > 0 ||
    (typeof listeners === 'object' && listeners !== null && Object.keys(listeners).length > 0)
  )
    return [];
  if (!Object.hasOwn(raw, 'listeners')) return [];
  return [doubtful(['listeners'], 'has no listener: no mail can arrive')];
};

/** Addresses are IP addresses, never names: a listener must not depend on DNS. */
export const listenerAddresses: Rule = ({ listeners }, { broken }) => {
  const out: Finding[] = [];
  for (const [name, listener] of sound(listeners, broken)) {
    for (const { address, path } of addressesOf(name, listener)) {
      if (isSocket(address)) {
        if (listener.profile !== 'lmtp')
          out.push(
            wrong(path, 'is the path of a UNIX socket, which only the profile lmtp can use', {
              value: address,
              allowed: 'IP addresses',
            }),
          );
        else if (Buffer.byteLength(address) > SOCKET_PATH_MAX)
          out.push(wrong(path, `is longer than ${SOCKET_PATH_MAX} octets`, { value: address }));
      } else if (!isIp(address)) {
        const nearest =
          address === 'localhost' ? '127.0.0.1' : address === '*' || address === '' ? '0.0.0.0' : undefined;
        const more = {
          value: address,
          allowed: "IP addresses such as 127.0.0.1, 0.0.0.0 (every IPv4 address) or '::' (every IPv6 address)",
        };
        out.push(wrong(path, 'is not an IP address', nearest === undefined ? more : { ...more, nearest }));
      }
    }
  }
  return out;
};

const ANY = new Set(['0.0.0.0', '::']);
const overlaps = (a: string, b: string): boolean =>
  a === b || (ANY.has(a) && a.includes(':') === b.includes(':')) || (ANY.has(b) && a.includes(':') === b.includes(':'));

const optionsOf = (listener: ListenerSettings): string => JSON.stringify({ ...listener, address: undefined });

/** Whether a listener asks again for exactly what another one has, so that it can go without a loss. */
function isTwin(
  listeners: ListenersSettings,
  name: string,
  other: { readonly name: string; readonly address: string },
  address: string,
): boolean {
  const [one, two] = [listeners[name], listeners[other.name]];
  return other.address === address && one !== undefined && two !== undefined && optionsOf(one) === optionsOf(two);
}

/** The listeners without what an equal one before them has. */
export function withoutTwins(listeners: ListenersSettings): ListenersSettings {
  const taken: { readonly name: string; readonly address: string; readonly port: number }[] = [];
  const out: [string, ListenerSettings][] = [];
  for (const [name, listener] of Object.entries(listeners)) {
    const kept = addressesOf(name, listener).filter(({ address }) => {
      const port = isSocket(address) ? 0 : listener.port;
      const again = taken.some(
        (one) => one.port === port && (port !== 0 || isSocket(address)) && isTwin(listeners, name, one, address),
      );
      if (!again) taken.push({ name, address, port });
      return !again;
    });
    const all = addressesOf(name, listener).length;
    if (kept.length === all) out.push([name, listener]);
    else if (kept.length > 0) out.push([name, { ...listener, address: kept.map(({ address }) => address) }]);
  }
  return Object.fromEntries(out);
}

/** Two listeners cannot take the same address and port. */
export const listenerClashes: Rule = ({ listeners }, { broken }) => {
  const out: Finding[] = [];
  const taken: { name: string; address: string; port: number }[] = [];
  for (const [name, listener] of sound(listeners, broken)) {
    for (const { address, path } of addressesOf(name, listener)) {
      const port = isSocket(address) ? 0 : listener.port;
      const other = taken.find(
        (one) =>
          one.port === port &&
          (isSocket(address) ? one.address === address : port !== 0 && overlaps(one.address, address)),
      );
      if (other !== undefined && isTwin(listeners, name, other, address)) {
        const first = other.name === name ? 'in this listener' : `by the listener '${other.name}'`;
        const what = `${isSocket(address) ? address : `${address} port ${port}`} is given twice, first ${first}: the duplicate is ignored; no other program is meant`;
        out.push(doubtful(other.name === name ? path : ['listeners', name], what, { at: 'key' }));
      } else if (other !== undefined) {
        const where = isSocket(address) ? address : `${address} port ${port}`;
        const whose =
          other.name === name
            ? 'is listed twice in this listener'
            : `is already taken by the listener '${other.name}' (${other.address})`;
        out.push(
          wrong(isSocket(address) || other.name === name ? path : ['listeners', name], `${where} ${whose}`, {
            at: 'key',
          }),
        );
      }
      taken.push({ name, address, port });
    }
  }
  return out;
};

/** Passwords must not cross a network in the clear (RFC 8314 §3). */
export const submissionNeedsTls: Rule = ({ listeners }, { broken }) => {
  const out: Finding[] = [];
  for (const [name, listener] of sound(listeners, broken)) {
    if (listener.profile !== 'submission' || listener.tls !== 'none') continue;
    if (addressesOf(name, listener).every(({ address }) => isLoopback(address))) continue;
    out.push(
      wrong(['listeners', name, 'tls'], 'would let passwords cross the network in the clear', {
        value: 'none',
        allowed: 'starttls, required or implicit; none only on loopback addresses',
      }),
    );
  }
  return out;
};

const USUAL: Readonly<Record<number, { readonly profile: string; readonly implicit: boolean }>> = {
  25: { profile: 'mx', implicit: false },
  465: { profile: 'submission', implicit: true },
  587: { profile: 'submission', implicit: false },
};

/** Mail programs and servers assume what a well-known port speaks. */
export const usualPorts: Rule = ({ listeners }, { broken }) => {
  const out: Finding[] = [];
  for (const [name, listener] of sound(listeners, broken)) {
    const usual = USUAL[listener.port];
    if (usual?.profile === 'mx' && listener.profile === 'mx' && listener.tls === 'required') {
      const message =
        'keeps out every server that sends without TLS, which a host named in MX records may not do (RFC 3207 §4)';
      out.push(doubtful(['listeners', name, 'tls'], message, { value: 'required', nearest: 'starttls' }));
    }
    if (usual === undefined || addressesOf(name, listener).every(({ address }) => isSocket(address))) continue;
    if (usual.implicit !== (listener.tls === 'implicit')) {
      const message = usual.implicit
        ? 'speaks TLS from the first octet by convention (tls: implicit)'
        : 'begins in the clear by convention (tls: starttls)';
      out.push(doubtful(['listeners', name, 'port'], `port ${listener.port} ${message}`));
    } else if (listener.profile === 'lmtp' && listener.port === 25) {
      const value = { value: listener.profile, allowed: 'mx; lmtp on another port or on a UNIX socket' };
      out.push(wrong(['listeners', name, 'profile'], 'may not be spoken on port 25 (RFC 2033 §5)', value));
    } else if (usual.profile !== listener.profile) {
      out.push(
        doubtful(['listeners', name, 'profile'], `port ${listener.port} is used for ${usual.profile} by convention`, {
          value: listener.profile,
        }),
      );
    }
  }
  return out;
};
