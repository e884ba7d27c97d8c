/** Records that say how others shall treat mail of a domain, each read strictly: the problem is a sentence. */
import { policyLinesMax } from './limits.ts';
import { parseTags } from './tags.ts';

/** A record that holds, or what is wrong with it. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

const wrong = <T>(problem: string): Parsed<T> => ({ ok: false, problem });

/** What a DMARC record asks for. */
export interface DmarcRecord {
  readonly policy: 'none' | 'quarantine' | 'reject';
  /** Where aggregate reports go, as mailto addresses. */
  readonly reportsTo: readonly string[];
}

/** Whether a TXT record is one of DMARC (RFC 9989 §4.7). */
export const isDmarc = (text: string): boolean => /^v\s*=\s*DMARC1\s*(?:;|$)/.test(text);

/** Reads a DMARC record. */
export function parseDmarc(text: string): Parsed<DmarcRecord> {
  const tags = parseTags(text);
  if (tags === undefined) return wrong('it is not a list of tags such as p=none');
  const policy = tags.get('p') ?? (tags.has('rua') ? 'none' : undefined);
  if (policy === undefined) return wrong('it has no policy (p=)');
  if (policy !== 'none' && policy !== 'quarantine' && policy !== 'reject')
    return wrong(`p=${policy} is not none, quarantine or reject`);
  const strange = ['adkim', 'aspf'].find((name) => !/^[rs]?$/.test(tags.get(name) ?? ''));
  if (strange !== undefined) return wrong(`${strange}=${tags.get(strange)} is not r or s`);
  const uris = (tags.get('rua') ?? '').split(',').map((uri) => uri.trim());
  const bad = uris.find((uri) => uri !== '' && !/^mailto:[^@\s,;]+@[^@\s,;!]+(?:!\d+[kmgt]?)?$/i.test(uri));
  if (bad !== undefined) return wrong(`rua=${bad} is no mailto: address`);
  return {
    ok: true,
    value: { policy, reportsTo: uris.filter((uri) => uri !== '').map((uri) => uri.slice(7).replace(/!.*$/, '')) },
  };
}

/** Whether a TXT record is one of TLS reporting (RFC 8460 §3). */
export const isTlsReport = (text: string): boolean => /^v=TLSRPTv1\s*(?:;|$)/.test(text);

/** Reads the record of TLS reporting: where reports go. */
export function parseTlsReport(text: string): Parsed<readonly string[]> {
  const uris = (parseTags(text)?.get('rua') ?? '').split(',').map((uri) => uri.trim());
  if (uris.every((uri) => uri === '')) return wrong('it says nowhere to report to (rua=)');
  const bad = uris.find((uri) => !/^(?:mailto:[^@\s]+@[^@\s]+|https:\/\/\S+)$/i.test(uri));
  return bad === undefined ? { ok: true, value: uris } : wrong(`rua=${bad} is neither mailto: nor https:`);
}

/** Whether a TXT record is one of MTA-STS (RFC 8461 §3.1). */
export const isMtaSts = (text: string): boolean => /^v=STSv1\s*(?:;|$)/.test(text);

/** Reads the record of MTA-STS: the id of the policy. */
export function parseMtaSts(text: string): Parsed<string> {
  const id = parseTags(text)?.get('id');
  if (id === undefined) return wrong('it has no id=');
  return /^[A-Za-z0-9]{1,32}$/.test(id) ? { ok: true, value: id } : wrong('its id is not 1 to 32 letters and digits');
}

/** A policy of MTA-STS. */
export interface MtaStsPolicy {
  readonly mode: 'enforce' | 'testing' | 'none';
  readonly maxAgeS: number;
  /** Names of MX hosts; '*.example.com' stands for one label before it. */
  readonly mx: readonly string[];
}

/** Reads a policy file (RFC 8461 §3.2). */
export function parseMtaStsPolicy(text: string): Parsed<MtaStsPolicy> {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length > policyLinesMax) return wrong(`it has over ${policyLinesMax} lines`);
  const values = (key: string): readonly string[] =>
    lines
      .filter((line) => line.slice(0, line.indexOf(':')).trim() === key)
      .map((line) => line.slice(line.indexOf(':') + 1).trim());
  if (values('version')[0] !== 'STSv1') return wrong("it does not begin with 'version: STSv1'");
  const mode = values('mode')[0];
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none')
    return wrong(`its mode '${mode ?? ''}' is not enforce, testing or none`);
  const maxAge = values('max_age')[0] ?? '';
  if (!/^\d{1,10}$/.test(maxAge) || Number(maxAge) > 31_557_600)
    return wrong(`its max_age '${maxAge}' is no number of seconds up to a year`);
  const mx = values('mx').map((name) => name.toLowerCase().replace(/\.$/, ''));
  if (mx.length === 0 && mode !== 'none') return wrong('it names no mx');
  return { ok: true, value: { mode, maxAgeS: Number(maxAge), mx } };
}

/** Whether a policy covers a host (RFC 8461 §4.1). */
export const coversHost = ({ mx }: Pick<MtaStsPolicy, 'mx'>, host: string): boolean =>
  mx.some((pattern) =>
    pattern.startsWith('*.') ? host.slice(host.indexOf('.')) === pattern.slice(1) : host === pattern,
  );
