import { generateKeyPair, type KeyObject } from 'node:crypto';
import { keyRecord, readSigningKey } from '../../protocol/dkim-signing/key.ts';
import type { SigningAlgorithm } from '../../protocol/dkim-signing/signature.ts';
import { zoneLine } from './record.ts';

/** A key that was made, with what must be done for it to count. */
export interface NewKey {
  readonly pem: string;
  /** The record to publish, as a provider's form takes it, and as a line of a zone file. */
  readonly record: { readonly name: string; readonly type: 'TXT'; readonly value: string; readonly zoneLine: string };
}

const RSA_BITS = 2048;

/** Makes a key to sign mail of a domain with. */
export async function makeKey(domain: string, selector: string, algorithm: SigningAlgorithm): Promise<NewKey> {
  const pem = (await pairOf(algorithm)).export({ type: 'pkcs8', format: 'pem' }).toString();
  const read = readSigningKey(pem);
  if (!read.ok) throw new Error(`the key that was made ${read.why}`);
  const name = `${selector}._domainkey.${domain}`;
  const value = keyRecord(read.key);
  return { pem, record: { name, type: 'TXT', value, zoneLine: zoneLine({ name, type: 'TXT', value }) } };
}

function pairOf(algorithm: SigningAlgorithm): Promise<KeyObject> {
  return new Promise((resolve, reject) => {
    const made = (error: Error | null, _public: KeyObject, key: KeyObject): void =>
      error === null ? resolve(key) : reject(error);
    if (algorithm === 'rsa') generateKeyPair('rsa', { modulusLength: RSA_BITS }, made);
    else generateKeyPair('ed25519', {}, made);
  });
}

/** The selector that a key gets where nobody names one: with the year, for the day when a new one takes its place. */
export const usualSelector = (nowMs: number, algorithm: SigningAlgorithm): string =>
  `ims${new Date(nowMs).getUTCFullYear()}${algorithm === 'ed25519' ? '-ed' : ''}`;

/** Where a key is kept, seen from the configuration. */
export const usualKeyFile = (domain: string, selector: string): string => `dkim/${domain}.${selector}.pem`;
