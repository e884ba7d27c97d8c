/**
 * Cuts commands out of octets. A command ends with CR LF. LF alone ends what is before it too, so that a peer is told at once
 * instead of waiting for ever; but neither that piece nor any up to and including the next one ended by CR LF is a command:
 * whatever hid a command behind a LF in what it took for one line gets refusals (RFC 5321 §2.3.8).
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { droppedLineMax, keptLineMax } from '../limits.ts';

const LF = 10;
const CR = 13;

/** What was read up to `end`: a command without its CR LF and with its length in octets, or why there is none. */
export type Line =
  | { readonly kind: 'line'; readonly end: number; readonly text: string; readonly octets: number }
  | { readonly kind: 'too-long' | 'bad-ending' | 'bad-octets'; readonly end: number }
  /** More octets are needed. */
  | { readonly kind: 'none'; readonly end: number }
  /** A line went on and on. */
  | { readonly kind: 'endless'; readonly end: number };

/** Reads lines from a buffer that grows at its end; the caller keeps what is behind the returned `end`. */
export class LineReader {
  /** Octets dropped of a line that became too long. */
  #dropped = 0;
  /** Octets already searched in vain. */
  #searched = 0;
  /** Whether the last piece ended with LF alone. */
  #tainted = false;

  read(octets: Buffer, start: number): Line {
    const lf = octets.indexOf(LF, start + this.#searched);
    if (lf < 0) return this.#noEnd(octets, start);
    const end = lf + 1;
    const tooLong = this.#dropped > 0 || end - start > keptLineMax;
    const proper = lf > start && octets[lf - 1] === CR;
    const refused = this.#tainted || !proper;
    this.#dropped = 0;
    this.#searched = 0;
    this.#tainted = !proper;
    if (refused) return { kind: 'bad-ending', end };
    if (tooLong) return { kind: 'too-long', end };
    const text = readText(octets, start, lf - 1);
    return text === undefined ? { kind: 'bad-octets', end } : { kind: 'line', end, text, octets: end - start };
  }

  #noEnd(octets: Buffer, start: number): Line {
    const kept = octets.length - start;
    this.#searched = kept;
    if (kept <= keptLineMax) return { kind: 'none', end: start };
    // The last octet stays: it may be the CR of the line's end.
    this.#dropped += kept - 1;
    this.#searched = 1;
    return { kind: this.#dropped > droppedLineMax ? 'endless' : 'none', end: octets.length - 1 };
  }
}

/** The text of a line; undefined where it holds control characters (CR alone among them) or is not UTF-8. */
function readText(octets: Buffer, start: number, end: number): string | undefined {
  const view = octets.subarray(start, end);
  const ascii = isAscii(view);
  if (!ascii && !isUtf8(view)) return undefined;
  const text = ascii ? view.toString('latin1') : view.toString('utf8');
  return /[\x00-\x1f\x7f]/.test(text) ? undefined : text;
}
