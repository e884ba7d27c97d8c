/** Attributes of XCLIENT and XFORWARD, as Postfix documents them. */
import { parseIp, printIp } from '../../../base/ip.ts';
import type { ForwardedFrom } from '../../../mail/sender-check.ts';
import { domainMax, forwardedValueMax, forwardedAttributesMax, protocolNameMax, userNameMax } from '../limits.ts';
import { decodeXtext } from './xtext.ts';

/** The attributes that are honoured, as EHLO names them. Others are refused. */
export const forwardedNames = {
  XCLIENT: ['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'LOGIN', 'DESTADDR', 'DESTPORT'],
  XFORWARD: ['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'IDENT', 'SOURCE'],
} as const;

/** The client that a trusted host speaks for. What was not said is undefined; what is not known there is ''. */
export interface ForwardedClient {
  readonly address?: string;
  readonly name?: string;
  readonly port?: number;
  /** The address of ours that the client spoke to. */
  readonly localAddress?: string;
  readonly localPort?: number;
  readonly extended?: boolean;
  readonly helo?: string;
  readonly login?: string;
}

/** What one XFORWARD changes; undefined erases. */
export type ForwardedChanges = { readonly [K in keyof ForwardedFrom]?: ForwardedFrom[K] | undefined };

const UNKNOWN: ReadonlySet<string> = new Set(['[UNAVAILABLE]', '[TEMPUNAVAIL]', '[TEMPORARY]']);
/** What may stand in a comment of a field and on a line of a log. */
const NEUTRAL = /^[\x21-\x27\x2a-\x3b\x3d\x3f\x41-\x5b\x5d-\x7e]+$/;
const HOST = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\.?$/;
const GREETING = /[^\x21\x23-\x27\x2a\x2b\x2d-\x3a\x3d\x3f\x41-\x5b\x5d-\x7e]/g;

/** The values by name; '' is what the sender does not know. Undefined where something of it is not right. */
function attributes(argument: string, names: readonly string[], lenient: boolean): Map<string, string> | undefined {
  const words = argument.split(' ').filter((word) => word !== '');
  if (words.length === 0 || words.length > forwardedAttributesMax) return undefined;
  const out = new Map<string, string>();
  for (const word of words) {
    const equals = word.indexOf('=');
    const name = word.slice(0, Math.max(equals, 0)).toUpperCase();
    const text = word.slice(equals + 1);
    // Hosts of old send values as they are; what is no xtext is one.
    const value = decodeXtext(text) ?? (lenient && /^[\x21-\x7e]+$/.test(text) ? text : undefined);
    if (!names.includes(name) || value === undefined || value === '' || value.length > forwardedValueMax)
      return undefined;
    out.set(name, UNKNOWN.has(value.toUpperCase()) ? '' : value);
  }
  return out;
}

/** Reads 'ADDR=192.0.2.7 NAME=mx.example.org LOGIN=alice'; undefined where something of it is not right. */
export function parseXclient(argument: string): ForwardedClient | undefined {
  const said = attributes(argument, forwardedNames.XCLIENT, false);
  if (said === undefined) return undefined;
  const client: { -readonly [K in keyof ForwardedClient]: ForwardedClient[K] } = {};
  for (const [name, value] of said) {
    switch (name) {
      case 'ADDR':
      case 'DESTADDR': {
        const address = addressOf(value);
        if (address === undefined) return undefined;
        client[name === 'ADDR' ? 'address' : 'localAddress'] = address;
        break;
      }
      case 'PORT':
      case 'DESTPORT': {
        const port = portOf(value);
        if (port === undefined) return undefined;
        client[name === 'PORT' ? 'port' : 'localPort'] = port;
        break;
      }
      case 'NAME':
        if (value !== '' && !isHost(value)) return undefined;
        client.name = value;
        break;
      case 'PROTO':
        if (value !== '' && !/^E?SMTP$/i.test(value)) return undefined;
        client.extended = value.length > 4;
        break;
      case 'HELO':
        client.helo = value.slice(0, domainMax).replace(GREETING, '?');
        break;
      case 'LOGIN':
        if (value.length > userNameMax) return undefined;
        client.login = value;
    }
  }
  return client;
}

/** Reads 'ADDR=192.0.2.7 IDENT=4F2A SOURCE=REMOTE'; undefined where something of it is not right. */
export function parseXforward(argument: string): ForwardedChanges | undefined {
  const said = attributes(argument, forwardedNames.XFORWARD, true);
  if (said === undefined) return undefined;
  const out: { -readonly [K in keyof ForwardedChanges]: ForwardedChanges[K] } = {};
  for (const [name, value] of said) {
    switch (name) {
      case 'ADDR':
        out.address = value === '' ? '' : (addressOf(value) ?? neutral(value));
        break;
      case 'PORT': {
        const port = portOf(value);
        if (port === undefined) return undefined;
        out.port = value === '' ? undefined : port;
        break;
      }
      case 'NAME':
        out.name = known(value);
        break;
      case 'HELO':
        out.helo = known(value);
        break;
      case 'IDENT':
        out.ident = known(value);
        break;
      case 'PROTO':
        if (value.length > protocolNameMax) return undefined;
        out.protocol = known(value);
        break;
      case 'SOURCE': {
        const source = value.toUpperCase();
        if (source !== '' && source !== 'LOCAL' && source !== 'REMOTE') return undefined;
        out.source = source === '' ? undefined : source;
      }
    }
  }
  return out;
}

/** What is forwarded after one more command: mail of the host itself has no other attributes but its id. */
export function mergeForwarded(before: ForwardedFrom | undefined, changes: ForwardedChanges): ForwardedFrom {
  const all = { ...before, ...changes };
  const kept = Object.entries(all).filter(
    ([key, value]) => value !== undefined && (all.address !== '' || key === 'address' || key === 'ident'),
  );
  return Object.fromEntries(kept) as ForwardedFrom;
}

const isHost = (value: string): boolean => value.length <= domainMax && HOST.test(value) && !value.includes('..');

const known = (value: string): string | undefined => (value === '' ? undefined : neutral(value));

function neutral(value: string): string {
  return NEUTRAL.test(value) ? value : value.replace(/[^\x21-\x7e]|[()<>@\\"]/g, '?');
}

function addressOf(value: string): string | undefined {
  if (value === '') return '';
  const ip = parseIp(/^ipv6:/i.test(value) ? value.slice('ipv6:'.length) : value);
  return ip === undefined ? undefined : printIp(ip);
}

function portOf(value: string): number | undefined {
  if (value === '') return 0;
  return /^\d{1,5}$/.test(value) && Number(value) <= 65_535 ? Number(value) : undefined;
}
