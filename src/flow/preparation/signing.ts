/**
 * Signs mail of our domains (RFC 6376 §5): finds the key by the domain of the From field, hashes the body while it streams by, and
 * makes the fields. A message that cannot be signed goes as it is: a signature says something, its absence nothing.
 */
import { createHash, sign } from 'node:crypto';
import type { Journal } from '../../events/journal.ts';
import { applyEdits, type Edit } from '../../mail/edits.ts';
import { domainKey } from '../../mail/mailbox.ts';
import { BodyHash } from '../../protocol/dkim-signing/body-hash.ts';
import { readSigningKey, type SigningKey } from '../../protocol/dkim-signing/key.ts';
import { signature, signedFields, type SignedField } from '../../protocol/dkim-signing/signature.ts';
import { parseAddressList } from '../../protocol/headers/addresses.ts';
import { HeaderScanner, type HeaderField } from '../../protocol/headers/scanner.ts';
import type { DomainSettings } from '../../settings/recipients.ts';
import type { Clock } from '../../world/ports/clock.ts';

/** A key with the names that its record is found by. */
export interface DomainKey {
  readonly domain: string;
  readonly selector: string;
  readonly key: SigningKey;
}

/** What is signed: the fields from top to bottom as they leave, and the hash of the body. */
export interface Signable {
  readonly fields: readonly SignedField[];
  readonly bodyHash: string;
}

/** What was made. */
export interface Signed {
  /** The fields; '' where none could be made. */
  readonly fields: string;
  /** The keys, in words: 'example.com with ims2026'. */
  readonly by: readonly string[];
}

/** Signs for the domains that have a key. */
export interface Signer {
  /** The keys for a domain: its own, else those of the nearest one above it. */
  keysOf(domain: string): readonly DomainKey[];
  /** Makes a signature with each key, as far as they can. Never rejects. */
  sign(keys: readonly DomainKey[], signable: Signable): Promise<Signed>;
  /** A message of our own: the same octets, signed where its From field has a domain with a key. */
  signOwn(content: Buffer): Promise<Buffer>;
}

/** What a signer is made of. */
export interface SignerOptions {
  readonly domains: Readonly<Record<string, Pick<DomainSettings, 'dkim'>>>;
  readonly clock: Pick<Clock, 'wall'>;
  readonly journal: Journal;
}

const EMPTY_LINE = Buffer.from('\r\n\r\n');
const signed: ReadonlySet<string> = new Set(signedFields);
const OWN_HEADER_MAX = 64 * 1024;

/** Makes a signer; undefined where no key can be used, so that nothing is asked of messages. */
export function createSigner({ domains, clock, journal }: SignerOptions): Signer | undefined {
  const byDomain = new Map<string, DomainKey[]>();
  for (const [name, { dkim }] of Object.entries(domains)) {
    const domain = domainKey(name.toLowerCase());
    const keys = [dkim ?? []].flat().flatMap(({ selector, key: pem }): DomainKey[] => {
      const read = pem === undefined ? undefined : readSigningKey(pem);
      return read?.ok === true ? [{ domain, selector, key: read.key }] : [];
    });
    if (keys.length > 0) byDomain.set(domain, keys);
  }
  if (byDomain.size === 0) return undefined;
  const told = new Set<DomainKey>();

  const keysOf = (domain: string): readonly DomainKey[] => {
    for (let at = domainKey(domain.toLowerCase()); at !== ''; ) {
      const keys = byDomain.get(at);
      if (keys !== undefined) return keys;
      const dot = at.indexOf('.');
      if (dot === -1) break;
      at = at.slice(dot + 1);
    }
    return [];
  };

  const one = async (by: DomainKey, { fields, bodyHash }: Signable, atMs: number): Promise<string> => {
    const { domain, selector, key } = by;
    try {
      const made = signature({ domain, selector, algorithm: key.algorithm, bodyHash, atMs }, fields);
      return made.field(await signInput(key, made.input));
    } catch (error) {
      if (!told.has(by)) {
        told.add(by);
        const why = error instanceof Error ? error.message : String(error);
        journal.emit('preparation.signing-failed', { domain, selector, why });
      }
      return '';
    }
  };
  const signAll: Signer['sign'] = async (keys, signable) => {
    const atMs = clock.wall();
    const made = await Promise.all(keys.map((by) => one(by, signable, atMs)));
    const by = keys.flatMap(({ domain, selector }, i) => (made[i] === '' ? [] : [`${domain} with ${selector}`]));
    return { fields: made.join(''), by };
  };

  return {
    keysOf,
    sign: signAll,
    async signOwn(content) {
      const scanner = new HeaderScanner(scannerOptions(OWN_HEADER_MAX, 0));
      const edge = content.indexOf(EMPTY_LINE);
      if (edge === -1) return content;
      scanner.feed(content.subarray(0, edge + EMPTY_LINE.length));
      const keys = keysOf(fromDomain(scanner.fields) ?? '');
      if (keys.length === 0 || scanner.excess !== undefined) return content;
      const body = new BodyHash();
      body.update(content.subarray(edge + EMPTY_LINE.length));
      const { fields } = await signAll(keys, { fields: scanner.fields, bodyHash: body.digest() });
      return fields === '' ? content : Buffer.concat([Buffer.from(fields, 'latin1'), content]);
    },
  };
}

