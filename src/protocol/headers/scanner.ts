/**
 * Reads a header section as it streams by (RFC 5322 §2.2) and remembers only where the wanted fields are.
 * It judges nothing: malformed lines are counted and passed over, and the content is never changed.
 */
import { fieldNameMax, keptFieldBytesMax, keptFieldsMax, malformedLinesMax } from './limits.ts';

const LF = 10;
const CR = 13;
const SPACE = 32;
const TAB = 9;
const COLON = 58;
const NOTHING = Buffer.alloc(0);

/** A field that was asked for: [start, end) is the whole of it with its line end, `octets` are the same, cut at a maximum. */
export interface HeaderField {
  /** In lower case. */
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly octets: Buffer;
  /** Whether `octets` lacks the rest of a very long field. */
  readonly cut: boolean;
}

/** Why a header section cannot be taken. */
export type HeaderExcess = 'size' | 'hops' | 'fields';

/** What to look for, and how much of it is too much. */
export interface ScannerOptions {
  /** Names in lower case of the fields to keep. */
  readonly keep: ReadonlySet<string>;
  readonly headerSizeMax: number;
  readonly hopsMax: number;
  /** Octets kept of one field, where the usual bound is not what the caller needs. */
  readonly fieldBytesMax?: number;
}

interface OpenField {
  readonly name: string;
  readonly start: number;
  readonly pieces: Buffer[];
  size: number;
}

/** The scanner of one message. Feed it the content in order, then `finish`. */
export class HeaderScanner {
  readonly #options: ScannerOptions;
  readonly #kept: HeaderField[] = [];
  /** Names seen at least once, kept or not: presence of Date or From is all that most callers need. */
  readonly #seen = new Set<string>();
  #open: OpenField | undefined;
  /** The beginning of a line whose end has not come. */
  #carry: Buffer = NOTHING;
  #position = 0;
  #done = false;
  #excess: HeaderExcess | undefined;
  #hops = 0;
  #malformed = 0;
  #endsWithEmptyLine = false;
  #long = false;

  constructor(options: ScannerOptions) {
    this.#options = options;
  }

  /** Whether the whole section has been seen; feeding more is harmless and costs nothing. */
  get done(): boolean {
    return this.#done;
  }

  /** What was too much, from the moment it is known. */
  get excess(): HeaderExcess | undefined {
    return this.#excess;
  }

  /** Received fields so far (RFC 5321 §6.3). */
  get hops(): number {
    return this.#hops;
  }

  /** Lines that are no field. */
  get malformed(): number {
    return this.#malformed;
  }

  /** Offset of the octet after the section, without its empty line. */
  get end(): number {
    return this.#position;
  }

  /** Whether an empty line separates the section from a body. */
  get endsWithEmptyLine(): boolean {
    return this.#endsWithEmptyLine;
  }

  /** Whether there is any field at all. */
  get hasFields(): boolean {
    return this.#seen.size > 0;
  }

  /** The kept fields in order. */
  get fields(): readonly HeaderField[] {
    return this.#kept;
  }

  /** Whether a field of this name (lower case) was seen. */
  has(name: string): boolean {
    return this.#seen.has(name);
  }

  /** The first kept field of this name (lower case). */
  first(name: string): HeaderField | undefined {
    return this.#kept.find((field) => field.name === name);
  }

  /** Takes the next octets of the content; keeps views of them only for kept fields. */
  feed(chunk: Buffer): void {
    let from = 0;
    while (!this.#done && from < chunk.length) {
      const lineEnd = chunk.indexOf(LF, from);
      if (lineEnd === -1) {
        this.#hold(chunk.subarray(from));
        return;
      }
      const line =
        this.#carry.length === 0 ? chunk.subarray(from, lineEnd + 1) : this.#joined(chunk, from, lineEnd + 1);
      from = lineEnd + 1;
      this.#line(line);
    }
  }

