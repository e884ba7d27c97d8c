import { domainKey } from '../../mail/mailbox.ts';
import { isDomain, isIp, splitAddress } from '../config/addresses.ts';
import { parseLoopbackPlace } from '../config/loopback-place.ts';

/** A host with a port and, where it wants one, a login. */
export interface FarHost {
  readonly host: string;
  readonly port: number;
  readonly login?: { readonly user: string; readonly password: string };
}

/** A host with OpenSSH that is our public face. */
export interface GatewayHost {
  readonly host: string;
  readonly port: number;
  /** Undefined: the usual one. */
  readonly user: string | undefined;
  readonly keyFile: string;
  /** Undefined where it is not known yet. */
  readonly hostKey: string | undefined;
}

/** How mail for other domains leaves. */
export type SendWay =
  | { readonly kind: 'direct' }
  | ({ readonly kind: 'gateway' } & GatewayHost)
  | ({ readonly kind: 'smarthost' } & FarHost)
  | ({ readonly kind: 'proxy'; readonly protocol: 'socks5' | 'http-connect' } & FarHost);

/** Where the certificate comes from. */
export type CertificateChoice =
  | { readonly kind: 'self-signed' }
  | { readonly kind: 'files'; readonly certificate: string; readonly key: string };

/** Ports of the three listeners of a mail server. */
export interface ListenerPorts {
  readonly mx: number;
  readonly submission: number;
  readonly submissions: number;
}

/** Everything that a configuration is written from. */
export interface Answers {
  readonly hostname: string;
  readonly domains: readonly string[];
  /** Addresses; each domain has at least one. */
  readonly mailboxes: readonly string[];
  readonly send: SendWay;
  readonly certificate: CertificateChoice;
  readonly data: string;
  /** Undefined: the one who starts the service. */
  readonly user: string | undefined;
  /** Undefined: every address of this host. */
  readonly addresses: readonly string[] | undefined;
  readonly ports: ListenerPorts;
  /** Where the console and the administrator API are; without it nowhere. */
  readonly console?: string;
}

/** A text that was understood, or what is wrong with it and how to write it. */
export type Taken<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

/** An understood answer. */
export const taken = <T>(value: T): Taken<T> => ({ ok: true, value });
/** An answer that cannot be used. */
export const refused = (problem: string): Taken<never> => ({ ok: false, problem });

/** The entries of a list as people write it: separated by commas or spaces. */
export const listOf = (text: string): readonly string[] => text.split(/[\s,]+/).filter((part) => part !== '');

/** The name this server greets with (RFC 5321 §4.1.1.1). */
export function takeHostname(text: string): Taken<string> {
  const name = domainKey(text.trim().replace(/\.$/, ''));
  if (isIp(name)) return refused(`${name} is an address; a name is needed, such as mail.example.com`);
  if (!isDomain(name)) return refused(`'${text}' is no host name; write one such as mail.example.com`);
  if (!name.includes('.'))
    return refused(
      `'${name}' has no domain; other servers refuse such a greeting. Write the full name, such as ${name}.example.com`,
    );
  return taken(name);
}

/** The domains that mail is received for. */
export function takeDomains(text: string): Taken<readonly string[]> {
  const names = [...new Set(listOf(text).map((name) => domainKey(name.replace(/\.$/, ''))))];
  if (names.length === 0) return refused('at least one domain is needed, such as example.com');
  const bad = names.find((name) => !isDomain(name) || name.includes('@'));
  if (bad !== undefined) return refused(`'${bad}' is no domain; write names such as example.com, separated by commas`);
  const single = names.find((name) => !name.includes('.'));
  if (single !== undefined) return refused(`'${single}' has no dot: no mail from elsewhere finds such a domain`);
  return taken(names);
}

