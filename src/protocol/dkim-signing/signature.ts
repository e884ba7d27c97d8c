/**
 * The DKIM-Signature field (RFC 6376 §3.5) over a header section and a body hash, both under the relaxed canonicalization. Pure: who
 * holds the key signs what `signature` gives, and `field` is then the field.
 */
import { lineLengthAdvised } from './limits.ts';

/** The algorithms that are signed with: RSA (RFC 6376 §3.3.3) and Ed25519 (RFC 8463), both over SHA-256. */
export type SigningAlgorithm = 'rsa' | 'ed25519';

/** A field of the section that is signed: its name in lower case, and all of its octets as they leave. */
export interface SignedField {
  readonly name: string;
  readonly octets: Buffer;
}

/** What a signature says besides what it covers. */
export interface SignatureFacts {
  readonly domain: string;
  readonly selector: string;
  readonly algorithm: SigningAlgorithm;
  /** In base64. */
  readonly bodyHash: string;
  readonly atMs: number;
}

/** Fields that are covered whether they are there or not: none can be added unseen (RFC 6376 §8.15). */
const ALWAYS = ['from', 'to', 'cc', 'subject', 'reply-to'];
/** Fields that are covered, and closed, where they are there (RFC 6376 §5.4.1): a later host may add those that a message lacks. */
const CLOSED = [
  'date',
  'sender',
  'message-id',
  'in-reply-to',
  'references',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
];
/** Fields that are covered where they are there, and that a list may add (RFC 8058 §4 asks for the second last). */
const COVERED = ['list-id', 'list-help', 'list-unsubscribe', 'list-unsubscribe-post', 'list-subscribe'];

/** Names in lower case of all fields that a signature may cover. */
export const signedFields: readonly string[] = [...ALWAYS, ...CLOSED, ...COVERED];

/** The names for h=: each field once for every time that it is there, and once more where it must stay the last. */
function namesOf(count: ReadonlyMap<string, number>): string[] {
  return signedFields.flatMap((name) => {
    const there = count.get(name) ?? 0;
    const closed = ALWAYS.includes(name) || (there > 0 && CLOSED.includes(name));
    return Array<string>(there + (closed ? 1 : 0)).fill(name);
  });
}

/** A field under the relaxed canonicalization (RFC 6376 §3.4.2), octet for octet as latin1, without its line end. */
export function relaxedField(octets: Buffer): string {
  const text = octets.toString('latin1');
  const colon = text.indexOf(':');
  const name = text.slice(0, colon).trimEnd().toLowerCase();
  return `${name}:${relaxedValue(text.slice(colon + 1))}`;
}

/** Unfolds, and reduces white space: one pass, where a pattern might look at long runs of spaces again and again. */
function relaxedValue(text: string): string {
  let out = '';
  for (const word of text.replaceAll('\r\n', '').split(/[ \t]/)) if (word !== '') out += out === '' ? word : ` ${word}`;
  return out;
}

/** A signature in the making: what to sign, and the field that a signature makes. */
export interface Signature {
  /** Sign this by RSA with SHA-256, or its SHA-256 by Ed25519 (RFC 8463 §3). */
  readonly input: Buffer;
  field(signed: Buffer): string;
}

/** Prepares a signature of the fields of a section, given from top to bottom. */
export function signature(facts: SignatureFacts, fields: readonly SignedField[]): Signature {
  const byName = new Map<string, Buffer[]>();
  for (const { name, octets } of fields) {
    const same = byName.get(name);
    if (same === undefined) byName.set(name, [octets]);
    else same.push(octets);
  }
  const names = namesOf(new Map([...byName].map(([name, same]) => [name, same.length])));
  const { domain, selector, algorithm, bodyHash, atMs } = facts;
  const tags = [
    'v=1;',
    `a=${algorithm}-sha256;`,
    'c=relaxed/relaxed;',
    `d=${domain};`,
    `s=${selector};`,
    `t=${Math.floor(atMs / 1000)};`,
    ...`h=${names.join(':')};`.split(/(?<=:)/),
    `bh=${bodyHash};`,
    'b=',
  ];
  const unsigned = folded(tags);
  // Of a field that is there several times the last comes first (RFC 6376 §5.4.2); names beyond them stand for nothing.
  let input = '';
  for (const name of names) {
    const octets = byName.get(name)?.pop();
    if (octets !== undefined) input += `${relaxedField(octets)}\r\n`;
  }
  return {
    input: Buffer.from(input + relaxedField(Buffer.from(unsigned, 'latin1')), 'latin1'),
    field: (signed) => `${unsigned}${broken(signed.toString('base64'))}\r\n`,
  };
}

/** Puts words on lines; those of h= without white space between them. */
function folded(words: readonly string[]): string {
  let out = 'DKIM-Signature:';
  let length = out.length;
  let glued = false;
  for (const word of words) {
    if (length + 1 + word.length > lineLengthAdvised) {
      out += `\r\n\t${word}`;
      length = 1 + word.length;
    } else {
      out += glued ? word : ` ${word}`;
      length += (glued ? 0 : 1) + word.length;
    }
    glued = word.endsWith(':');
  }
  return out;
}

/** The signature itself on lines of its own; white space in it counts for nothing (RFC 6376 §3.5). */
function broken(base64: string): string {
  let out = '';
  for (let at = 0; at < base64.length; at += lineLengthAdvised - 4)
    out += `\r\n\t${base64.slice(at, at + lineLengthAdvised - 4)}`;
  return out;
}
