const HEX = '0123456789ABCDEF';
const LINE_MAX = 76;

/** Encodes octets as quoted-printable (RFC 2045 §6.7); CRLF pairs are line ends, every other CR or LF is encoded. */
export function quotedPrintable(content: Buffer): string {
  let out = '';
  let line = '';
  for (let i = 0; i < content.length; i += 1) {
    const octet = content[i] ?? 0;
    if (octet === 0x0d && content[i + 1] === 0x0a) {
      out += `${line}\r\n`;
      line = '';
      i += 1;
      continue;
    }
    const atEnd = i + 1 === content.length || (content[i + 1] === 0x0d && content[i + 2] === 0x0a);
    const piece = pieceFor(octet, atEnd, line === '');
    // One column is kept for the soft line break.
    if (line.length + piece.length > LINE_MAX - 1) {
      out += `${line}=\r\n`;
      line = '';
    }
    line += piece;
  }
  return out + line;
}

function pieceFor(octet: number, atEnd: boolean, atStart: boolean): string {
  const blankAtEnd = (octet === 0x20 || octet === 0x09) && atEnd;
  // A dot that opens a line is encoded too, so that a sloppy relay has nothing to stuff (RFC 2049 §3).
  const openingDot = octet === 0x2e && atStart;
  const literal = (octet >= 0x20 && octet <= 0x7e && octet !== 0x3d) || octet === 0x09;
  if (literal && !blankAtEnd && !openingDot) return String.fromCharCode(octet);
  return `=${HEX[octet >> 4]}${HEX[octet & 15]}`;
}

/** Encodes octets as base64 in lines of 76 (RFC 2045 §6.8). */
export function base64Lines(content: Buffer): string {
  return content.toString('base64').replace(/.{76}/g, '$&\r\n').replace(/\r\n$/, '');
}