/** The mailboxes; a local part alone belongs to the first domain. */
export function takeMailboxes(text: string, domains: readonly string[]): Taken<readonly string[]> {
  const first = domains[0] ?? '';
  const found = new Map<string, string>();
  for (const entry of listOf(text)) {
    const address = entry.includes('@') ? entry : `${entry}@${first}`;
    const parts = splitAddress(address);
    if (parts === undefined || !/^[\w.!#$%&'*+/=?^`{|}~-]+$/.test(parts.local))
      return refused(`'${entry}' is no mailbox; write addresses such as alice@${first}`);
    const domain = domainKey(parts.domain);
    if (!domains.includes(domain)) return refused(`${entry} is not in a domain of this server (${domains.join(', ')})`);
    found.set(`${parts.local.toLowerCase()}@${domain}`, `${parts.local}@${domain}`);
  }
  if (found.size === 0) return refused(`at least one mailbox is needed, such as alice@${first}`);
  return taken([...found.values()]);
}

function takePlace(text: string, usualPort: number): Taken<{ host: string; port: number }> {
  const match = /^(\[[^\]]+\]|[^:]+)(?::(\d{1,5}))?$/.exec(text);
  const host = (match?.[1] ?? '').replace(/^\[|\]$/g, '');
  const port = match?.[2] === undefined ? usualPort : Number(match[2]);
  if (!isIp(host) && !isDomain(host))
    return refused(`'${text}' is no host; write smtp.example.net or smtp.example.net:587`);
  return port < 1 || port > 65_535 ? refused(`${port} is no port`) : taken({ host, port });
}

const SUBMISSION = 587;
const SSH = 22;
const SOCKS = 1080;
const HTTP_PROXY = 3128;

function takeGateway(text: string): Taken<SendWay> {
  const [, user, rest = ''] = /^(?:([\w.-]{1,64})@)?(\S+)$/.exec(text) ?? [];
  const place = takePlace(rest, SSH);
  return place.ok ? taken({ kind: 'gateway', ...place.value, user, keyFile: '', hostKey: undefined }) : place;
}

/** How mail leaves: 'direct', 'smarthost=HOST[:PORT]', 'proxy=socks5://HOST[:PORT]', 'proxy=http://HOST[:PORT]' or 'gateway=[USER@]HOST[:PORT]'. */
export function takeSend(text: string): Taken<SendWay> {
  const trimmed = text.trim();
  if (/^direct$/i.test(trimmed)) return taken({ kind: 'direct' });
  const [, kind = '', rest = ''] = /^(smart-?host|proxy|gateway)[=\s]+(\S+)$/i.exec(trimmed) ?? [];
  if (/^smart/i.test(kind)) {
    const place = takePlace(rest, SUBMISSION);
    return place.ok ? taken({ kind: 'smarthost', ...place.value }) : place;
  }
  if (/^gateway/i.test(kind)) return takeGateway(rest);
  const [, scheme = '', where = ''] = /^(socks5h?|http|http-connect):\/\/([^/]+)\/?$/i.exec(rest) ?? [];
  if (/^proxy$/i.test(kind) && scheme !== '') {
    const socks = /^socks/i.test(scheme);
    const place = takePlace(where.slice(where.lastIndexOf('@') + 1), socks ? SOCKS : HTTP_PROXY);
    return place.ok ? taken({ kind: 'proxy', protocol: socks ? 'socks5' : 'http-connect', ...place.value }) : place;
  }
  return refused(
    `'${text}' is none of the ways; write direct, smarthost=HOST:PORT, proxy=socks5://HOST:PORT, proxy=http://HOST:PORT or gateway=USER@HOST`,
  );
}

/** Where the certificate is: 'self-signed', or the two files. */
export function takeCertificate(text: string): Taken<CertificateChoice> {
  if (/^self-?signed$/i.test(text.trim())) return taken({ kind: 'self-signed' });
  const [certificate = '', key = '', more] = listOf(text);
  if (more !== undefined || !certificate.startsWith('/') || !key.startsWith('/'))
    return refused('write self-signed, or the two files with their full paths: /path/fullchain.pem,/path/privkey.pem');
  return taken({ kind: 'files', certificate, key });
}

/** The full path of a file. */
export function takeFile(text: string): Taken<string> {
  const path = text.trim();
  return path.startsWith('/') && !/[\0-\x1f]/.test(path) && !path.endsWith('/')
    ? taken(path)
    : refused(`'${text}' is no full path of a file; write one such as /etc/ims/gateway-key`);
}

/** An absolute directory. */
export function takeDirectory(text: string): Taken<string> {
  const path = text.trim().replace(/(?<=.)\/+$/, '');
  return path.startsWith('/') && path.length > 1 && !/[\0-\x1f]/.test(path)
    ? taken(path)
    : refused(`'${text}' is no full path of a directory; write one such as /var/lib/ims`);
}

/** The fingerprint of a host key as OpenSSH writes it. */
export function takeFingerprint(text: string): Taken<string> {
  const print = text.trim().replace(/=+$/, '');
  return /^SHA256:[A-Za-z0-9+/]{43}$/.test(print)
    ? taken(print)
    : refused(
        `'${text}' is no fingerprint; ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub prints it there: SHA256:...`,
      );
}

/** Addresses to listen on. */
export function takeAddresses(text: string): Taken<readonly string[]> {
  const addresses = listOf(text);
  const bad = addresses.find((address) => !isIp(address));
  return bad === undefined && addresses.length > 0 ? taken(addresses) : refused(`'${bad ?? ''}' is no IP address`);
}

/** Three ports: mail from other servers, submission, submission with TLS from the first octet. */
export function takePorts(text: string): Taken<ListenerPorts> {
  const [mx = 0, submission = 0, submissions = 0, more] = listOf(text).map(Number);
  const all = [mx, submission, submissions];
  if (more !== undefined || !all.every((port) => Number.isInteger(port) && port > 0 && port < 65_536))
    return refused('three ports are needed, such as 25,587,465');
  if (new Set(all).size < all.length) return refused('the three ports must be different');
  return taken({ mx, submission, submissions });
}

/** Where a browser finds the console. */
export function takeConsole(text: string): Taken<string> {
  const place = text.trim();
  return parseLoopbackPlace(place) === undefined
    ? refused(
        `'${text}' is no loopback address with a port and no path; write 127.0.0.1:8026, /run/ims/console or none`,
      )
    : taken(place);
}
