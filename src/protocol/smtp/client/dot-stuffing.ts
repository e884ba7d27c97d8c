const CR = 13;
const LF = 10;
const DOT = 46;
const LINE_DOT = Buffer.from('\r\n.');
const ONE_DOT = Buffer.from('.');
const END = Buffer.from('.\r\n');
const LINE_END = Buffer.from('\r\n.\r\n');

/** How far the last octets are into a CRLF. */
type LineState = 'line-start' | 'after-cr' | 'inside';

/**
 * Makes content transparent for DATA (RFC 5321 §4.5.2): a dot that begins a line is doubled. Only CRLF ends a line, so
 * a chunk without such a dot passes uncopied.
 */
export class DotStuffing {
  #state: LineState = 'line-start';

  /** The next octets of the content, made transparent. */
  stuff(chunk: Buffer): Buffer {
    if (chunk.length === 0) return chunk;
    const parts: Buffer[] = [];
    let start = 0;
    const begins = this.#state === 'line-start' && chunk[0] === DOT;
    const joins = this.#state === 'after-cr' && chunk[0] === LF && chunk[1] === DOT;
    if (begins || joins) {
      start = begins ? 0 : 1;
      if (joins) parts.push(chunk.subarray(0, 1));
      parts.push(ONE_DOT);
    }
    for (let at = chunk.indexOf(LINE_DOT, start); at >= 0; at = chunk.indexOf(LINE_DOT, start)) {
      parts.push(chunk.subarray(start, at + 2), ONE_DOT);
      start = at + 2;
    }
    this.#state = stateAfter(chunk, this.#state);
    if (parts.length === 0) return chunk;
    parts.push(chunk.subarray(start));
    return Buffer.concat(parts);
  }

  /** What ends the content: the final dot on a line of its own. */
  end(): Buffer {
    return this.#state === 'line-start' ? END : LINE_END;
  }
}

function stateAfter(chunk: Buffer, before: LineState): LineState {
  const last = chunk[chunk.length - 1];
  if (last === CR) return 'after-cr';
  if (last !== LF) return 'inside';
  const crBefore = chunk.length > 1 ? chunk[chunk.length - 2] === CR : before === 'after-cr';
  return crBefore ? 'line-start' : 'inside';
}
