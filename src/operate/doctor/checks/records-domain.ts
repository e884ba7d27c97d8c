import {
  coversHost,
  isDmarc,
  isMtaSts,
  isTlsReport,
  parseDmarc,
  parseMtaSts,
  parseMtaStsPolicy,
  parseTlsReport,
  type DmarcRecord,
  type Parsed,
} from '../../../protocol/policy-records/records.ts';
import type { Resolver } from '../../../world/ports/resolver.ts';
import { mtaStsPolicy, recordsToPublish, zoneLine, type RecordPurpose } from '../../records/index.ts';
import { defineCheck, type Parts } from '../check.ts';
import { fetchText } from '../facts/fetch-policy.ts';
import { publishedDomains, recordsOf, textsOf } from '../facts/published.ts';
import { isForTrying } from '../facts/usage.ts';
import { askingMs } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence, type Verdict } from '../verdict.ts';

type Own = Pick<Parts, 'settings' | 'resolver'>;

/** Our public domains, or why there are none to look at. */
async function ownDomains({ settings, resolver }: Own): Promise<readonly string[] | Verdict> {
  if (isForTrying(settings)) return notApplicable('only this host reaches the listeners');
  const domains = await publishedDomains(resolver, settings);
  return domains.length === 0 ? notApplicable('no domain is one of the public name service') : domains;
}

const isVerdict = (found: readonly string[] | Verdict): found is Verdict => 'kind' in found;

/** The line that we propose for a domain. */
function proposed({ settings }: Own, domain: string, purpose: RecordPurpose): string {
  const records = recordsToPublish({ serverName: settings.server.name, domains: [domain], addresses: [] });
  return records.find((record) => record.purpose === purpose)?.zoneLine ?? '';
}

interface Looked<T> {
  readonly name: string;
  readonly domain: string;
  readonly texts: readonly string[];
  readonly failure: string | undefined;
  readonly parsed: Parsed<T> | undefined;
}

async function lookAt<T>(
  resolver: Resolver,
  domain: string,
  name: string,
  is: (text: string) => boolean,
  parse: (text: string) => Parsed<T>,
): Promise<Looked<T>> {
  const answer = await resolver.query(name, 'TXT');
  const texts = textsOf(answer, /^/).filter(is);
  const [text] = texts;
  return {
    name,
    domain,
    texts,
    failure: answer.kind === 'failure' ? answer.reason : undefined,
    parsed: text === undefined ? undefined : parse(text),
  };
}

/** What is wrong with a record that is there; that it is not there is no fault. */
function faultOf({ name, texts, parsed }: Looked<unknown>, what: string, line: string): Verdict | undefined {
  const evidence = [row(`TXT of ${name}`, line, texts.join(' and ') || 'none')];
  if (texts.length > 1)
    return unhealthy(
      `${name} has ${texts.length} ${what} records: receivers then use none.`,
      { cure: 'Leave one of them in the zone' },
      evidence,
    );
  if (parsed?.ok !== false) return undefined;
  return unhealthy(
    `The ${what} record at ${name} is not valid: ${parsed.problem}. Receivers do as if there were none.`,
    { cure: `Publish instead: ${line}` },
    evidence,
  );
}

/** The record of the domain, else that of one above it (RFC 9989 §4.10). */
async function findDmarc(resolver: Resolver, domain: string): Promise<Looked<DmarcRecord>> {
  const labels = domain.split('.');
  const names = labels.map((_, at) => labels.slice(at).join('.')).slice(0, Math.max(1, labels.length - 1));
  const looked = await Promise.all(
    names.map((name) => lookAt(resolver, domain, `_dmarc.${name}`, isDmarc, parseDmarc)),
  );
  const [first, ...above] = looked as [Looked<DmarcRecord>, ...Looked<DmarcRecord>[]];
  return [first, ...above].find(({ texts, failure }) => texts.length > 0 || failure !== undefined) ?? first;
}

/** Reports to another domain come only where that one agrees (RFC 9990 §4). */
async function strangerReports(
  resolver: Resolver,
  { domain, parsed }: Looked<DmarcRecord>,
): Promise<string | undefined> {
  if (parsed?.ok !== true) return undefined;
  for (const address of parsed.value.reportsTo) {
    const target = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
    const related = target === domain || target.endsWith(`.${domain}`) || domain.endsWith(`.${target}`);
    if (related) continue;
    const name = `${domain}._report._dmarc.${target}`;
    const answer = await resolver.query(name, 'TXT');
    if (answer.kind !== 'failure' && textsOf(answer, /^v=DMARC1/).length === 0) return `${name} (for ${address})`;
  }
  return undefined;
}

/** What others shall do with mail that only pretends to be ours. */
export const dmarcValid = defineCheck({
  id: 'records.dmarc',
  number: 1502,
  title: 'The DMARC records of our domains are valid',
  why: 'DMARC says what to do with mail that pretends to be of the domain. A record that cannot be read protects nobody, and large providers ask for one.',
  needs: ['settings', 'resolver'],
  after: ['names.no-rewriting'],
  cost: 'network',
  deadlineMs: askingMs,
  async look(parts) {
    const domains = await ownDomains(parts);
    if (isVerdict(domains)) return domains;
    const { resolver } = parts;
    const looked = await Promise.all(domains.map((domain) => findDmarc(resolver, domain)));
    const strangers = await Promise.all(looked.map((one) => strangerReports(resolver, one)));
    const evidence: Evidence[] = [];
    for (const [index, one] of looked.entries()) {
      const line = proposed(parts, one.domain, 'dmarc');
      const fault = faultOf(one, 'DMARC', line);
      if (fault !== undefined) return fault;
      const stranger = strangers[index];
      if (stranger !== undefined)
        evidence.push(row(`consent to reports of ${one.domain}`, `v=DMARC1 at ${stranger}`, 'none: no reports come'));
      evidence.push(row(`DMARC of ${one.domain}`, line, one.texts[0] ?? one.failure ?? 'none'));
    }
    const failed = looked.find(({ failure }) => failure !== undefined);
    return failed === undefined ? healthy(evidence) : unknown(`the look-up failed: ${failed.failure}`, evidence);
  },
});

