import { LINE_MAX, RETURNED_HEADER_MAX } from './limits.ts';
import { base64Lines, quotedPrintable } from './quoted-printable.ts';

/** What of the original message a report brings back (RFC 3461 §4.3): all of it, or its header section. */
export interface ReturnedMessage {
  readonly extent: 'full' | 'headers';
  /** The whole message, or at least its header section. */
  readonly content: Buffer;
  /** Whether octets above 127 may go as they are; else such a message comes back by its header only. */
  readonly eightBit: 'allowed' | 'avoided';
}

/** A body part ready to be written: its media type, its encoding where not 7bit, and its octets without a last line end. */
export interface WrittenPart {
  readonly type: string;
  readonly encoding?: '8bit' | 'quoted-printable' | 'base64';
  readonly body: Buffer | string;
}

/** What the octets of a message ask of the part that carries them. */
interface Shape {
  /** Octets of the header section with the line end of its last field. */
  readonly headerEnd: number;
  readonly header: 'ascii' | 'utf-8' | 'unknown';
  readonly bodyEightBit: boolean;
  /** Lines of at most 998 octets that end with CRLF, and no NUL: what 7bit and 8bit are (RFC 2045 §2.7, §2.8). */
  readonly regular: boolean;
}

/** Chooses the third part of a report (RFC 6522 §3, RFC 6533 §5) and encodes it. */
export function writeReturned(returned: ReturnedMessage): WrittenPart {
  const { content } = returned;
  const shape = shapeOf(content);
  if (returned.extent === 'headers' || !shape.regular) return writeHeaders(content.subarray(0, shape.headerEnd), shape);
  if (shape.header === 'utf-8') return { type: 'message/global', encoding: 'base64', body: base64Lines(content) };
  if (shape.header === 'ascii' && !shape.bodyEightBit)
    return { type: 'message/rfc822', body: withoutLastLineEnd(content) };
  // message/rfc822 may not be encoded (RFC 2046 §5.2.1): it goes as 8bit or not at all.
  if (returned.eightBit === 'avoided') return writeHeaders(content.subarray(0, shape.headerEnd), shape);
  return { type: 'message/rfc822', encoding: '8bit', body: withoutLastLineEnd(content) };
}

function writeHeaders(whole: Buffer, shape: Shape): WrittenPart {
  const header = whole.length > RETURNED_HEADER_MAX ? cutAtLine(whole) : whole;
  if (shape.header === 'utf-8')
    return { type: 'message/global-headers', encoding: 'quoted-printable', body: quotedPrintable(header) };
  if (shape.header === 'ascii' && shapeOf(header).regular)
    return { type: 'text/rfc822-headers', body: withoutLastLineEnd(header) };
  return { type: 'text/rfc822-headers', encoding: 'quoted-printable', body: quotedPrintable(header) };
}

function cutAtLine(header: Buffer): Buffer {
  const end = header.lastIndexOf('\r\n', RETURNED_HEADER_MAX);
  return header.subarray(0, end < 0 ? RETURNED_HEADER_MAX : end + 2);
}

function withoutLastLineEnd(content: Buffer): Buffer {
  const end = content.length;
  return content[end - 1] === 0x0a && content[end - 2] === 0x0d ? content.subarray(0, end - 2) : content;
}

function shapeOf(content: Buffer): Shape {
  const blank = content.indexOf('\r\n\r\n');
  const headerEnd = content[0] === 0x0d && content[1] === 0x0a ? 0 : blank < 0 ? content.length : blank + 2;
  const header = content.subarray(0, headerEnd);
  return {
    headerEnd,
    header: !hasEightBit(header) ? 'ascii' : isUtf8(header) ? 'utf-8' : 'unknown',
    bodyEightBit: hasEightBit(content.subarray(headerEnd)),
    regular: isRegular(content),
  };
}

function hasEightBit(octets: Buffer): boolean {
  for (let i = 0; i < octets.length; i += 1) if ((octets[i] ?? 0) > 127) return true;
  return false;
}

function isUtf8(octets: Buffer): boolean {
  return Buffer.from(octets.toString('utf8'), 'utf8').equals(octets);
}

function isRegular(octets: Buffer): boolean {
  let lineStart = 0;
  for (let i = 0; i < octets.length; i += 1) {
    const octet = octets[i];
    if (octet === 0) return false;
    if (octet === 0x0d && octets[i + 1] !== 0x0a) return false;
    if (octet !== 0x0a) continue;
    if (i === 0 || octets[i - 1] !== 0x0d || i - 1 - lineStart > LINE_MAX) return false;
    lineStart = i + 1;
  }
  return octets.length - lineStart <= LINE_MAX;
}
