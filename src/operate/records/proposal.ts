import { parseIp, printIp, reverseName } from '../../base/ip.ts';
import { domainKey } from '../../mail/mailbox.ts';
import { keyRecord } from '../../protocol/dkim-signing/key.ts';
import { spfAddressesMax } from './limits.ts';
import { zoneLine, type PublishableRecord } from './record.ts';

/** What the records to publish follow from. */
export interface PublishingFacts {
  /** `server.name`: what we greet with, and what MX records name. */
  readonly serverName: string;
  /** Our domains. */
  readonly domains: readonly string[];
  /** The addresses at which others reach this server; none where they are not known. */
  readonly addresses: readonly string[];
  /** The addresses that others see our mail come from; those above where not given. */
  readonly sendingAddresses?: readonly string[];
  /** Further names that mail greets with, with the addresses that it comes from then, where they are known. */
  readonly faces?: readonly { readonly name: string; readonly addresses: readonly string[] }[];
  /** How outgoing mail leaves: by smart hosts its addresses are those of somebody else, and PTR is their matter. */
  readonly sending?: 'direct' | 'smart-host';
  /** Domains of providers whose SPF record lists the hosts that send for us. */
  readonly spfIncludes?: readonly string[];
  /** Where reports about our domains go; postmaster of each domain where not given. */
  readonly reportsTo?: string;
  /** Public DKIM keys with their domain and selector, in base64. */
  readonly dkimKeys?: readonly {
    readonly domain: string;
    readonly selector: string;
    readonly algorithm: 'rsa' | 'ed25519';
    readonly key: string;
  }[];
  /** SHA-256 of the public key of our certificate, in hexadecimal (TLSA 3 1 1). */
  readonly certificateKeyHash?: string;
  /** The id of the MTA-STS policy; without one MTA-STS is not proposed: it needs a web server too. */
  readonly mtaStsId?: string;
}

type Draft = Omit<PublishableRecord, 'zoneLine' | 'zone'> & { readonly zone?: 'provider' };

const finish = (draft: Draft): PublishableRecord => ({ zone: 'own', ...draft, zoneLine: zoneLine(draft) });

const GAP_ADDRESS = '<your public IPv4 address>';
const GAP_FACE = '<the address that others see of it>';
const GAP_PROVIDER = '<SPF domain of your smart host>';

/** Addresses in canonical text, each once. */
function addressesOf(texts: readonly string[]): readonly string[] {
  return [...new Set(texts.flatMap((text) => parseIp(text) ?? []).map(printIp))];
}

const typeOf = (address: string): 'A' | 'AAAA' => (address.includes(':') ? 'AAAA' : 'A');

/** What the records say of our own name: its addresses, the names of those, and who may greet with it. */
function hostRecords(facts: PublishingFacts, host: string): Draft[] {
  const addresses = addressesOf(facts.addresses);
  const faces = (facts.faces ?? []).map(({ name, addresses: its }) => ({
    name: domainKey(name.toLowerCase()),
    addresses: addressesOf(its),
  }));
  const why = 'Others find this server, and believe its greeting, by the address of its name (RFC 5321 §4.1.4).';
  const found: Draft[] = addresses.map((value) => ({
    purpose: 'address',
    name: host,
    type: typeOf(value),
    value,
    why,
    need: 'required',
  }));
  if (found.length === 0)
    found.push({
      purpose: 'address',
      name: host,
      type: 'A',
      value: GAP_ADDRESS,
      why,
      need: 'required',
      incomplete: true,
    });
  if (facts.sending !== 'smart-host')
    for (const address of addressesOf(facts.sendingAddresses ?? facts.addresses)) {
      if (faces.some((face) => face.addresses.includes(address))) continue;
      const ip = parseIp(address);
      if (ip !== undefined) found.push(reverseRecord(reverseName(ip), host));
    }
  found.push(greetingSpf(host));
  for (const face of faces) found.push(...faceRecords(face, why));
  return found;
}

const greetingSpf = (name: string): Draft => ({
  purpose: 'helo-spf',
  name,
  type: 'TXT',
  value: 'v=spf1 a -all',
  why: 'Reports of failed delivery have no sender domain: SPF then looks at the greeting name (RFC 7208 §2.4).',
  need: 'optional',
});

/** The records of a further name that mail greets with. */
function faceRecords(
  { name, addresses }: { readonly name: string; readonly addresses: readonly string[] },
  why: string,
): Draft[] {
  const draft = { purpose: 'address', name, why, need: 'required' } as const;
  const found: Draft[] = addresses.flatMap((value): Draft[] => {
    const ip = parseIp(value);
    const reverse = ip === undefined ? [] : [reverseRecord(reverseName(ip), name)];
    return [{ ...draft, type: typeOf(value), value }, ...reverse];
  });
  if (found.length === 0) found.push({ ...draft, type: 'A', value: GAP_FACE, incomplete: true });
  return [...found, greetingSpf(name)];
}

