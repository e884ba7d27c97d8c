/** Reads the DKIM signatures of a message and verifies them, plainly and all at once: fit for what our signer and the RFC write. */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { BodyHash } from '../../src/protocol/dkim-signing/body-hash.ts';
import { readKeyRecord } from '../../src/protocol/dkim-signing/key.ts';
import { relaxedField } from '../../src/protocol/dkim-signing/signature.ts';
import { parseTags } from '../../src/protocol/policy-records/tags.ts';

/** One signature of a message. */
export interface FoundSignature {
  readonly tags: ReadonlyMap<string, string>;
  /** What it covers, as it was signed. */
  readonly input: Buffer;
  readonly signature: Buffer;
  readonly bodyHolds: boolean;
}

const nameOf = (field: string): string => field.slice(0, field.indexOf(':')).trim().toLowerCase();

/** The signatures of a message, from the top. */
export function signaturesOf(message: Buffer): readonly FoundSignature[] {
  const text = message.toString('latin1');
  const edge = text.indexOf('\r\n\r\n');
  const header = edge === -1 ? text : text.slice(0, edge + 2);
  const fields = header.match(/[^\r]+\r\n(?:[ \t][^\r]*\r\n)*/g) ?? [];
  const hash = new BodyHash();
  if (edge !== -1) hash.update(message.subarray(edge + 4));
  const bodyHash = hash.digest();
  return fields
    .filter((field) => nameOf(field) === 'dkim-signature')
    .map((field) => {
      const tags = parseTags(field.slice(field.indexOf(':') + 1).replaceAll('\r\n', '')) ?? new Map<string, string>();
      // The fields of h= from the bottom, then the signature field without its signature.
      const left = [...fields];
      const covered = (tags.get('h') ?? '').split(':').map((name) => {
        const at = left.findLastIndex((one) => nameOf(one) === name.trim().toLowerCase());
        return at === -1 ? '' : `${relaxedField(Buffer.from(left.splice(at, 1)[0] ?? '', 'latin1'))}\r\n`;
      });
      const unsigned = field.replace(/(\sb=)[\s\S]*$/, '$1');
      return {
        tags,
        input: Buffer.from(covered.join('') + relaxedField(Buffer.from(unsigned, 'latin1')), 'latin1'),
        signature: Buffer.from((tags.get('b') ?? '').replace(/\s/g, ''), 'base64'),
        bodyHolds: tags.get('bh') === bodyHash,
      };
    });
}

/** Whether a signature holds by the record of its key. */
export function holds({ tags, input, signature, bodyHolds }: FoundSignature, record: string): boolean {
  const key = publicKey(record);
  if (key === undefined || !bodyHolds) return false;
  if (tags.get('a') === 'rsa-sha256') return verify('sha256', input, key, signature);
  return verify(null, createHash('sha256').update(input).digest(), key, signature);
}

function publicKey(text: string): KeyObject | undefined {
  const record = readKeyRecord(text);
  if (record.kind !== 'key') return undefined;
  const key = Buffer.from(record.published, 'base64');
  const spki = record.algorithm === 'rsa' ? key : Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), key]);
  return createPublicKey({ key: spki, format: 'der', type: 'spki' });
}
