import { proposedTtlS, txtStringMax } from './limits.ts';

/** What a record is for. */
export type RecordPurpose =
  | 'address'
  | 'mx'
  | 'reverse'
  | 'spf'
  | 'helo-spf'
  | 'dkim'
  | 'dmarc'
  | 'tls-report'
  | 'mta-sts'
  | 'dane';

/** A record that should be in the name service, as a person enters it. */
export interface PublishableRecord {
  readonly purpose: RecordPurpose;
  /** The absolute name, without the final dot. */
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'MX' | 'TXT' | 'PTR' | 'TLSA';
  /** The value as web forms of providers take it: of TXT the whole text, of MX '10 host'. */
  readonly value: string;
  /** The line for a zone file: TXT split in strings of 255 octets. */
  readonly zoneLine: string;
  /** What it does for the mail, in a sentence. */
  readonly why: string;
  /** required: without it mail fails; recommended: much of it; optional: it makes more secure. */
  readonly need: 'required' | 'recommended' | 'optional';
  /** Whose zone it goes into: ours, or that of the provider who owns the address. */
  readonly zone: 'own' | 'provider';
  /** The value holds a gap in <angle brackets> that only a person can fill. */
  readonly incomplete?: true;
}

/** Quotes a text as character strings of a zone file, none longer than 255 octets (RFC 1035 §3.3.14, §5.1). */
export function txtStrings(text: string): string {
  const octets = Buffer.from(text);
  const parts: string[] = [];
  for (let at = 0; at === 0 || at < octets.length; at += txtStringMax)
    parts.push(quote(octets.subarray(at, at + txtStringMax)));
  return parts.join(' ');
}

function quote(octets: Buffer): string {
  let text = '';
  for (const octet of octets) {
    const character = String.fromCharCode(octet);
    if (character === '"' || character === '\\') text += `\\${character}`;
    else if (octet < 0x20 || octet > 0x7e) text += `\\${String(octet).padStart(3, '0')}`;
    else text += character;
  }
  return `"${text}"`;
}

const NAMES: ReadonlySet<PublishableRecord['type']> = new Set(['MX', 'PTR']);

/** A line of a zone file with absolute names. */
export function zoneLine({ name, type, value }: Pick<PublishableRecord, 'name' | 'type' | 'value'>): string {
  const shown = type === 'TXT' ? txtStrings(value) : NAMES.has(type) && !value.endsWith('.') ? `${value}.` : value;
  return `${name}. ${proposedTtlS} IN ${type} ${shown}`;
}