const reverseRecord = (name: string, host: string): Draft => ({
  purpose: 'reverse',
  name,
  type: 'PTR',
  value: host,
  why: 'Many servers refuse mail from an address whose reverse name is missing or does not lead back to it.',
  need: 'required',
  zone: 'provider',
});

/** The SPF record of a domain: its MX hosts, the addresses that they do not cover, the providers, and nobody else. */
export function spfText(facts: PublishingFacts): string {
  const direct = facts.sending !== 'smart-host';
  const reached = new Set(addressesOf(facts.addresses));
  const more = direct ? addressesOf(facts.sendingAddresses ?? []).filter((address) => !reached.has(address)) : [];
  const includes = facts.spfIncludes ?? (direct ? [] : [GAP_PROVIDER]);
  const terms = [
    ...(direct ? ['mx'] : []),
    ...more.slice(0, spfAddressesMax).map((address) => `ip${address.includes(':') ? 6 : 4}:${address}`),
    ...includes.map((domain) => `include:${domain}`),
  ];
  return ['v=spf1', ...terms, '~all'].join(' ');
}

function domainRecords(facts: PublishingFacts, domain: string, host: string): Draft[] {
  const reports = facts.reportsTo ?? `postmaster@${domain}`;
  const spf = spfText(facts);
  const found: Draft[] = [
    {
      purpose: 'mx',
      name: domain,
      type: 'MX',
      value: `10 ${host}`,
      why: 'Other servers find the one that takes mail for the domain by its MX (RFC 5321 §5.1).',
      need: 'required',
    },
    {
      purpose: 'spf',
      name: domain,
      type: 'TXT',
      value: spf,
      why: 'It says which hosts send mail of the domain; large providers refuse mail without (RFC 7208).',
      need: 'recommended',
      ...(spf.includes('<') ? { incomplete: true as const } : {}),
    },
  ];
  for (const { domain: signs, selector, algorithm, key } of facts.dkimKeys ?? [])
    if (signs === domain)
      found.push({
        purpose: 'dkim',
        name: `${selector}._domainkey.${domain}`,
        type: 'TXT',
        value: keyRecord({ algorithm, published: key }),
        why: 'The public half of the key that our signatures are made with (RFC 6376 §3.6).',
        need: 'recommended',
      });
  found.push(
    {
      purpose: 'dmarc',
      name: `_dmarc.${domain}`,
      type: 'TXT',
      value: `v=DMARC1; p=none; rua=mailto:${reports}`,
      why: 'It says what to do with mail that only pretends to be yours; large providers ask for one (RFC 9989).',
      need: 'recommended',
    },
    {
      purpose: 'tls-report',
      name: `_smtp._tls.${domain}`,
      type: 'TXT',
      value: `v=TLSRPTv1; rua=mailto:${reports}`,
      why: 'Others report when they could not reach you by TLS (RFC 8460).',
      need: 'optional',
    },
  );
  if (facts.mtaStsId !== undefined)
    found.push({
      purpose: 'mta-sts',
      name: `_mta-sts.${domain}`,
      type: 'TXT',
      value: `v=STSv1; id=${facts.mtaStsId}`,
      why: `It points to the policy at https://mta-sts.${domain}/.well-known/mta-sts.txt: deliver by verified TLS only (RFC 8461).`,
      need: 'optional',
    });
  return found;
}

/** The exact records to publish: those of our name first, then each domain's, the most needed first. */
export function recordsToPublish(facts: PublishingFacts): readonly PublishableRecord[] {
  const host = domainKey(facts.serverName.toLowerCase());
  const drafts = hostRecords(facts, host);
  for (const domain of facts.domains) drafts.push(...domainRecords(facts, domainKey(domain.toLowerCase()), host));
  if (facts.certificateKeyHash !== undefined)
    drafts.push({
      purpose: 'dane',
      name: `_25._tcp.${host}`,
      type: 'TLSA',
      value: `3 1 1 ${facts.certificateKeyHash}`,
      why: 'Where the zone is signed (DNSSEC), others verify our certificate by it (RFC 7672). Change it before the key.',
      need: 'optional',
    });
  return drafts.map(finish);
}

/** An SPF record with one more address, before the term that ends it. */
export function withAddress(record: string, address: string): string {
  const terms = record.split(' ').filter((term) => term !== '');
  const end = terms.findIndex((term) => /^(?:[+?~-]?all|redirect=.*)$/i.test(term));
  const term = `ip${address.includes(':') ? 6 : 4}:${address}`;
  return terms.toSpliced(end === -1 ? terms.length : end, 0, term).join(' ');
}

/** The policy file of MTA-STS for a domain (RFC 8461 §3.2). */
export function mtaStsPolicy(
  facts: Pick<PublishingFacts, 'serverName'>,
  mode: 'testing' | 'enforce' = 'testing',
): string {
  const host = domainKey(facts.serverName.toLowerCase());
  return `version: STSv1\r\nmode: ${mode}\r\nmx: ${host}\r\nmax_age: 604800\r\n`;
}
