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
    // In locals: this is done for every octet.
    let lines = this.#lines;
    let space = this.#space;
    let cr = this.#cr;
    for (let at = 0; at < chunk.length; at += 1) {
      const octet = chunk[at] as number;
      if (cr && octet === LF) {
        cr = false;
        space = false;
        lines += 1;
        continue;
      }
      if (!cr && octet <= SPACE) {
        if (octet === CR) {
          cr = true;
          continue;
        }
        if (octet === SPACE || octet === TAB) {
          space = true;
          continue;
        }
      }
      // Something counts, and with it what waited. The first of a chunk may be more than it has room for; nothing is in `out` then.
      if (lines > 0 && used === 0) lines = this.#emptyLines(lines);
      for (; lines > 0; lines -= 1) {
        out[used++] = CR;
        out[used++] = LF;
      }
      if (space) out[used++] = SPACE;
      space = false;
      if (cr) {
        // It stands alone, and what comes after it is looked at anew.
        out[used++] = CR;
        cr = false;
        at -= 1;
      } else out[used++] = octet;
    }
    this.#lines = lines;
    this.#space = space;
    this.#cr = cr;
    if (used === 0) return;
    this.#text = true;
    this.#hash.update(used === out.length ? out : out.subarray(0, used));
  }

  /** The hash in base64, once the whole body has come. */
  digest(): string {
    if (this.#cr) {
      // At the very end it stands alone: another one makes it count, and is left out itself.
      this.update(LONE);
    }
    // A body that is not empty ends with one line end.
    if (this.#text) this.#hash.update(LINES.subarray(0, 2));
    return this.#hash.digest('base64');
  }

  #emptyLines(count: number): 0 {
    for (let left = count; left > 0; left -= LINES.length / 2)
      this.#hash.update(LINES.subarray(0, Math.min(left * 2, LINES.length)));
    return 0;
  }
}
