import { crc32c } from './crc32c.ts';
import type { ProxiedFacts, ProxiedTls } from './header.ts';
import { TLVS_MAX } from './limits.ts';

/** The registered types (proxy-protocol.txt section 2.2). */
export const TLV = {
  alpn: 0x01,
  authority: 0x02,
  crc32c: 0x03,
  noop: 0x04,
  uniqueId: 0x05,
  ssl: 0x20,
  namespace: 0x30,
} as const;

/** The types within PP2_TYPE_SSL. */
export const SSL_TLV = { version: 0x21, commonName: 0x22, cipher: 0x23, signature: 0x24, key: 0x25 } as const;

const SSL_FIXED_BYTES = 5;
const UNIQUE_ID_BYTES_MAX = 128;

interface Tlv {
  readonly type: number;
  readonly value: Buffer;
  /** Where the value begins in what was split. */
  readonly at: number;
}

function split(octets: Buffer, counted: { tlvs: number }): Tlv[] | undefined {
  const out: Tlv[] = [];
  for (let at = 0; at < octets.length; ) {
    counted.tlvs += 1;
    if (at + 3 > octets.length || counted.tlvs > TLVS_MAX) return undefined;
    const end = at + 3 + octets.readUInt16BE(at + 1);
    if (end > octets.length) return undefined;
    out.push({ type: octets.readUInt8(at), value: octets.subarray(at + 3, end), at: at + 3 });
    at = end;
  }
  return out;
}

/** Reads the TLVs behind the addresses of a whole version 2 header, or says what is wrong with them. */
export function readTlvs(header: Buffer, from: number): ProxiedFacts | string {
  const counted = { tlvs: 0 };
  const tlvs = split(header.subarray(from), counted);
  if (tlvs === undefined) return 'its additional values do not fit into its length';
  const facts: { -readonly [K in keyof ProxiedFacts]: ProxiedFacts[K] } & { others: Tlv[] } = { others: [] };
  for (const tlv of tlvs) {
    const { type, value } = tlv;
    switch (type) {
      case TLV.noop:
        break;
      case TLV.alpn:
        facts.alpn = value.toString('latin1');
        break;
      case TLV.authority:
        facts.authority = value.toString('utf8');
        break;
      case TLV.namespace:
        facts.namespace = value.toString('latin1');
        break;
      case TLV.uniqueId:
        if (value.length > UNIQUE_ID_BYTES_MAX) return 'its unique id is longer than 128 octets';
        facts.uniqueId = Buffer.from(value);
        break;
      case TLV.crc32c:
        if (!checksumFits(header, from + tlv.at, value)) return 'its checksum is wrong';
        break;
      case TLV.ssl: {
        const tls = readTls(value, counted);
        if (tls === undefined) return 'what it says about TLS is malformed';
        if (tls !== 'none') facts.tls = tls;
        break;
      }
      default:
        facts.others.push({ ...tlv, value: Buffer.from(value) });
    }
  }
  return { ...facts, others: facts.others.map(({ type, value }) => ({ type, value })) };
}

/** The sum is over the whole header with zeros in its own place. */
function checksumFits(header: Buffer, at: number, value: Buffer): boolean {
  if (value.length !== 4) return false;
  const said = value.readUInt32BE(0);
  const copy = Buffer.from(header);
  copy.fill(0, at, at + 4);
  return crc32c(copy) === said;
}

function readTls(value: Buffer, counted: { tlvs: number }): ProxiedTls | 'none' | undefined {
  if (value.length < SSL_FIXED_BYTES) return undefined;
  const inner = split(value.subarray(SSL_FIXED_BYTES), counted);
  const flags = value.readUInt8(0);
  if (inner === undefined || (flags & 1) === 0) return inner === undefined ? undefined : 'none';
  const text = (type: number, encoding: 'latin1' | 'utf8'): string | undefined =>
    inner.find((tlv) => tlv.type === type)?.value.toString(encoding);
  const optional = <K extends string>(key: K, said: string | undefined): { [P in K]?: string } =>
    said === undefined ? {} : ({ [key]: said } as { [P in K]?: string });
  return {
    certificateOnConnection: (flags & 2) !== 0,
    certificateInSession: (flags & 4) !== 0,
    verified: (flags & 6) !== 0 && value.readUInt32BE(1) === 0,
    ...optional('version', text(SSL_TLV.version, 'latin1')),
    ...optional('cipher', text(SSL_TLV.cipher, 'latin1')),
    ...optional('commonName', text(SSL_TLV.commonName, 'utf8')),
    ...optional('signatureAlgorithm', text(SSL_TLV.signature, 'latin1')),
    ...optional('keyAlgorithm', text(SSL_TLV.key, 'latin1')),
  };
}
