import packet from 'dns-packet';
import type { RecordData, RecordType } from '../../world/ports/resolver.ts';
import { readExtendedErrors, type ExtendedError } from './extended-error.ts';
import { udpSizeMax } from './limits.ts';
import { plainName } from './name.ts';

/** What is asked of a server. The name is in lower case without the final dot; '' is the root. */
export interface Question {
  readonly id: number;
  readonly name: string;
  readonly type: RecordType;
}

/** One record of an answer. */
export type DnsRecord = {
  [T in RecordType]: {
    readonly name: string;
    readonly type: T;
    readonly ttlSeconds: number;
    readonly data: RecordData[T];
  };
}[RecordType];

/** A response of a server to our question, read whole. */
export interface Response {
  /** 0 NOERROR, 1 FORMERR, 2 SERVFAIL, 3 NXDOMAIN, 4 NOTIMP, 5 REFUSED (RFC 1035 §4.1.1), with the upper bits of EDNS. */
  readonly rcode: number;
  readonly truncated: boolean;
  /** The AD bit (RFC 6840 §5.8): worth as much as the way to the server. */
  readonly authenticated: boolean;
  readonly answers: readonly DnsRecord[];
  /** Seconds to believe a negative answer, from the SOA record of the authority section (RFC 2308 §5); undefined without one. */
  readonly negativeTtlSeconds: number | undefined;
  /** The zone that a negative answer is from: the owner of that SOA record, '' for the root. */
  readonly negativeZone?: string;
  /** The server looks nothing up for us, it only says who else to ask (RFC 2308 §2.2): that is no answer, and no "there is nothing". */
  readonly referral?: true;
  /** Why the server could not answer, where it says so (RFC 8914). */
  readonly errors?: readonly ExtendedError[];
}

/** A datagram or message read against the question. 'foreign' is not an answer to it: keep waiting. */
export type Reading =
  | { readonly kind: 'response'; readonly response: Response }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'malformed' };

const HEADER_OCTETS = 12;
const RESPONSE = 0x8000;
const OPCODE = 0x7800;

/**
 * Encodes a question for recursion, asking for the AD bit (RFC 6840 §5.7), with or without EDNS (RFC 6891).
 * 'unchecked' asks for the answer even where its signatures are wrong (RFC 4035 §3.2.2).
 */
