import type { Reply } from '../../../mail/reply.ts';
import { QUOTE_BYTES_MAX, REPLY_BYTES_MAX, REPLY_LINE_BYTES_MAX, REPLY_LINES_MAX } from './limits.ts';

const LF = 10;
const CR = 13;
const ZERO = 48;
const HYPHEN = 45;
const SPACE = 32;

/**
 * Turns octets of a server into replies (RFC 5321 §4.2), in any chunking. Lenient where nothing is lost: a bare LF ends a line, a code may
 * stand alone. Everything else that is not a reply makes the reader stop: `read` returns what the peer said, quoted.
 */
export class ReplyReader {
  #rest: Buffer | undefined;
  #code = 0;
  #text: string[] = [];
  #bytes = 0;

  /** Gives each complete reply to `take`; a false from it drops what follows. Returns the quoted line where the peer does not speak SMTP. */
  read(chunk: Buffer, take: (reply: Reply) => boolean): string | undefined {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(LF, start);
      if (end < 0) break;
      const fault = this.#line(bytes, start, end > start && bytes[end - 1] === CR ? end - 1 : end);
      if (fault !== undefined) return fault;
      start = end + 1;
      if (this.#code < 0) {
        const reply = makeReply(-this.#code, this.#text);
        this.reset();
        if (!take(reply)) return undefined;
      }
    }
    if (start < bytes.length) {
      if (bytes.length - start > REPLY_LINE_BYTES_MAX) return quote(bytes, start, bytes.length);
      this.#rest = start === 0 ? bytes : bytes.subarray(start);
    }
    return undefined;
  }

  /** Forgets a reply that has begun. */
  reset(): void {
    this.#rest = undefined;
    this.#code = 0;
    this.#text = [];
    this.#bytes = 0;
  }

  /** Takes one line; the last line of a reply leaves its code negated in `#code`. */
  #line(bytes: Buffer, start: number, end: number): string | undefined {
    const length = end - start;
    this.#bytes += length;
    if (length > REPLY_LINE_BYTES_MAX || this.#bytes > REPLY_BYTES_MAX || this.#text.length >= REPLY_LINES_MAX)
      return quote(bytes, start, end);
    const code = length < 3 ? 0 : readCode(bytes, start);
    const mark = length > 3 ? bytes[start + 3] : SPACE;
    const fits =
      code >= 200 && code <= 599 && (mark === SPACE || mark === HYPHEN) && (this.#code === 0 || this.#code === code);
    if (!fits) return quote(bytes, start, end);
    this.#text.push(length > 4 ? printable(bytes.toString('utf8', start + 4, end)) : '');
    this.#code = mark === HYPHEN ? code : -code;
    return undefined;
  }
}

function readCode(bytes: Buffer, start: number): number {
  let code = 0;
  for (let i = start; i < start + 3; i++) {
    const digit = (bytes[i] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return 0;
    code = code * 10 + digit;
  }
  return code;
}

const STATUS = /^([245])\.(\d{1,3}\.\d{1,3})(?: +|$)/;

/** Joins the lines; an enhanced status counts only where its class is that of the code (RFC 2034 §4). */
function makeReply(code: number, lines: readonly string[]): Reply {
  const match = STATUS.exec(lines[0] ?? '');
  if (match === null || Number(match[1]) !== Math.floor(code / 100)) return { code, text: lines };
  const detail = match[2] ?? '';
  const prefix = `${match[1]}.${detail}`;
  const text = lines.map((line) => (line.startsWith(prefix) ? line.slice(prefix.length).trimStart() : line));
  return { code, detail, text };
}

// Control octets of a peer are what it looks for.
const CONTROL = /[\x00-\x1f\x7f-\x9f]/;
// The same.
const CONTROLS = /[\x00-\x1f\x7f-\x9f]/g;

function printable(text: string): string {
  return CONTROL.test(text) ? text.replace(CONTROLS, '?') : text;
}

function quote(bytes: Buffer, start: number, end: number): string {
  return printable(bytes.toString('utf8', start, Math.min(end, start + QUOTE_BYTES_MAX)));
}
