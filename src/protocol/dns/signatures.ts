import packet from 'dns-packet';
import { udpSizeMax } from './limits.ts';
import { plainName } from './name.ts';

/** When a signature of a zone (RFC 4034 §3.1.5) holds; seconds since 1970. */
export interface SignatureSpan {
  /** The zone that signed, without the final dot; '' is the root. */
  readonly signer: string;
  readonly fromS: number;
  readonly toS: number;
}

/** A question for the start of a zone with its signatures (RFC 4035 §3.2.1), which need not be checked on the way: they are looked at for their times. */
export function encodeSignatureQuestion(id: number, zone: string): Buffer {
  return packet.encode({
    type: 'query',
    id,
    flags: packet.RECURSION_DESIRED | packet.CHECKING_DISABLED,
    questions: [{ name: zone === '' ? '.' : zone, type: 'SOA', class: 'IN' }],
    additionals: [
      {
        name: '.',
        type: 'OPT',
        udpPayloadSize: udpSizeMax,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: packet.DNSSEC_OK,
        flag_do: true,
        options: [],
      },
    ],
  });
}

/** The signatures in an answer to such a question, maybe none; undefined where it is no answer to it. Never throws. */
export function readSignatures(octets: Buffer, id: number): readonly SignatureSpan[] | undefined {
  if (octets.length < 12 || octets.readUInt16BE(0) !== id || (octets.readUInt16BE(2) & 0x8000) === 0) return undefined;
  let decoded: packet.Packet;
  try {
    decoded = packet.decode(octets);
  } catch {
    return undefined; // octets that only look like an answer are none
  }
  return (decoded.answers ?? []).flatMap((answer) =>
    answer.type === 'RRSIG'
      ? [{ signer: plainName(answer.data.signersName), fromS: answer.data.inception, toS: answer.data.expiration }]
      : [],
  );
}
