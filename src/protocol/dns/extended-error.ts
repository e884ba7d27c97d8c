import { extendedErrorsMax, extendedErrorTextMax } from './limits.ts';

/** Why a server could not or would not answer, in its own words (RFC 8914). */
export interface ExtendedError {
  readonly code: number;
  readonly text: string;
}

/** The registered purposes (RFC 8914 §4). */
const PURPOSES: readonly string[] = [
  'Other',
  'Unsupported DNSKEY Algorithm',
  'Unsupported DS Digest Type',
  'Stale Answer',
  'Forged Answer',
  'DNSSEC Indeterminate',
  'DNSSEC Bogus',
  'Signature Expired',
  'Signature Not Yet Valid',
  'DNSKEY Missing',
  'RRSIGs Missing',
  'No Zone Key Bit Set',
  'NSEC Missing',
  'Cached Error',
  'Not Ready',
  'Blocked',
  'Censored',
  'Filtered',
  'Prohibited',
  'Stale NXDomain Answer',
  'Not Authoritative',
  'Not Supported',
  'No Reachable Authority',
  'Network Error',
  'Invalid Data',
];

/** Those that say: the signatures of the zone are wrong. */
const OF_DNSSEC: ReadonlySet<number> = new Set([5, 6, 7, 8, 9, 10, 11, 12]);

const OPTION = 15;

/** Reads the options of an OPT record (RFC 8914 §2). What is malformed is left out. */
export function readExtendedErrors(
  options: readonly { readonly code: number; readonly data?: unknown }[],
): readonly ExtendedError[] {
  const found: ExtendedError[] = [];
  for (const { code, data } of options) {
    if (code !== OPTION || !Buffer.isBuffer(data) || data.length < 2 || found.length >= extendedErrorsMax) continue;
    const text = data.subarray(2, 2 + extendedErrorTextMax).toString('utf8');
    // It comes from outside and is shown to people: no control characters, no final NUL (RFC 8914 §2).
    found.push({ code: data.readUInt16BE(0), text: text.replace(/[\p{Cc}\p{Cf}\uFFFD]+/gu, ' ').trim() });
  }
  return found;
}

/** Whether one of them says that the signatures of the zone are wrong. */
export const speaksOfDnssec = (errors: readonly ExtendedError[]): boolean =>
  errors.some(({ code }) => OF_DNSSEC.has(code));

/** An error in words: 'DNSSEC Bogus: signature of example.com expired'. */
export function printExtendedError({ code, text }: ExtendedError): string {
  const purpose = PURPOSES[code] ?? `extended error ${code}`;
  if (text === '') return purpose;
  return text.toLowerCase().startsWith(purpose.toLowerCase()) ? text : `${purpose}: ${text}`;
}
