/**
 * Reads mail data as it comes in, for DATA (with transparency and its end, RFC 5321 §4.5.2) and for BDAT (RFC 3030 §2).
 * It yields views of the octets that came in, and never looks at them twice.
 *
 * Only CR LF '.' CR LF ends mail data. CR or LF alone is never a line end: neither a dot after it nor one before it has any
 * meaning, so what another server takes for the end of a message is content here ("SMTP smuggling"). Under 'refuse' the first
 * one makes the message `broken`; the rest is read up to the true end without being yielded. Under 'normalise' it becomes CR LF.
 * All other octets pass, NUL and those beyond ASCII too.
 */
import { isAscii } from 'node:buffer';

const LF = 10;
const CR = 13;
const DOT = 46;
const CRLF = Buffer.from('\r\n');
const CR_ONLY = CRLF.subarray(0, 1);
const LF_ONLY = CRLF.subarray(1, 2);

/**
 * What the last octets were: in a line, behind a CR, at the start of a line, behind a dot that began a line
 * (not yielded, whatever follows), behind that dot and a CR (not yielded yet).
 */
type Position = 'text' | 'cr' | 'line' | 'dot' | 'dot-cr';

/** Takes views of content in order. */
export type ContentSink = (view: Buffer) => void;

/** How a message is read. */
export interface ContentScannerOptions {
  /** Whether dots at the start of lines are transparent and one alone ends the content: DATA, not BDAT. */
  readonly dots: boolean;
  readonly bareLineEndings: 'refuse' | 'normalise';
  /** Octets of content that are yielded at most. */
  readonly sizeMax: number;
}

/** The scanner of one message. */
export class ContentScanner {
  /** Why the content is refused, once it is. */
  broken: 'no' | 'bare-line-ending' | 'too-big' = 'no';
  /** Whether the end of DATA was found. */
  ended = false;
  /** Octets of content so far, without transparency. */
  size = 0;
  /** Whether any octet is beyond ASCII. */
  eightBit = false;
  #position: Position = 'line';
  /** Octets that came since it broke; counted by whoever reads it. */
  dropped = 0;
  readonly #dots: boolean;
  readonly #refuses: boolean;
  readonly #sizeMax: number;

  constructor(options: ContentScannerOptions) {
    this.#dots = options.dots;
    this.#refuses = options.bareLineEndings === 'refuse';
    this.#sizeMax = options.sizeMax;
  }

  /** Reads octets [start, end) and returns where it stopped: behind the end of DATA, or at `end`. */
  scan(octets: Buffer, start: number, end: number, sink: ContentSink): number {
    // The octets from `from` on are content that is not yielded yet.
    let from = start;
    let at = start;
    while (at < end) {
      const octet = octets[at] as number;
      switch (this.#position) {
        case 'text': {
          at = this.#nextLineEnd(octets, at, end);
          if (at < end) {
            if (octets[at] === CR) this.#position = 'cr';
            else from = this.#bare(octets, from, at, CR_ONLY, sink);
            at += 1;
          }
          break;
        }
        case 'cr':
          if (octet === LF) {
            this.#position = 'line';
            at += 1;
          } else {
            from = this.#bare(octets, from, at, LF_ONLY, sink);
            this.#position = 'text';
          }
          break;
        case 'line':
          if (octet === DOT && this.#dots) {
            this.#yield(octets, from, at, sink);
            at += 1;
            from = at;
            this.#position = 'dot';
          } else this.#position = 'text';
          break;
        case 'dot':
          if (octet === CR) {
            at += 1;
            from = at;
            this.#position = 'dot-cr';
          } else this.#position = 'text';
          break;
        case 'dot-cr':
          if (octet === LF) {
            this.ended = true;
            return at + 1;
          }
          // The CR that was kept back stands alone. It is not in [from, at) when it came with an earlier chunk.
          this.#yieldWhole(CR_ONLY, sink);
          from = this.#bare(octets, at, at, LF_ONLY, sink);
          this.#position = 'text';
          break;
      }
    }
    this.#yield(octets, from, end, sink);
    return end;
  }

  /** BDAT: the last octet has come. A CR at the very end stands alone. */
  finish(sink: ContentSink): void {
    if (this.#position === 'cr') this.#bare(LF_ONLY, 0, 0, LF_ONLY, sink);
  }

  /** The next CR or LF that is not the CR LF of an ordinary line; skips whole lines where nothing has to be changed. */
  #nextLineEnd(octets: Buffer, start: number, end: number): number {
    const dots = this.#dots ? DOT : -1;
    let at = start;
    while (at < end) {
      const octet = octets[at] as number;
      if (octet > CR) at += 1;
      else if (octet === CR) {
        if (at + 2 >= end || octets[at + 1] !== LF || octets[at + 2] === dots) return at;
        at += 2;
      } else if (octet === LF) return at;
      else at += 1;
    }
    return end;
  }

  /** A CR or LF alone was found at `at`: yields up to there and what is missing, or breaks the message. Returns the new `from`. */
  #bare(octets: Buffer, from: number, at: number, missing: Buffer, sink: ContentSink): number {
    if (this.#refuses) {
      if (this.broken === 'no') this.broken = 'bare-line-ending';
      return at;
    }
    this.#yield(octets, from, at, sink);
    this.#yieldWhole(missing, sink);
    return at;
  }

  #yield(octets: Buffer, from: number, to: number, sink: ContentSink): void {
    if (from < to && this.broken === 'no')
      this.#yieldWhole(from === 0 && to === octets.length ? octets : octets.subarray(from, to), sink);
  }

  #yieldWhole(view: Buffer, sink: ContentSink): void {
    if (this.broken !== 'no') return;
    this.size += view.length;
    if (this.size > this.#sizeMax) {
      this.broken = 'too-big';
      return;
    }
    if (!this.eightBit && !isAscii(view)) this.eightBit = true;
    sink(view);
  }
}
