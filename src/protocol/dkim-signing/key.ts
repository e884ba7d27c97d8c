/** Keys of DKIM: the private one that signs, and the record that publishes the other half (RFC 6376 §3.6.1). */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { parseTags } from '../policy-records/tags.ts';
import { keyTextMax, rsaBitsAdvised, rsaBitsMin } from './limits.ts';
import type { SigningAlgorithm } from './signature.ts';

/** A key to sign with. */
export interface SigningKey {
  readonly key: KeyObject;
  readonly algorithm: SigningAlgorithm;
  /** The other half as a record publishes it, in base64. */
  readonly published: string;
  /** Something to know of it, though it signs. */
  readonly doubt?: string;
}

/** A key, or why a text is none that can sign. */
export type ReadKey = { readonly ok: true; readonly key: SigningKey } | { readonly ok: false; readonly why: string };

/** Octets of an Ed25519 key, which end its SubjectPublicKeyInfo (RFC 8410). */
const ED25519_OCTETS = 32;

/** Reads a private key in PEM form. */
export function readSigningKey(pem: string): ReadKey {
  if (pem.length > keyTextMax) return { ok: false, why: 'is too long for a private key' };
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (error) {
    return { ok: false, why: whyNot(pem, error) };
  }
  const algorithm = key.asymmetricKeyType;
  if (algorithm !== 'rsa' && algorithm !== 'ed25519')
    return { ok: false, why: `is a key of type ${algorithm}; DKIM knows rsa and ed25519 (RFC 8463)` };
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const published = (algorithm === 'rsa' ? spki : spki.subarray(-ED25519_OCTETS)).toString('base64');
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (algorithm === 'rsa' && bits < rsaBitsMin)
    return {
      ok: false,
      why: `is an RSA key of ${bits} bits; below ${rsaBitsMin} no receiver may accept it (RFC 8301 §3.2)`,
    };
  const doubt = `is an RSA key of ${bits} bits; ${rsaBitsAdvised} are advised (RFC 8301 §3.2)`;
  return {
    ok: true,
    key: { key, algorithm, published, ...(algorithm === 'rsa' && bits < rsaBitsAdvised ? { doubt } : {}) },
  };
}

function whyNot(pem: string, error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  if (pem.trim() === '') return 'is empty';
  if (/-----BEGIN (?:RSA |EC )?PUBLIC KEY-----/.test(pem)) return 'is the public key; the private one signs';
  if (/-----BEGIN CERTIFICATE-----/.test(pem)) return 'is a certificate, not a private key';
  if (/ENCRYPTED/.test(pem)) return 'is encrypted with a passphrase; the service needs it without';
  if (/-----BEGIN OPENSSH/.test(pem))
    return 'is a key in the form of OpenSSH; a PEM file (PKCS #8 or PKCS #1) is needed';
  return `is no private key in PEM form, or is cut off (${said})`;
}

/** The text of the record that publishes a key. */
export function keyRecord({ algorithm, published }: Pick<SigningKey, 'algorithm' | 'published'>): string {
  return `v=DKIM1; k=${algorithm}; p=${published}`;
}

/** What a published record says. */
export type PublishedKey =
  | { readonly kind: 'key'; readonly algorithm: string; readonly published: string; readonly testing: boolean }
  /** An empty p=: the key is revoked (RFC 6376 §3.6.1). */
  | { readonly kind: 'revoked' }
  | { readonly kind: 'wrong'; readonly problem: string };

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** Reads a record as a verifier does. */
export function readKeyRecord(text: string): PublishedKey {
  const tags = parseTags(text);
  const wrong = (problem: string): PublishedKey => ({ kind: 'wrong', problem });
  if (tags === undefined) return wrong('it is not a list of tags such as p=MIIB...');
  const version = tags.get('v');
  if (version !== undefined && (version !== 'DKIM1' || tags.keys().next().value !== 'v'))
    return wrong('v=DKIM1 must be its first tag');
  const key = tags.get('p')?.replace(/\s/g, '');
  if (key === undefined) return wrong('it has no key (p=)');
  if (key === '') return { kind: 'revoked' };
  if (!BASE64.test(key)) return wrong('its key (p=) is not base64');
  const algorithm = tags.get('k') ?? 'rsa';
  const hashes = tags
    .get('h')
    ?.split(':')
    .map((one) => one.trim());
  if (hashes !== undefined && !hashes.includes('sha256'))
    return wrong(`h=${tags.get('h')} excludes sha256, which we sign with`);
  const services = tags
    .get('s')
    ?.split(':')
    .map((one) => one.trim());
  if (services !== undefined && !services.includes('*') && !services.includes('email'))
    return wrong(`s=${tags.get('s')} excludes mail`);
  const flags = (tags.get('t') ?? '').split(':').map((one) => one.trim());
  return { kind: 'key', algorithm, published: key, testing: flags.includes('y') };
}

/** Whether a published key is ours: RSA keys may be written in two ways (RFC 6376 §3.6.1 and its erratum 3017). */
export function isOurs(
  { algorithm, published }: { readonly algorithm: string; readonly published: string },
  other: string,
): boolean {
  if (other === published) return true;
  if (algorithm !== 'rsa') return false;
  try {
    const der = Buffer.from(other, 'base64');
    const spki = createPublicKey({ key: der, format: 'der', type: 'pkcs1' }).export({ type: 'spki', format: 'der' });
    return spki.toString('base64') === published;
  } catch {
    return false; // it is no key of this form
  }
}

/** A short name for a published key, to compare by eye. */
export function fingerprint(published: string): string {
  return createHash('sha256').update(Buffer.from(published, 'base64')).digest('hex').slice(0, 16);
}

/** Whether a text can be a selector: labels of a name (RFC 6376 §3.1). */
export const isSelector = (text: string): boolean =>
  text.length <= 63 && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i.test(text);
