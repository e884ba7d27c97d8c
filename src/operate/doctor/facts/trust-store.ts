/** The certificates of authorities that programs of this host trust. */
import type { Host } from '../../../world/ports/host.ts';

/** Where the systems keep them; the first that is there counts. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** What was found of it. */
export interface TrustStore {
  /** Undefined where none of the files is there, or none can be read. */
  readonly path: string | undefined;
  readonly pems: readonly string[];
  /** Each place with what is wrong there. */
  readonly looked: readonly { readonly path: string; readonly seen: string }[];
}

/** Reads the trust store, at most so many certificates of it. */
export async function trustStore(host: Host, most = 1000): Promise<TrustStore> {
  const looked: { path: string; seen: string }[] = [];
  for (const path of BUNDLES) {
    const text = await host.text(path);
    if (!text.ok) {
      looked.push({ path, seen: text.errno === 'ENOENT' ? 'not there' : text.errno });
      continue;
    }
    const pems = text.value.match(CERTIFICATE) ?? [];
    looked.push({ path, seen: `${pems.length} certificates` });
    if (pems.length > 0) return { path, pems: pems.slice(0, most), looked };
  }
  return { path: undefined, pems: [], looked };
}