  /** The content is over: a section without an empty line ends here (RFC 5322 §2.1). */
  finish(): void {
    if (this.#done) return;
    if (this.#carry.length > 0) this.#line(this.#joined(NOTHING, 0, 0));
    this.#close();
    this.#done = true;
  }

  #hold(rest: Buffer): void {
    if (this.#position + this.#carry.length + rest.length > this.#options.headerSizeMax) {
      this.#over('size');
      return;
    }
    // Chunks are at least as long as the peer's segments; copying a growing line is bounded by headerSizeMax,
    // and doubling the room keeps one octet per segment from being quadratic.
    this.#carry = this.#carry.length === 0 ? rest : this.#grow(rest);
  }

  #grow(rest: Buffer): Buffer {
    const need = this.#carry.length + rest.length;
    const room = this.#carry.buffer.byteLength - this.#carry.byteOffset;
    if (this.#long && room >= need) {
      const whole = Buffer.from(this.#carry.buffer, this.#carry.byteOffset, need);
      rest.copy(whole, this.#carry.length);
      return whole;
    }
    const wide = Buffer.allocUnsafeSlow(Math.max(256, need * 2));
    this.#carry.copy(wide);
    rest.copy(wide, this.#carry.length);
    this.#long = true;
    return wide.subarray(0, need);
  }

  #joined(chunk: Buffer, from: number, to: number): Buffer {
    const line = Buffer.concat([this.#carry, chunk.subarray(from, to)]);
    this.#carry = NOTHING;
    this.#long = false;
    return line;
  }

  #over(what: HeaderExcess): void {
    this.#excess = what;
    this.#carry = NOTHING;
    this.#open = undefined;
    this.#done = true;
  }

  #line(line: Buffer): void {
    const first = line[0];
    if (first === LF || (first === CR && line[1] === LF)) {
      this.#close();
      this.#endsWithEmptyLine = true;
      this.#done = true;
      return;
    }
    if (this.#position + line.length > this.#options.headerSizeMax) {
      this.#over('size');
      return;
    }
    if ((first === SPACE || first === TAB) && this.#position === 0) {
      // It continues nothing of its own, and must not continue what is put before the content: all of it is body.
      this.#malformed += 1;
      this.#done = true;
      return;
    }
    if (first === SPACE || first === TAB) this.#continue(line);
    else this.#begin(line);
    if (this.#excess === undefined && !this.#done) this.#position += line.length;
  }

  #continue(line: Buffer): void {
    if (this.#open !== undefined) this.#keep(this.#open, line);
  }

  #begin(line: Buffer): void {
    this.#close();
    const name = fieldName(line);
    if (name === undefined) {
      this.#malformed += 1;
      if (this.#malformed >= malformedLinesMax) this.#done = true;
      return;
    }
    this.#seen.add(name);
    if (name === 'received') {
      this.#hops += 1;
      if (this.#hops > this.#options.hopsMax) this.#over('hops');
      return;
    }
    if (!this.#options.keep.has(name)) return;
    if (this.#kept.length >= keptFieldsMax) {
      this.#over('fields');
      return;
    }
    this.#open = { name, start: this.#position, pieces: [], size: 0 };
    this.#keep(this.#open, line);
  }

  #keep(open: OpenField, line: Buffer): void {
    const most = this.#options.fieldBytesMax ?? keptFieldBytesMax;
    if (open.size < most) open.pieces.push(line.subarray(0, most - open.size));
    open.size += line.length;
  }

  #close(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    const octets = open.pieces.length === 1 ? (open.pieces[0] ?? NOTHING) : Buffer.concat(open.pieces);
    this.#kept.push({
      name: open.name,
      start: open.start,
      end: open.start + open.size,
      octets,
      cut: open.size > (this.#options.fieldBytesMax ?? keptFieldBytesMax),
    });
  }
}

/** The name of the field that a line begins, in lower case; undefined where it begins none. Space before the colon is obsolete but read (RFC 5322 §4.5). */
function fieldName(line: Buffer): string | undefined {
  let end = 0;
  for (; end < line.length && end < fieldNameMax; end += 1) {
    const octet = line[end] ?? 0;
    if (octet <= SPACE || octet >= 127 || octet === COLON) break;
  }
  if (end === 0) return undefined;
  let colon = end;
  while (line[colon] === SPACE || line[colon] === TAB) colon += 1;
  return line[colon] === COLON ? line.toString('latin1', 0, end).toLowerCase() : undefined;
}

/** The value of a field: unfolded with its white space kept (RFC 5322 §2.2.3), without the surrounding one. Octets beyond ASCII are read as UTF-8. */
export function fieldValue(field: HeaderField): string {
  const text = field.octets.toString('utf8');
  return text
    .slice(text.indexOf(':') + 1)
    .replaceAll('\r\n', '')
    .replaceAll('\n', '')
    .trim();
}
