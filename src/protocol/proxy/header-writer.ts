import { assert } from '../../base/assert.ts';
import { canonicalIp, parseIp, parseIpv6, printIp } from '../../base/ip.ts';
import { crc32c } from './crc32c.ts';
import type { ProxiedEndpoint } from './header.ts';
import { V2_BODY_BYTES_MAX } from './limits.ts';
import { TLV } from './tlvs.ts';
import { V2_SIGNATURE } from './v2.ts';

/** The two ends of a connection that is passed on; undefined where the sender speaks for itself. */
export type PassedOn = { readonly source: ProxiedEndpoint; readonly destination: ProxiedEndpoint } | undefined;

/** Writes a version 1 header. Addresses of different families, or none, are UNKNOWN. */
export function writeV1(connection: PassedOn): string {
  const family = connection === undefined ? undefined : familyOf(connection.source, connection.destination);
  if (connection === undefined || family === undefined) return 'PROXY UNKNOWN\r\n';
  const { source, destination } = connection;
  return `PROXY TCP${family} ${canonicalIp(source.address)} ${canonicalIp(destination.address)} ${source.port} ${destination.port}\r\n`;
}

/** Writes a version 2 header: LOCAL without a connection. `tlvs` follow the addresses; `checksum` adds their CRC32C. */
export function writeV2(
  connection: PassedOn,
  tlvs: readonly { readonly type: number; readonly value: Buffer }[] = [],
  checksum = false,
): Buffer {
  const family = connection === undefined ? undefined : familyOf(connection.source, connection.destination);
  const addresses =
    connection === undefined || family === undefined ? Buffer.alloc(0) : writeAddresses(connection, family);
  const all = checksum ? [...tlvs, { type: TLV.crc32c, value: Buffer.alloc(4) }] : tlvs;
  const values = all.map(({ type, value }) =>
    Buffer.concat([Buffer.from([type, value.length >>> 8, value.length & 255]), value]),
  );
  const body = Buffer.concat([addresses, ...values]);
  assert(body.length <= V2_BODY_BYTES_MAX, 'a PROXY header keeps its bound');
  const fixed = Buffer.from([
    0x20 | (connection === undefined ? 0 : 1),
    family === undefined ? 0 : family === '4' ? 0x11 : 0x21,
    0,
    0,
  ]);
  fixed.writeUInt16BE(body.length, 2);
  const header = Buffer.concat([V2_SIGNATURE, fixed, body]);
  if (checksum) header.writeUInt32BE(crc32c(header), header.length - 4);
  return header;
}

function familyOf(one: ProxiedEndpoint, other: ProxiedEndpoint): '4' | '6' | undefined {
  const families = [one, other].map(({ address }) => parseIp(address)?.family);
  if (families[0] === 4 && families[1] === 4) return '4';
  return families[0] === 6 && families[1] === 6 ? '6' : undefined;
}

function writeAddresses({ source, destination }: NonNullable<PassedOn>, family: '4' | '6'): Buffer {
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(source.port, 0);
  ports.writeUInt16BE(destination.port, 2);
  return Buffer.concat([writeAddress(source.address, family), writeAddress(destination.address, family), ports]);
}

/** The octets of an IP address. */
export function writeAddress(address: string, family: '4' | '6'): Buffer {
  const ip = parseIp(address);
  if (family === '4') {
    assert(ip?.family === 4, 'an IPv4 address');
    return Buffer.from(printIp(ip).split('.').map(Number));
  }
  const value = parseIpv6(address);
  assert(value !== undefined, 'an IPv6 address');
  return Buffer.from(value.toString(16).padStart(32, '0'), 'hex');
}
