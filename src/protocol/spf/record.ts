import { parseIpv4, parseIpv6 } from '../../base/ip.ts';
import { recordOctetsMax, termsMax } from './limits.ts';
import { parseDomainSpec, parseMacroString, type MacroString } from './macro.ts';

/** What a matching mechanism means. */
export type Qualifier = '+' | '-' | '~' | '?';

/** What an address is compared with. Prefix lengths are in bits. */
export type Mechanism =
  | { readonly kind: 'all' }
  | { readonly kind: 'include' | 'exists'; readonly domain: MacroString }
  | {
      readonly kind: 'a' | 'mx';
      readonly domain: MacroString | undefined;
      readonly bits4: number;
      readonly bits6: number;
    }
  | { readonly kind: 'ptr'; readonly domain: MacroString | undefined }
  | { readonly kind: 'ip4'; readonly address: number; readonly bits: number }
  | { readonly kind: 'ip6'; readonly address: bigint; readonly bits: number };

/** One mechanism with its qualifier, and the words that it was read from. */
export interface Directive {
  readonly qualifier: Qualifier;
  readonly mechanism: Mechanism;
  readonly text: string;
}

/** A record of RFC 7208, read whole: a mistake anywhere in it makes all of it invalid (§4.6). */
export interface SpfRecord {
  readonly directives: readonly Directive[];
  readonly redirect: MacroString | undefined;
  readonly explanation: MacroString | undefined;
}

/** The record, or the term that is wrong and why. */
export type ParsedSpf =
  | { readonly ok: true; readonly record: SpfRecord }
  | { readonly ok: false; readonly term: string; readonly problem: string };

const VERSION = /^v=spf1(?: |$)/i;

/** Whether a TXT record is one of SPF (RFC 7208 §4.5). */
export const isSpf = (text: string): boolean => VERSION.test(text);

const MODIFIER = /^([a-z][a-z0-9._-]*)=(.*)$/is;
const DIRECTIVE = /^([+?~-]?)([a-z][a-z0-9]*)(.*)$/is;

/** Reads the text of a record, its strings joined without separators, one octet per character. */
export function parseSpf(text: string): ParsedSpf {
  const wrong = (term: string, problem: string): ParsedSpf => ({ ok: false, term, problem });
  if (text.length > recordOctetsMax) return wrong('', `it is longer than ${recordOctetsMax} octets`);
  const terms = text
    .slice('v=spf1'.length)
    .split(' ')
    .filter((term) => term !== '');
  if (terms.length > termsMax) return wrong('', `it has over ${termsMax} terms`);
  const directives: Directive[] = [];
  let redirect: MacroString | undefined;
  let explanation: MacroString | undefined;
  for (const term of terms) {
    const [, name = '', value = ''] = MODIFIER.exec(term) ?? [];
    const known = name.toLowerCase();
    if (known === 'redirect' || known === 'exp') {
      const domain = parseDomainSpec(value);
      if (domain === undefined) return wrong(term, `${known}= needs a domain`);
      if ((known === 'exp' ? explanation : redirect) !== undefined) return wrong(term, `${known}= is there twice`);
      if (known === 'exp') explanation = domain;
      else redirect = domain;
    } else if (name !== '') {
      if (parseMacroString(value, 'domain') === undefined) return wrong(term, 'its value is no macro string');
    } else {
      const directive = parseDirective(term);
      if (typeof directive === 'string') return wrong(term, directive);
      directives.push(directive);
    }
  }
  return { ok: true, record: { directives, redirect, explanation } };
}

function parseDirective(text: string): Directive | string {
  const match = DIRECTIVE.exec(text);
  if (match === null) return 'it is no mechanism';
  const mechanism = parseMechanism((match[2] ?? '').toLowerCase(), match[3] ?? '');
  if (typeof mechanism === 'string') return mechanism;
  return { qualifier: (match[1] === '' ? '+' : match[1]) as Qualifier, mechanism, text };
}

function parseMechanism(name: string, rest: string): Mechanism | string {
  const colon = rest.startsWith(':');
  const domain = colon ? parseDomainSpec(rest.slice(1)) : undefined;
  switch (name) {
    case 'all':
      return rest === '' ? { kind: 'all' } : 'nothing may follow all';
    case 'include':
    case 'exists':
      return domain === undefined ? `${name} needs a domain` : { kind: name, domain };
    case 'ptr':
      return rest === '' || domain !== undefined ? { kind: 'ptr', domain } : 'ptr takes a domain and no prefix length';
    case 'a':
    case 'mx':
      return parseHosts(name, rest);
    case 'ip4':
      return parseIp4(rest);
    case 'ip6':
      return parseIp6(rest);
    default:
      return `there is no mechanism ${name}`;
  }
}

const DUAL = /(?:\/(0|[1-9]\d?))?(?:\/\/(0|[1-9]\d{0,2}))?$/;

function parseHosts(kind: 'a' | 'mx', rest: string): Mechanism | string {
  const match = DUAL.exec(rest);
  const before = rest.slice(0, match?.index ?? rest.length);
  const bits4 = Number(match?.[1] ?? 32);
  const bits6 = Number(match?.[2] ?? 128);
  if (bits4 > 32 || bits6 > 128) return 'its prefix length is too great';
  if (before === '') return { kind, domain: undefined, bits4, bits6 };
  const domain = before.startsWith(':') ? parseDomainSpec(before.slice(1)) : undefined;
  if (domain !== undefined) return { kind, domain, bits4, bits6 };
  const address = parseIpv4(before.slice(1)) !== undefined || parseIpv6(before.slice(1)) !== undefined;
  return address
    ? `${kind} takes a name; an address is written with ip4: or ip6:`
    : `${kind} needs a domain or nothing`;
}

const LENGTH = /^:(.*?)(?:\/(0|[1-9]\d{0,2}))?$/s;

function parseIp4(rest: string): Mechanism | string {
  const [, text = '', length = '32'] = LENGTH.exec(rest) ?? [];
  const address = parseIpv4(text);
  const bits = Number(length);
  return address === undefined || bits > 32
    ? 'ip4 needs an IPv4 address, and a prefix length up to 32'
    : { kind: 'ip4', address, bits };
}

function parseIp6(rest: string): Mechanism | string {
  const [, text = '', length = '128'] = LENGTH.exec(rest) ?? [];
  const address = parseIpv6(text);
  const bits = Number(length);
  return address === undefined || bits > 128
    ? 'ip6 needs an IPv6 address, and a prefix length up to 128'
    : { kind: 'ip6', address, bits };
}
