import { parseIp, printIp, type IpAddress } from '../../base/ip.ts';
import { noFacts, type ProxiedConnection, type ProxiedEndpoint, type ProxyHeader } from './header.ts';
import { readTlvs } from './tlvs.ts';

/** The twelve octets that begin every version 2 header. */
export const V2_SIGNATURE: Buffer = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

/** Octets before the addresses. */
export const V2_FIXED_BYTES = 16;

/** Octets of the addresses by family: unspecified, IPv4, IPv6, UNIX. */
const ADDRESS_BYTES = [0, 12, 36, 216] as const;
const UNIX_PATH_BYTES = 108;

/** Reads a whole version 2 header, or says what is wrong with it. */
export function parseV2(header: Buffer): ProxyHeader | string {
  const version = header.readUInt8(12) >>> 4;
  const command = header.readUInt8(12) & 15;
  if (version !== 2) return `its version is ${version}`;
  if (command > 1) return `its command ${command} is neither LOCAL nor PROXY`;
  // A receiver takes LOCAL whatever its family says, and skips what follows.
  if (command === 0) return { version: 2, connection: { kind: 'local' }, facts: noFacts };
  const family = header.readUInt8(13) >>> 4;
  const transport = header.readUInt8(13) & 15;
  const length = ADDRESS_BYTES[family];
  if (length === undefined || transport > 2) return 'its address family or transport is not known';
  if (family === 0 || transport === 0) return { version: 2, connection: { kind: 'unknown' }, facts: noFacts };
  if (header.length < V2_FIXED_BYTES + length) return 'it is too short for its addresses';
  const facts = readTlvs(header, V2_FIXED_BYTES + length);
  if (typeof facts === 'string') return facts;
  return { version: 2, connection: connectionOf(header, family, transport), facts };
}

function connectionOf(header: Buffer, family: number, transport: number): ProxiedConnection {
  if (family === 3) {
    const path = (at: number): string => {
      const field = header.subarray(at, at + UNIX_PATH_BYTES);
      const end = field.indexOf(0, 1); // an abstract socket's name begins with a zero
      return field.toString('latin1', 0, end === -1 ? field.length : end);
    };
    return { kind: 'unix', source: path(V2_FIXED_BYTES), destination: path(V2_FIXED_BYTES + UNIX_PATH_BYTES) };
  }
  const width = family === 1 ? 4 : 16;
  const ports = V2_FIXED_BYTES + 2 * width;
  const endpoint = (index: 0 | 1): ProxiedEndpoint => ({
    address: printAddress(header.subarray(V2_FIXED_BYTES + index * width, V2_FIXED_BYTES + (index + 1) * width)),
    port: header.readUInt16BE(ports + 2 * index),
  });
  return { kind: transport === 1 ? 'tcp' : 'udp', source: endpoint(0), destination: endpoint(1) };
}

function printAddress(octets: Buffer): string {
  if (octets.length === 4) return printIp({ family: 4, value: octets.readUInt32BE(0) });
  const ip: IpAddress = { family: 6, value: BigInt(`0x${octets.toString('hex')}`) };
  // IPv4 mapped into IPv6 must not pass an access list as something else.
  const text = printIp(ip);
  const canonical = parseIp(text);
  return canonical === undefined ? text : printIp(canonical);
}
