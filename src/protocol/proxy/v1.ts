import { parseIpv4, parseIpv6, parseIp, printIp } from '../../base/ip.ts';
import { noFacts, type ProxiedEndpoint, type ProxyHeader } from './header.ts';

/** Reads the line of a version 1 header without its line end, or says what is wrong with it. */
export function parseV1(line: string): ProxyHeader | string {
  const words = line.split(' ');
  const [, protocol, source = '', destination = '', sourcePort = '', destinationPort = ''] = words;
  // Whatever follows UNKNOWN is to be ignored.
  if (protocol === 'UNKNOWN') return { version: 1, connection: { kind: 'unknown' }, facts: noFacts };
  if (protocol !== 'TCP4' && protocol !== 'TCP6') return 'its protocol is none of TCP4, TCP6 and UNKNOWN';
  if (words.length !== 6) return 'it does not have two addresses and two ports, one space between each';
  const from = endpoint(protocol, source, sourcePort);
  const to = endpoint(protocol, destination, destinationPort);
  if (from === undefined || to === undefined) return `an address or port in it is not one of ${protocol}`;
  return { version: 1, connection: { kind: 'tcp', source: from, destination: to }, facts: noFacts };
}

function endpoint(protocol: 'TCP4' | 'TCP6', address: string, port: string): ProxiedEndpoint | undefined {
  const fits = protocol === 'TCP4' ? parseIpv4(address) !== undefined : parseIpv6(address) !== undefined;
  const ip = fits ? parseIp(address) : undefined;
  if (ip === undefined || !/^(?:0|[1-9]\d{0,4})$/.test(port) || Number(port) > 65_535) return undefined;
  return { address: printIp(ip), port: Number(port) };
}
