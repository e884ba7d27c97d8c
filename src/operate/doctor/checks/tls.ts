import { createPrivateKey, X509Certificate } from 'node:crypto';
import { errnoOf } from '../../../events/fault.ts';
import type { Settings } from '../../../settings/index.ts';
import { defineCheck, type Parts } from '../check.ts';
import { trustStore } from '../facts/trust-store.ts';
import { showMode } from '../facts/users.ts';
import { certificateDaysLeft } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence, type Verdict } from '../verdict.ts';

const DAY = 86_400_000;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Where certificate and key are: configured, or the self-signed ones of the data directory. */
function pathsOf({ tls, server }: Pick<Settings, 'tls' | 'server'>): {
  readonly certificate: string;
  readonly key: string;
} {
  if (tls.certificate !== undefined && tls.key !== undefined) return { certificate: tls.certificate, key: tls.key };
  return { certificate: `${server.data}/tls/self-signed.pem`, key: `${server.data}/tls/self-signed.key` };
}

type Found = { readonly chain: readonly X509Certificate[]; readonly path: string } | Verdict;

/** Reads the chain, or says why there is nothing to judge. */
async function readChain({ settings, disk }: Pick<Parts, 'settings' | 'disk'>): Promise<Found> {
  if (Object.values(settings.listeners).every(({ tls }) => tls === 'none'))
    return notApplicable('no listener offers TLS');
  const { certificate: path } = pathsOf(settings);
  let text: string;
  try {
    text = (await disk.readFile(path)).toString('latin1');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && settings.tls.certificate === undefined)
      return notApplicable('the self-signed certificate is made at the first start');
    if (errnoOf(error) === 'EACCES')
      return unknown(`this user may not read ${path}; run it as root or as the service user`);
    return unhealthy(
      `The certificate ${path} cannot be read (${errnoOf(error)}).`,
      { cure: `Put it there, or correct tls.certificate, then: ims reload`, event: 3750 },
      [row(path, 'a certificate', errnoOf(error))],
    );
  }
  try {
    const chain = (text.match(CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem));
    if (chain.length > 0) return { chain, path };
  } catch {
    // Said below: what cannot be parsed is no certificate.
  }
  return unhealthy(
    `${path} holds no certificate that can be read.`,
    { cure: `Put the PEM file of your certificate authority there, then: ims reload`, event: 3750 },
    [row(path, 'a certificate in PEM form', 'none that parses')],
  );
}

/** OpenSSL says it in words of its own. */
function keyFault(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  if (/interrupted or cancelled|bad decrypt|passphrase|bad password/i.test(said))
    return `it is encrypted with a passphrase (${said})`;
  return /no start line|unsupported|wrong tag|bad base64|bad end line/i.test(said)
    ? `it is no private key in PEM form, or is cut off (${said})`
    : said;
}

/** Certificate and key belong together. */
export const certificateAndKey = defineCheck({
  id: 'tls.certificate-and-key',
  number: 701,
  title: 'The certificate parses, and the key fits',
  why: 'With another key no handshake succeeds; the service then offers no TLS.',
  needs: ['settings', 'disk'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, disk }) {
    const found = await readChain({ settings, disk });
    if ('kind' in found) return found;
    const { key } = pathsOf(settings);
    const [leaf] = found.chain;
    if (leaf === undefined) return unknown('there is no certificate');
    const evidence = [
      row(
        found.path,
        'a certificate',
        `${leaf.subject.replace(/\n/g, ', ')}, and ${found.chain.length - 1} more in its chain`,
      ),
    ];
    let pem: Buffer;
    try {
      pem = await disk.readFile(key);
    } catch (error) {
      if (errnoOf(error) === 'EACCES')
        return unknown(`this user may not read ${key}; run it as root or as the service user`, evidence);
      return unhealthy(
        `The private key ${key} cannot be read (${errnoOf(error)}).`,
        { cure: 'Put it there, or correct tls.key, then: ims reload', event: 3750 },
        [...evidence, row(key, 'a private key', errnoOf(error))],
      );
    }
    try {
      const own = createPrivateKey(pem);
      const at = found.chain.findIndex((one) => one.checkPrivateKey(own));
      const fits = row(key, 'fits the certificate', 'fits');
      if (at === 0) return tooShort(found.path, leaf, [...evidence, fits]) ?? healthy([...evidence, fits]);
      if (at > 0) return outOfOrder(found.path, found.chain, at, evidence);
    } catch (error) {
      return unhealthy(
        `The private key ${key} cannot be used: ${keyFault(error)}.`,
        { cure: 'Put an unencrypted PEM key there, then: ims reload', event: 3750 },
        [...evidence, row(key, 'a private key', 'cannot be read')],
      );
    }
    return unhealthy(
      `The private key ${key} does not belong to the certificate ${found.path}.`,
      {
        cure: 'Put the two files of one certificate order into tls.certificate and tls.key (the leaf stands first), then: ims reload',
        event: 3750,
      },
      [...evidence, row(key, 'fits the certificate', 'does not fit')],
    );
  },
});

