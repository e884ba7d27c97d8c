import { parseIp, printIp } from '../../../base/ip.ts';
import { decodeXtext } from './xtext.ts';

/** The client that a trusted host speaks for, as XCLIENT and XFORWARD say it. */
export interface ForwardedClient {
  /** '' where it is not known; undefined where it was not said. */
  readonly address: string | undefined;
  readonly port: number | undefined;
}

/** Attributes of XCLIENT and XFORWARD as Postfix documents them; those that are not used here are read all the same. */
const NAMES: ReadonlySet<string> = new Set(
  'NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT IDENT SOURCE REVERSE_NAME'.split(' '),
);
const UNKNOWN: ReadonlySet<string> = new Set(['[UNAVAILABLE]', '[TEMPUNAVAIL]']);
const ATTRIBUTES_MAX = 16;

/** Reads 'ADDR=192.0.2.7 NAME=mx.example.org'; undefined where something of it is not right. */
export function parseForwarded(argument: string): ForwardedClient | undefined {
  const words = argument.split(' ').filter((word) => word !== '');
  if (words.length === 0 || words.length > ATTRIBUTES_MAX) return undefined;
  let address: string | undefined;
  let port: number | undefined;
  for (const word of words) {
    const equals = word.indexOf('=');
    const name = word.slice(0, Math.max(equals, 0)).toUpperCase();
    const value = decodeXtext(word.slice(equals + 1));
    if (!NAMES.has(name) || value === undefined || value === '') return undefined;
    if (name === 'ADDR') {
      address = addressOf(value);
      if (address === undefined) return undefined;
    }
    if (name === 'PORT' && !UNKNOWN.has(value.toUpperCase())) {
      if (!/^\d{1,5}$/.test(value) || Number(value) > 65_535) return undefined;
      port = Number(value);
    }
  }
  return { address, port };
}

function addressOf(value: string): string | undefined {
  if (UNKNOWN.has(value.toUpperCase())) return '';
  const ip = parseIp(/^ipv6:/i.test(value) ? value.slice('ipv6:'.length) : value);
  return ip === undefined ? undefined : printIp(ip);
}
