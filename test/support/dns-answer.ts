import packet from 'dns-packet';
import type { RecordType } from '../../src/world/ports/resolver.ts';
import type { Zone, ZoneAnswer, ZoneFault, ZoneRecord } from '../../src/world/sim/zone.ts';

/** How a server can fail as a whole; the last two say no to every name. */
export type ServerFault = ZoneFault | 'NXDOMAIN' | 'EMPTY';

/** How a question is answered. */
export interface DnsAnswerOptions {
  /** Every answer is this fault. */
  readonly failing: ServerFault | undefined;
  /** Octets over which an answer is truncated; undefined: what the question offers. */
  readonly udpMax: number | undefined;
  readonly authenticated: boolean | undefined;
}

const RCODES = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;

/** The octets a name server with this zone answers; undefined where it is silent. */
export function answerQuestion(
  query: packet.DecodedPacket | packet.Packet,
  zone: Zone,
  options: DnsAnswerOptions,
): Buffer | undefined {
  const question = query.questions?.[0];
  if (question === undefined) return undefined;
  const { failing } = options;
  const found = look(zone, question.name, question.type as RecordType, failing);
  if (found.kind === 'fault' && found.fault === 'SILENT') return undefined;
  const rcode =
    found.kind === 'fault'
      ? RCODES[found.fault === 'REFUSED' ? 'REFUSED' : 'SERVFAIL']
      : found.kind === 'no-such-name'
        ? RCODES.NXDOMAIN
        : RCODES.NOERROR;
  const answers =
    found.kind === 'fault' ? [] : found.aliases.concat(found.kind === 'records' ? found.records : []).map(toAnswer);
  // Who says no to every name has no zone to name.
  const negative = failing === undefined && (found.kind === 'no-such-name' || found.kind === 'no-data');
  const opt = query.additionals?.find((record) => record.type === 'OPT');
  const flags =
    packet.RECURSION_DESIRED |
    packet.RECURSION_AVAILABLE |
    rcode |
    (options.authenticated === true ? packet.AUTHENTIC_DATA : 0);
  const response: packet.Packet = {
    type: 'response',
    ...(query.id === undefined ? {} : { id: query.id }),
    flags,
    questions: [question],
    answers,
    authorities: negative ? [{ name: 'test', type: 'SOA', ttl: 60, class: 'IN', data: SOA }] : [],
    additionals: opt === undefined ? [] : [OPT],
  };
  const message = packet.encode(response);
  const udpMax = options.udpMax ?? (opt?.type === 'OPT' ? opt.udpPayloadSize : 512);
  if (message.length <= udpMax) return message;
  return packet.encode({ ...response, flags: flags | packet.TRUNCATED_RESPONSE, answers: [], authorities: [] });
}

function look(zone: Zone, name: string, type: RecordType, failing: ServerFault | undefined): ZoneAnswer {
  if (failing === 'NXDOMAIN') return { kind: 'no-such-name', aliases: [] };
  if (failing === 'EMPTY') return { kind: 'no-data', aliases: [] };
  return failing === undefined ? zone.look(name, type) : { kind: 'fault', fault: failing };
}

const SOA = { mname: 'ns.test', rname: 'root.test', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 60 };
const OPT = {
  name: '.',
  type: 'OPT' as const,
  udpPayloadSize: 1232,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};

function toAnswer(record: ZoneRecord): packet.Answer {
  const base = { name: record.name, ttl: record.ttlSeconds, class: 'IN' as const };
  switch (record.type) {
    case 'MX':
      return {
        ...base,
        type: 'MX',
        data: {
          preference: record.data.preference,
          exchange: record.data.exchange === '' ? '.' : record.data.exchange,
        },
      };
    case 'TXT':
      return { ...base, type: 'TXT', data: [...record.data] };
    case 'SOA':
      return {
        ...base,
        type: 'SOA',
        data: {
          mname: record.data.primary,
          rname: '.',
          serial: 1,
          refresh: 1,
          retry: 1,
          expire: 1,
          minimum: record.data.minimum,
        },
      };
    case 'TLSA':
      return {
        ...base,
        type: 'TLSA',
        data: {
          usage: record.data.usage,
          selector: record.data.selector,
          matchingType: record.data.matching,
          certificate: record.data.data,
        },
      };
    default:
      return { ...base, type: record.type, data: record.data };
  }
}