export function encodeQuestion(question: Question, edns: boolean, dnssec: 'checked' | 'unchecked' = 'checked'): Buffer {
  return packet.encode({
    type: 'query',
    id: question.id,
    flags: packet.RECURSION_DESIRED | (dnssec === 'checked' ? packet.AUTHENTIC_DATA : packet.CHECKING_DISABLED),
    questions: [{ name: question.name === '' ? '.' : question.name, type: question.type, class: 'IN' }],
    additionals: edns
      ? [
          {
            name: '.',
            type: 'OPT',
            udpPayloadSize: udpSizeMax,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ]
      : [],
  });
}

/** Puts the length before a message, as TCP wants it (RFC 1035 §4.2.2). */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/**
 * Reads octets as the response to a question: same id, a response, the same question in the same spelling (RFC 5452 §9.1).
 * Never throws.
 */
export function decodeResponse(octets: Buffer, question: Question): Reading {
  if (octets.length < HEADER_OCTETS || octets.readUInt16BE(0) !== question.id) return { kind: 'foreign' };
  const flags = octets.readUInt16BE(2);
  if ((flags & RESPONSE) === 0 || (flags & OPCODE) !== 0) return { kind: 'foreign' };
  const asked = octets.readUInt16BE(4);
  let decoded: packet.Packet;
  try {
    decoded = packet.decode(octets);
  } catch {
    // A server that cuts an answer may do so within a record (RFC 2181 §9): what is there is to be left out, and TCP asked.
    if ((flags & packet.TRUNCATED_RESPONSE) !== 0 && asks(octets, question))
      return { kind: 'response', response: bare(flags) };
    // Octets that only look like an answer are the same as none; the question decides what to do next.
    return { kind: 'malformed' };
  }
  // A server that could not read the question may leave it out (RFC 1035 §4.1.1).
  const rcode = flags & 15;
  if (asked === 0 && rcode !== 0 && rcode !== 3) return { kind: 'response', response: { ...bare(flags), rcode } };
  const echo = decoded.questions?.[0];
  const name = echo?.name === '.' ? '' : echo?.name;
  if (asked !== 1 || name !== question.name || echo?.type !== question.type || echo.class !== 'IN')
    return { kind: 'foreign' };
  return { kind: 'response', response: readSections(decoded, flags) };
}

/** Whether the question section is ours, octet for octet. */
function asks(octets: Buffer, question: Question): boolean {
  const ours = encodeQuestion(question, false).subarray(HEADER_OCTETS);
  return ours.equals(octets.subarray(HEADER_OCTETS, HEADER_OCTETS + ours.length));
}

function bare(flags: number): Response {
  return {
    rcode: flags & 15,
    truncated: (flags & packet.TRUNCATED_RESPONSE) !== 0,
    authenticated: (flags & packet.AUTHENTIC_DATA) !== 0,
    answers: [],
    negativeTtlSeconds: undefined,
  };
}

function readSections(decoded: packet.Packet, flags: number): Response {
  const answers: DnsRecord[] = [];
  for (const answer of decoded.answers ?? []) {
    const record = readRecord(answer);
    if (record !== undefined) answers.push(record);
  }
  let negativeTtlSeconds: number | undefined;
  let from: { readonly negativeZone: string } | undefined;
  for (const authority of decoded.authorities ?? []) {
    if (authority.type !== 'SOA') continue;
    negativeTtlSeconds = Math.min(authority.ttl ?? 0, authority.data.minimum ?? 0);
    from = { negativeZone: plainName(authority.name) };
  }
  let extended = 0;
  let errors: readonly ExtendedError[] = [];
  for (const additional of decoded.additionals ?? []) {
    if (additional.type !== 'OPT') continue;
    extended = additional.extendedRcode;
    errors = readExtendedErrors(additional.options);
  }
  const base = bare(flags);
  const said = errors.length === 0 ? {} : { errors };
  const elsewhere = isReferral(decoded, flags) ? { referral: true as const } : {};
  return { ...base, rcode: extended * 16 + base.rcode, answers, negativeTtlSeconds, ...from, ...said, ...elsewhere };
}

function isReferral({ answers = [], authorities = [] }: packet.Packet, flags: number): boolean {
  if (answers.length > 0 || (flags & (packet.AUTHORITATIVE_ANSWER | packet.RECURSION_AVAILABLE)) !== 0) return false;
  return authorities.some(({ type }) => type === 'NS') && !authorities.some(({ type }) => type === 'SOA');
}

function readRecord(answer: packet.Answer): DnsRecord | undefined {
  if (answer.type === 'OPT' || (answer.class !== undefined && answer.class !== 'IN')) return undefined;
  const base = { name: plainName(answer.name), ttlSeconds: readTtl(answer.ttl) };
  switch (answer.type) {
    case 'A':
    case 'AAAA':
      return { ...base, type: answer.type, data: answer.data };
    case 'CNAME':
    case 'NS':
    case 'PTR':
      return { ...base, type: answer.type, data: plainName(answer.data) };
    case 'MX':
      return {
        ...base,
        type: 'MX',
        data: { preference: answer.data.preference ?? 0, exchange: plainName(answer.data.exchange) },
      };
    case 'TXT':
      return {
        ...base,
        type: 'TXT',
        data: [answer.data].flat().map((part) => (typeof part === 'string' ? Buffer.from(part) : part)),
      };
    case 'SOA':
      return {
        ...base,
        type: 'SOA',
        data: { primary: plainName(answer.data.mname), minimum: answer.data.minimum ?? 0 },
      };
    case 'TLSA': {
      const { usage, selector, matchingType, certificate } = answer.data;
      return { ...base, type: 'TLSA', data: { usage, selector, matching: matchingType, data: certificate } };
    }
    default:
      return undefined;
  }
}

/** A TTL with the highest bit set means zero (RFC 2181 §8). */
function readTtl(ttl: number | undefined): number {
  return ttl === undefined || ttl > 0x7fff_ffff ? 0 : ttl;
}