/** Where others report that they could not reach us by TLS. */
export const tlsReportValid = defineCheck({
  id: 'records.tls-report',
  number: 1503,
  title: 'The TLS reporting records of our domains are valid',
  why: 'By this record (RFC 8460) others tell where TLS to us failed. One that cannot be read brings no reports.',
  needs: ['settings', 'resolver'],
  after: ['names.no-rewriting'],
  cost: 'network',
  deadlineMs: askingMs,
  async look(parts) {
    const domains = await ownDomains(parts);
    if (isVerdict(domains)) return domains;
    const looked = await Promise.all(
      domains.map((domain) => lookAt(parts.resolver, domain, `_smtp._tls.${domain}`, isTlsReport, parseTlsReport)),
    );
    for (const one of looked) {
      const fault = faultOf(one, 'TLS reporting', proposed(parts, one.domain, 'tls-report'));
      if (fault !== undefined) return fault;
    }
    const evidence = looked.map((one) =>
      row(
        `TLS reporting of ${one.domain}`,
        proposed(parts, one.domain, 'tls-report'),
        one.texts[0] ?? one.failure ?? 'none',
      ),
    );
    return looked.some(({ failure }) => failure !== undefined)
      ? unknown('some look-ups failed', evidence)
      : healthy(evidence);
  },
});

async function stsFault(
  parts: Pick<Parts, 'settings' | 'resolver' | 'network' | 'clock'>,
  looked: Looked<string>,
): Promise<{ readonly cause: string; readonly cure: string } | { readonly evidence: Evidence }> {
  const { domain } = looked;
  const host = `mta-sts.${domain}`;
  const url = `https://${host}/.well-known/mta-sts.txt`;
  const { name } = parts.settings.server;
  const serve = `Serve this at ${url}: ${mtaStsPolicy({ serverName: name }).trimEnd().replaceAll('\r\n', ' / ')}`;
  const fetched = await fetchText(parts, host, '/.well-known/mta-sts.txt');
  if (fetched.kind === 'unseen') return { evidence: row(`policy at ${url}`, 'a policy', `not seen: ${fetched.why}`) };
  if (fetched.kind === 'refused')
    return {
      cause: `The MTA-STS policy of ${domain} cannot be fetched: ${fetched.why}.`,
      cure: `${serve}; or take the record _mta-sts.${domain} out of the zone`,
    };
  const policy = parseMtaStsPolicy(fetched.text);
  if (!policy.ok) return { cause: `The MTA-STS policy of ${domain} is not valid: ${policy.problem}.`, cure: serve };
  const hosts = recordsOf(await parts.resolver.query(domain, 'MX')).map(({ exchange }) => exchange);
  const outside = hosts.find((one) => !coversHost(policy.value, one));
  if (outside !== undefined && policy.value.mode !== 'none')
    return {
      cause: `The MTA-STS policy of ${domain} does not name its MX host ${outside}: ${policy.value.mode === 'enforce' ? 'others do not deliver to it' : 'in mode enforce others would not deliver to it'}.`,
      cure: `Add 'mx: ${outside}' to ${url}, and publish a new id: ${zoneLine({ name: `_mta-sts.${domain}`, type: 'TXT', value: 'v=STSv1; id=<another one>' })}`,
    };
  return {
    evidence: row(`policy at ${url}`, 'names our MX hosts', `mode ${policy.value.mode}: ${policy.value.mx.join(', ')}`),
  };
}

/** Others deliver by verified TLS only, where we say so; what we say must hold. */
export const mtaStsValid = defineCheck({
  id: 'records.mta-sts',
  number: 1504,
  title: 'The MTA-STS policies of our domains hold',
  why: 'A policy in mode enforce (RFC 8461) that does not name our MX hosts, or cannot be fetched, keeps mail away or protects nothing.',
  needs: ['settings', 'resolver', 'network', 'clock'],
  after: ['names.no-rewriting'],
  cost: 'network',
  deadlineMs: 8000,
  async look(parts) {
    const domains = await ownDomains(parts);
    if (isVerdict(domains)) return domains;
    const looked = await Promise.all(
      domains.map((domain) => lookAt(parts.resolver, domain, `_mta-sts.${domain}`, isMtaSts, parseMtaSts)),
    );
    const evidence: Evidence[] = [];
    for (const one of looked) {
      const fault = faultOf(one, 'MTA-STS', `_mta-sts.${one.domain}. 3600 IN TXT "v=STSv1; id=1"`);
      if (fault !== undefined) return fault;
      evidence.push(
        row(`MTA-STS of ${one.domain}`, 'none, or one with a policy', one.texts[0] ?? one.failure ?? 'none'),
      );
    }
    const found = await Promise.all(
      looked.filter(({ parsed }) => parsed?.ok === true).map((one) => stsFault(parts, one)),
    );
    for (const one of found) {
      if ('cause' in one) return unhealthy(one.cause, { cure: one.cure }, evidence);
      evidence.push(one.evidence);
    }
    return looked.some(({ failure }) => failure !== undefined)
      ? unknown('some look-ups failed', evidence)
      : healthy(evidence);
  },
});