const scannerOptions = (headerSizeMax: number, hopsMax: number) => ({
  headerSizeMax,
  hopsMax,
  keep: signed,
  fieldBytesMax: headerSizeMax,
});

/** In the thread pool: the session loop goes on meanwhile. */
function signInput({ key, algorithm }: SigningKey, input: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, made: Buffer): void => (error === null ? resolve(made) : reject(error));
    if (algorithm === 'rsa') sign('sha256', input, key, done);
    else sign(null, createHash('sha256').update(input).digest(), key, done);
  });
}

/** The domain of the first author; undefined where the section does not have exactly one From field. */
export function fromDomain(fields: readonly SignedField[]): string | undefined {
  const [from, second] = fields.filter(({ name }) => name === 'from');
  if (from === undefined || second !== undefined) return undefined;
  const text = from.octets.toString('utf8');
  return parseAddressList(text.slice(text.indexOf(':') + 1))[0]?.mailbox.domain;
}

/** The fields of a scanned section that a signature covers, with the changes that are made to them; undefined where one is not known whole. */
export function leavingFields(fields: readonly HeaderField[], edits: readonly Edit[]): SignedField[] | undefined {
  const out: SignedField[] = [];
  for (const field of fields) {
    if (!signed.has(field.name)) continue;
    if (field.cut) return undefined;
    const own = edits.filter(({ at }) => at >= field.start && at < field.end);
    const octets = applyEdits(
      field.octets,
      own.map((edit) => ({ ...edit, at: edit.at - field.start })),
    );
    if (octets.length > 0) out.push({ name: field.name, octets });
  }
  return out;
}

/** The body of a message that arrives, hashed as it comes. Feed it every chunk after the scanner has had it. */
export class ArrivingBody {
  readonly #header: HeaderScanner;
  readonly #hash = new BodyHash();
  #position = 0;
  #begun = false;

  constructor(header: HeaderScanner) {
    this.#header = header;
  }

  feed(chunk: Buffer): void {
    if (this.#begun) return this.#hash.update(chunk);
    const before = this.#position;
    this.#position += chunk.length;
    if (!this.#header.done) return;
    // The empty line is no part of the body; line ends are CRLF here, whatever they were before.
    this.#begun = true;
    this.#hash.update(chunk.subarray(this.#header.end + 2 - before));
  }

  /** The hash, where header and body could be told apart without doubt: others would see other fields else. */
  digest(): string | undefined {
    const { malformed, done, excess } = this.#header;
    return malformed > 0 || excess !== undefined || !done ? undefined : this.#hash.digest();
  }
}