/** The first certificate of the file is not that of the key, and another one is. */
function outOfOrder(
  path: string,
  chain: readonly X509Certificate[],
  at: number,
  evidence: readonly Evidence[],
): Verdict {
  return unhealthy(
    `The certificates in ${path} stand in the wrong order: the first is ${shown(chain[0]?.subject)}, and that of the private key stands at place ${at + 1}. No handshake succeeds so.`,
    {
      cure: `Write ${shown(chain[at]?.subject)} first into ${path}, then that of its issuer, and so on (as fullchain.pem of certbot), then: ims reload`,
      event: 3750,
    },
    [...evidence, row(`place ${at + 1} of ${path}`, 'a certificate of the chain', 'that of the private key')],
  );
}

const RSA_BITS_MIN = 2048;

/** Clients of today refuse short keys (RFC 8301 speaks for DKIM; OpenSSL at its usual level says EE_KEY_TOO_SMALL). */
function tooShort(path: string, leaf: X509Certificate, evidence: readonly Evidence[]): Verdict | undefined {
  const bits = leaf.publicKey.asymmetricKeyDetails?.modulusLength;
  if (bits === undefined || bits >= RSA_BITS_MIN) return undefined;
  return unhealthy(
    `The key of the certificate ${path} is too short: RSA of ${bits} bits. Clients and servers of today refuse it (ee key too small).`,
    { cure: `Make a new key (RSA of ${RSA_BITS_MIN} bits or EC P-256), order a certificate for it, then: ims reload` },
    [...evidence, row('length of the key', `${RSA_BITS_MIN} bits or more`, `${bits} bits`)],
  );
}

const shown = (name: string | undefined): string => (name ?? 'none').replace(/\n/g, ', ');

/** Certificates end. */
export const certificateDates = defineCheck({
  id: 'tls.certificate-dates',
  number: 702,
  title: 'The certificate is valid now, and for a while',
  why: 'Clients refuse an expired certificate: mail programs stop sending, and servers that verify stop delivering.',
  needs: ['settings', 'disk', 'clock'],
  after: ['tls.certificate-and-key', 'host.clock', 'host.clock-signatures'],
  cost: 'host',
  async look({ settings, disk, clock }) {
    const found = await readChain({ settings, disk });
    if ('kind' in found) return found;
    const [leaf] = found.chain;
    if (leaf === undefined) return unknown('there is no certificate');
    const days = Math.floor((Date.parse(leaf.validTo) - clock.wall()) / DAY);
    const evidence = [
      row(
        found.path,
        `valid for ${certificateDaysLeft} days or more`,
        `valid from ${leaf.validFrom} to ${leaf.validTo}`,
      ),
    ];
    const cure = {
      cure: 'Renew it with your certificate authority (certbot renew, or what made it), then: ims reload',
    };
    if (days < 0) return unhealthy(`The certificate ${found.path} expired on ${leaf.validTo}.`, cure, evidence);
    if (Date.parse(leaf.validFrom) > clock.wall())
      return unhealthy(
        `The certificate ${found.path} is valid only from ${leaf.validFrom}.`,
        { cure: 'Check the clock (date -u), or put the certificate of today there, then: ims reload' },
        evidence,
      );
    const [, issuer] = found.chain;
    if (issuer !== undefined && leaf.checkIssued(issuer) && Date.parse(issuer.validTo) < clock.wall())
      return unhealthy(
        `The intermediate certificate ${shown(issuer.subject)} in ${found.path} expired on ${issuer.validTo}: clients that verify refuse the whole chain.`,
        {
          cure: 'Put the intermediate certificate of today there (fullchain.pem of a renewed order), then: ims reload',
        },
        [...evidence, row(`${shown(issuer.subject)} in ${found.path}`, 'valid', `until ${issuer.validTo}`)],
      );
    if (days < certificateDaysLeft)
      return unhealthy(`The certificate ${found.path} expires in ${days} days, on ${leaf.validTo}.`, cure, evidence);
    return healthy(evidence);
  },
});

/** The certificate is for our name. */
export const certificateNames = defineCheck({
  id: 'tls.certificate-names',
  number: 703,
  title: 'The certificate is for server.name',
  why: 'Clients compare the name they connect to with those of the certificate (RFC 9525 §6).',
  needs: ['settings', 'disk'],
  after: ['tls.certificate-and-key', 'host.server-name'],
  cost: 'host',
  async look({ settings, disk }) {
    const found = await readChain({ settings, disk });
    if ('kind' in found) return found;
    const [leaf] = found.chain;
    const { name } = settings.server;
    const names = (leaf?.subjectAltName ?? 'none').replace(/DNS:/g, '');
    const evidence = [row('names of the certificate', name, names)];
    if (leaf?.checkHost(name) !== undefined) {
      if (leaf.subjectAltName !== undefined) return healthy(evidence);
      return unhealthy(
        `The certificate ${found.path} has no subjectAltName: ${name} stands only in its common name (CN), where clients of today do not look.`,
        { cure: `Order one that has DNS:${name} as subjectAltName, then: ims reload` },
        evidence,
      );
    }
    const selfSigned = settings.tls.certificate === undefined;
    const cure = selfSigned
      ? `rm ${found.path}, then restart: one for ${name} is made`
      : `Order one that covers ${name}, or set server.name to a name that it has`;
    return unhealthy(`The certificate ${found.path} is for ${names}, not for ${name}.`, { cure }, evidence);
  },
});

