import { createHash, type Hash } from 'node:crypto';

const CR = 13;
const LF = 10;
const SPACE = 32;
const TAB = 9;
const LONE = Buffer.from('\r');
const LINES = Buffer.from('\r\n'.repeat(512));
/** Octets that may wait besides line ends when a chunk begins: a space and a CR. */
const WAITING_MAX = 2;

/**
 * The body hash under the relaxed canonicalization (RFC 6376 §3.4.4), over chunks of any size: white space within a line
 * becomes one space, at its end nothing, and empty lines at the end of the body count as none. One pass, and a state of
 * constant size between chunks, however many empty lines there are. A CR or LF alone is an octet like others.
 */
export class BodyHash {
  readonly #hash: Hash = createHash('sha256');
  /** Line ends that count only when something follows them. */
  #lines = 0;
  /** White space that counts only when something follows it in its line. */
  #space = false;
  #cr = false;
  /** Whether anything counts so far. */
  #text = false;

  /** The next octets of the body. */
  update(chunk: Buffer): void {
    const out = Buffer.allocUnsafe(chunk.length + WAITING_MAX);
    let used = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const octet = chunk[at] as number;
      if (this.#cr) {
        this.#cr = false;
        if (octet === LF) {
          this.#space = false;
          this.#lines += 1;
          continue;
        }
        used = this.#waiting(out, used);
        out[used++] = CR;
      }
      if (octet === CR) this.#cr = true;
      else if (octet === SPACE || octet === TAB) this.#space = true;
      else {
        if (this.#space || this.#lines > 0) used = this.#waiting(out, used);
        out[used++] = octet;
      }
    }
    if (used > 0) {
      this.#text = true;
      this.#hash.update(out.subarray(0, used));
    }
  }

  /** The hash in base64, once the whole body has come. */
  digest(): string {
    if (this.#cr) this.update(LONE); // the CR at the very end stands alone
    // A body that is not empty ends with one line end.
    if (this.#text) this.#hash.update(LINES.subarray(0, 2));
    return this.#hash.digest('base64');
  }

  /** What waited counts now. The first of a chunk may be more than the chunk has room for, and nothing is in `out` then. */
  #waiting(out: Buffer, used: number): number {
    let to = used;
    if (to === 0)
      for (; this.#lines > 0; this.#lines -= Math.min(this.#lines, LINES.length / 2))
        this.#hash.update(LINES.subarray(0, this.#lines * 2));
    for (; this.#lines > 0; this.#lines -= 1) to += LINES.copy(out, to, 0, 2);
    if (this.#space) out[to++] = SPACE;
    this.#space = false;
    return to;
  }
}
