import packet from 'dns-packet';

const RESPONSE = 0x8000;
const HEADER_OCTETS = 12;

/**
 * Asks a server what it is: version.bind in the class CHAOS, without recursion. A server answers that itself, or refuses it:
 * either way it is alive, whatever has become of those that it would ask.
 */
export function encodeIdentityQuestion(id: number): Buffer {
  return packet.encode({
    type: 'query',
    id,
    flags: 0,
    questions: [{ name: 'version.bind', type: 'TXT', class: 'CH' }],
  });
}

/** What a server says of itself; '' where it does not tell, undefined where the octets are no answer to that question. */
export function readIdentity(octets: Buffer, id: number): string | undefined {
  if (octets.length < HEADER_OCTETS || octets.readUInt16BE(0) !== id) return undefined;
  if ((octets.readUInt16BE(2) & RESPONSE) === 0) return undefined;
  try {
    const [answer] = packet.decode(octets).answers ?? [];
    if (answer?.type !== 'TXT') return '';
    const text = [answer.data].flat().map(String).join(' ');
    return text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 60);
  } catch {
    // It answered, and that is what counts.
    return '';
  }
}
