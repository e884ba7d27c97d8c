import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isFull } from '../../flow/queue/log/space.ts';
import type { Disk } from '../../world/ports/disk.ts';
import type { TlsSettings } from '../../settings/tls.ts';

/** A certificate with its key, as PEM. */
export interface CertificatePair {
  readonly certificatePem: string;
  readonly keyPem: string;
}

const YEARS = 10;

/** What OpenSSL says, in words; by its codes. */
const UNUSABLE: readonly (readonly [RegExp, string])[] = [
  [/KEY_VALUES_MISMATCH|KEY_TYPE_MISMATCH/, 'the private key does not belong to the certificate'],
  [/EE_KEY_TOO_SMALL|CA_KEY_TOO_SMALL/, 'the key is too short for TLS of today'],
  [/CA_MD_TOO_WEAK/, 'the certificate is signed with a method that TLS of today does not accept'],
  [
    /BAD_DECRYPT|BAD_PASSWORD|PASSPHRASE|INTERRUPTED_OR_CANCELLED/i,
    'the private key is encrypted; the service needs it without a passphrase',
  ],
  [
    /NO_START_LINE|UNSUPPORTED|WRONG_TAG|BAD_BASE64|BAD_END_LINE|HEADER_TOO_LONG/,
    'certificate or key is no PEM file, or is cut off',
  ],
];

/** Tries certificate and key together: what cannot be used here would end every worker. */
export function tryPair(
  { certificatePem, keyPem }: CertificatePair,
  settings: TlsSettings,
  tlsContext: (certificatePem: string, keyPem: string) => unknown,
): void {
  if (settings.certificate !== undefined && !holds(certificatePem, 'CERTIFICATE') && holds(keyPem, 'CERTIFICATE'))
    throw new Error(
      `${settings.certificate} holds no certificate, ${settings.key} holds one: are the two interchanged?`,
    );
  // OpenSSL takes nothing for a certificate without a word; each handshake would fail.
  if (settings.certificate !== undefined && !certificatePem.includes('-----BEGIN '))
    throw new Error(
      `${settings.certificate} holds no certificate in PEM form${certificatePem.trim() === '' ? ': it is empty' : ''}`,
    );
  const where =
    settings.certificate === undefined ? 'the self-signed certificate' : `${settings.certificate} and ${settings.key}`;
  try {
    tlsContext(certificatePem, keyPem);
  } catch (cause) {
    const said =
      cause instanceof Error ? `${'code' in cause ? String(cause.code) : ''} ${cause.message}`.trim() : String(cause);
    const words = UNUSABLE.find(([pattern]) => pattern.test(said))?.[1] ?? 'TLS cannot use them';
    throw new Error(`${where}: ${words} (${said})`, { cause });
  }
  const stranger = keyOfAnother(certificatePem, keyPem);
  if (stranger !== undefined) throw new Error(`${where}: ${stranger}`);
}

/** OpenSSL takes a key of one kind (RSA) beside a certificate of another (EC) without a word; each handshake would fail. */
function keyOfAnother(certificatePem: string, keyPem: string): string | undefined {
  const pems = certificatePem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const key = createPrivateKey(keyPem);
  const at = pems.findIndex((pem) => new X509Certificate(pem).checkPrivateKey(key));
  if (at === 0 || pems.length === 0) return undefined;
  return at === -1
    ? 'the private key does not belong to the certificate'
    : `the certificate of the private key stands at place ${at + 1} of the file; it must stand first, and its chain after it`;
}

const holds = (pem: string, what: string): boolean => new RegExp(`-----BEGIN [A-Z ]*${what}-----`).test(pem);

/** Reads a text; what it cannot read is named. */
async function textOf(disk: Disk, path: string): Promise<string> {
  try {
    return (await disk.readFile(path)).toString('utf8');
  } catch (error) {
    if (error instanceof Error && !error.message.includes(path))
      throw new Error(`${path}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Reads the configured certificate; without one, the self-signed one of the data directory, made when it is missing. */
export async function loadCertificate(
  settings: TlsSettings,
  where: { readonly disk: Disk; readonly dataDirectory: string; readonly serverName: string; readonly nowMs: number },
): Promise<CertificatePair> {
  const { disk } = where;
  if (settings.certificate !== undefined && settings.key !== undefined) {
    return {
      certificatePem: await textOf(disk, settings.certificate),
      keyPem: await textOf(disk, settings.key),
    };
  }
  const directory = `${where.dataDirectory}/tls`;
  const paths = { certificate: `${directory}/self-signed.pem`, key: `${directory}/self-signed.key` };
  if ((await disk.entry(paths.certificate)) === undefined || (await disk.entry(paths.key)) === undefined) {
    const made = await makeSelfSigned(where.serverName, where.nowMs);
    try {
      await disk.makeDirectory(directory);
      await disk.replaceFile(paths.key, made.keyPem, 0o600);
      await disk.replaceFile(paths.certificate, made.certificatePem, 0o644);
    } catch (error) {
      if (!isFull(error)) throw error;
      return made; // it serves this start, and a later one makes another
    }
  }
  return {
    certificatePem: (await disk.readFile(paths.certificate)).toString('utf8'),
    keyPem: (await disk.readFile(paths.key)).toString('utf8'),
  };
}

/** Makes a self-signed certificate of P-256 for a host name. */
export async function makeSelfSigned(serverName: string, nowMs: number): Promise<CertificatePair> {
  // Loaded only here: it is needed once in a lifetime. The package needs reflect-metadata before itself.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const { webcrypto } = await import('node:crypto');
  x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]); // one interface, two type names
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${serverName}`,
    notBefore: new Date(nowMs - 86_400_000),
    notAfter: new Date(nowMs + YEARS * 365 * 86_400_000),
    signingAlgorithm: algorithm,
    keys: keys as unknown as Parameters<typeof x509.X509CertificateGenerator.createSelfSigned>[0]['keys'],
    extensions: [
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: serverName }]),
      new x509.BasicConstraintsExtension(false),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    ],
  });
  const exported = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const body = exported.match(/.{1,64}/g)?.join('\n') ?? '';
  return {
    certificatePem: certificate.toString('pem'),
    keyPem: `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`,
  };
}
