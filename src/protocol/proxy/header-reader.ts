import type { ProxyHeader } from './header.ts';
import { V1_HEADER_BYTES_MAX, V2_BODY_BYTES_MAX } from './limits.ts';
import { parseV1 } from './v1.ts';
import { parseV2, V2_FIXED_BYTES, V2_SIGNATURE } from './v2.ts';

/** How far the reader has come. */
export type HeaderReading =
  | { readonly kind: 'more' }
  /** The header is whole; `rest` are the octets behind it, which belong to the client. */
  | { readonly kind: 'header'; readonly header: ProxyHeader; readonly rest: Buffer }
  /** It is no header, or a malformed one: the connection must be closed. */
  | { readonly kind: 'refused'; readonly why: string };

const V1_PREFIX = Buffer.from('PROXY ', 'latin1');
const MORE: HeaderReading = { kind: 'more' };
const CR = 13;
const LF = 10;

/** How octets compare with the beginning of a header of either version. */
export function looksLikeHeader(octets: Buffer): 'yes' | 'no' | 'maybe' {
  for (const beginning of [V1_PREFIX, V2_SIGNATURE]) {
    const length = Math.min(beginning.length, octets.length);
    if (beginning.compare(octets, 0, length, 0, length) === 0) return length === beginning.length ? 'yes' : 'maybe';
  }
  return 'no';
}

/** Reads one PROXY header of version 1 or 2 from a connection, however its octets are cut. A wrong octet is noticed at once. */
export class HeaderReader {
  #held: Buffer = Buffer.alloc(0);
  /** Octets already searched for a line end. */
  #searched = 0;

  /** Whether any octet has come. */
  get begun(): boolean {
    return this.#held.length > 0;
  }

  /** Takes the next octets. Not to be called again after anything but 'more'. */
  receive(chunk: Buffer): HeaderReading {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    if (this.#held.length === 0) return MORE;
    switch (looksLikeHeader(this.#held)) {
      case 'no':
        return refused('the connection does not begin with a PROXY header');
      case 'maybe':
        return MORE;
      case 'yes':
        return this.#held[0] === CR ? this.#readV2() : this.#readV1();
    }
  }

  #readV1(): HeaderReading {
    const held = this.#held;
    const end = held.subarray(0, V1_HEADER_BYTES_MAX).indexOf(LF, this.#searched);
    this.#searched = Math.min(held.length, V1_HEADER_BYTES_MAX);
    if (end === -1)
      return held.length < V1_HEADER_BYTES_MAX ? MORE : refused(`it is longer than ${V1_HEADER_BYTES_MAX} octets`);
    if (held[end - 1] !== CR) return refused('its line does not end with CR LF');
    return done(parseV1(held.toString('latin1', 0, end - 1)), held.subarray(end + 1));
  }

  #readV2(): HeaderReading {
    const held = this.#held;
    if (held.length < V2_FIXED_BYTES) return MORE;
    const body = held.readUInt16BE(14);
    if (body > V2_BODY_BYTES_MAX) return refused(`it says that it is longer than ${V2_BODY_BYTES_MAX} octets`);
    const length = V2_FIXED_BYTES + body;
    if (held.length < length) return MORE;
    return done(parseV2(held.subarray(0, length)), held.subarray(length));
  }
}

function done(header: ProxyHeader | string, rest: Buffer): HeaderReading {
  return typeof header === 'string'
    ? refused(`the PROXY header is malformed: ${header}`)
    : { kind: 'header', header, rest };
}

function refused(why: string): HeaderReading {
  return { kind: 'refused', why };
}
