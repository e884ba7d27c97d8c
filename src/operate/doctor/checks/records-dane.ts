import { createHash, X509Certificate } from 'node:crypto';
import { errnoOf } from '../../../events/fault.ts';
import type { RecordData } from '../../../world/ports/resolver.ts';
import { zoneLine } from '../../records/index.ts';
import { defineCheck, type Parts } from '../check.ts';
import { isPublished } from '../facts/published.ts';
import { isForTrying } from '../facts/usage.ts';
import { healthy, notApplicable, row, unhealthy, unknown } from '../verdict.ts';

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

/** The certificate in use, as far as this user may read it. */
export async function ownChain({
  settings,
  disk,
}: Pick<Parts, 'settings' | 'disk'>): Promise<readonly X509Certificate[] | string> {
  const path = settings.tls.certificate ?? `${settings.server.data}/tls/self-signed.pem`;
  try {
    return certificatesIn((await disk.readFile(path)).toString('latin1'));
  } catch (error) {
    return `${path}: ${errnoOf(error)}`;
  }
}

const print = ({ usage, selector, matching, data }: RecordData['TLSA']): string =>
  `${usage} ${selector} ${matching} ${data.toString('hex')}`;

/** A TLSA record that does not fit keeps away all who verify by DANE. */
export const tlsaFits = defineCheck({
  id: 'records.dane',
  number: 1505,
  title: 'The TLSA record of this server fits its certificate',
  why: 'Senders that verify by DANE (RFC 7672) deliver only to a server whose certificate its TLSA record names. A renewed key with an old record keeps their mail away.',
  needs: ['settings', 'resolver', 'disk'],
  after: ['names.resolution'],
  cost: 'network',
  async look({ settings, resolver, disk }) {
    const { name } = settings.server;
    if (isForTrying(settings)) return notApplicable('only this host reaches the listeners');
    if (!(await isPublished(resolver, name)))
      return notApplicable(`${name} is a name for use inside a network or in tests`);
    const owner = `_25._tcp.${name}`;
    const answer = await resolver.query(owner, 'TLSA');
    if (answer.kind === 'failure') return unknown(`TLSA of ${owner}: ${answer.reason}`);
    if (answer.kind !== 'records') return notApplicable(`there is no TLSA record at ${owner}`);
    const chain = await ownChain({ settings, disk });
    const evidence = answer.records.map((record) => row(`TLSA of ${owner}`, 'fits our certificate', print(record)));
    if (typeof chain === 'string') return unknown(`the certificate cannot be read (${chain})`, evidence);
    const [leaf] = chain;
    if (leaf === undefined) return unknown('there is no certificate to compare with', evidence);
    if (answer.records.some((record) => fits(record, chain))) return healthy(evidence);
    const value = `3 1 1 ${certificateKeyHash(leaf)}`;
    return unhealthy(
      `No TLSA record of ${owner} fits the certificate of this server: senders that verify by DANE do not deliver to it.`,
      { cure: `Publish: ${zoneLine({ name: owner, type: 'TLSA', value })} in place of the old ones` },
      [...evidence, row('our certificate', 'is named', value)],
    );
  },
});