/** The key is secret. */
export const keyMode = defineCheck({
  id: 'tls.key-mode',
  number: 704,
  title: 'Only the service reads the private key',
  why: 'Whoever reads the key can pretend to be this server.',
  needs: ['settings', 'host'],
  after: ['configuration.loads'],
  cost: 'host',
  async look({ settings, host }) {
    const { key } = pathsOf(settings);
    const file = await host.file(key);
    if (!file.ok)
      return file.errno === 'ENOENT' ? notApplicable('there is no key yet') : unknown(`${key}: ${file.errno}`);
    const evidence = [row(key, 'mode 600 or 640', showMode(file.value.mode))];
    if ((file.value.mode & 0o037) === 0) return healthy(evidence);
    return unhealthy(`Other users may read the private key ${key}.`, { cure: `chmod 600 ${key}` }, evidence);
  },
});

/** Whether one of the trusted certificates issued another. */
function issued(leaf: X509Certificate, pem: string): boolean {
  try {
    const root = new X509Certificate(pem);
    return root.subject === leaf.issuer && leaf.checkIssued(root);
  } catch {
    return false; // what cannot be read has issued nothing that clients would take
  }
}

/** One of our own making does for mail between servers; where mail programs connect it is refused, or asks them to trust it. */
function selfSigned(settings: Parts['settings'], path: string, evidence: readonly Evidence[]): Verdict {
  if (settings.tls.certificate === undefined) return notApplicable('it is self-signed');
  const words = `The certificate ${path} is self-signed: clients that verify refuse it`;
  const cure = 'Order one of an authority (certbot certonly), and name its fullchain.pem and privkey.pem in tls';
  return Object.values(settings.listeners).some(({ profile }) => profile === 'submission')
    ? unhealthy(`${words}, mail programs first of all.`, { cure: `${cure}, then: ims reload` }, evidence)
    : unknown(`${words}, such as servers by MTA-STS. Others encrypt with it all the same. ${cure}.`, evidence);
}

/** Clients cannot fetch what is between the certificate and a root. */
export const chainWhole = defineCheck({
  id: 'tls.chain',
  number: 705,
  title: 'The certificate comes with its chain',
  why: 'A client knows the roots only; the certificates between must come from the server (RFC 8446 §4.4.2).',
  needs: ['settings', 'disk', 'host'],
  after: ['tls.certificate-and-key'],
  cost: 'host',
  async look({ settings, disk, host }) {
    const found = await readChain({ settings, disk });
    if ('kind' in found) return found;
    const [leaf, next] = found.chain;
    if (leaf === undefined) return unknown('there is no certificate');
    const evidence = [
      row(
        found.path,
        `followed by that of ${leaf.issuer.replace(/\n/g, ', ')}`,
        next === undefined ? 'alone' : next.subject.replace(/\n/g, ', '),
      ),
    ];
    if (leaf.issuer === leaf.subject) return selfSigned(settings, found.path, evidence);
    const later = found.chain.slice(2).findIndex((one) => leaf.checkIssued(one));
    if (later !== -1 && !(next !== undefined && leaf.checkIssued(next)))
      return unhealthy(
        `The certificates in ${found.path} stand in the wrong order: that of the issuer ${shown(leaf.issuer)} stands at place ${later + 3}, and must come second. Some clients refuse such a chain.`,
        { cure: 'Order them: first that of this server, then each that issued the one before it, then: ims reload' },
        evidence,
      );
    if (next !== undefined && leaf.checkIssued(next)) return healthy(evidence);
    const roots = await trustStore(host);
    if (roots.pems.some((pem) => issued(leaf, pem)))
      return healthy([...evidence, row('its issuer', 'a root that clients know', `in ${roots.path}`)]);
    evidence.push(
      row(
        'its issuer',
        'a root that clients know',
        roots.path === undefined ? 'there is no trust store to look in' : `not in ${roots.path}`,
      ),
    );
    // Only certificates of public authorities say where their issuer's is; without a trust store nothing else tells.
    if (next === undefined && roots.path === undefined && !(leaf.infoAccess ?? '').includes('CA Issuers'))
      return healthy(evidence);
    return unhealthy(
      `The chain of ${found.path} is not complete: it does not hold the intermediate certificate of ${leaf.issuer.replace(/\n/g, ', ')}, which no trust store has either. Clients that verify refuse it.`,
      { cure: 'Use the file with the whole chain (fullchain.pem of certbot) as tls.certificate, then: ims reload' },
      evidence,
    );
  },
});
