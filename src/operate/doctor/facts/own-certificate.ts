import { createHash, X509Certificate } from 'node:crypto';
import { errnoOf } from '../../../events/fault.ts';
import type { RecordData } from '../../../world/ports/resolver.ts';
import type { Parts } from '../check.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

const keyOf = (certificate: X509Certificate): Buffer => certificate.publicKey.export({ type: 'spki', format: 'der' });

const sha = (algorithm: 'sha256' | 'sha512', octets: Buffer): Buffer => createHash(algorithm).update(octets).digest();

/** SHA-256 of the public key of a certificate: what a record 3 1 1 holds. */
export const certificateKeyHash = (certificate: X509Certificate): string =>
  sha('sha256', keyOf(certificate)).toString('hex');

/** The certificates of a PEM text; none where it is not one. */
export function certificatesIn(pem: string): readonly X509Certificate[] {
  try {
    return (pem.match(CERTIFICATE) ?? []).map((one) => new X509Certificate(one));
  } catch {
    // What cannot be parsed is for the checks of TLS to tell.
    return [];
  }
}

/** Whether a record fits one certificate of a chain; the leaf stands first (RFC 7672 §3.1). */
export function fits(
  { usage, selector, matching, data }: RecordData['TLSA'],
  chain: readonly X509Certificate[],
): boolean {
  const candidates = usage === 3 ? chain.slice(0, 1) : usage === 2 ? chain : [];
  return candidates.some((certificate) => {
    const octets = selector === 1 ? keyOf(certificate) : certificate.raw;
    if (matching === 0) return octets.equals(data);
    return matching === 1 ? sha('sha256', octets).equals(data) : matching === 2 && sha('sha512', octets).equals(data);
  });
}

/** Where the certificate is: configured, or the self-signed one of the data directory. */
export const certificatePath = ({ tls, server }: Pick<Parts['settings'], 'tls' | 'server'>): string =>
  tls.certificate ?? `${server.data}/tls/self-signed.pem`;

/** The certificate in use, as far as this user may read it. */
export async function ownChain({
  settings,
  disk,
}: {
  readonly settings: Parts['settings'];
  readonly disk: Pick<Parts['disk'], 'readFile'>;
}): Promise<readonly X509Certificate[] | string> {
  const path = certificatePath(settings);
  try {
    return certificatesIn((await disk.readFile(path)).toString('latin1'));
  } catch (error) {
    return `${path}: ${errnoOf(error)}`;
  }
}
