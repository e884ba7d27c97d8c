import type { Reply } from '../../../mail/reply.ts';

/** What a server offers in its answer to EHLO or LHLO. */
export interface PeerExtensions {
  readonly pipelining: boolean;
  readonly chunking: boolean;
  readonly eightBitMime: boolean;
  readonly binaryMime: boolean;
  readonly smtpUtf8: boolean;
  readonly dsn: boolean;
  readonly startTls: boolean;
  /** Whether SIZE= may be declared (RFC 1870). */
  readonly size: boolean;
  /** The most octets of a message, where a limit is stated. */
  readonly sizeMax: number | undefined;
  /** SASL mechanisms in upper case. */
  readonly auth: readonly string[];
  /** RCPTMAX, MAILMAX and RCPTDOMAINMAX of RFC 9422. */
  readonly recipientsMax: number | undefined;
  readonly messagesMax: number | undefined;
  readonly recipientDomainsMax: number | undefined;
}

/** A server that only knows HELO. */
export const noExtensions: PeerExtensions = {
  pipelining: false,
  chunking: false,
  eightBitMime: false,
  binaryMime: false,
  smtpUtf8: false,
  dsn: false,
  startTls: false,
  size: false,
  sizeMax: undefined,
  auth: [],
  recipientsMax: undefined,
  messagesMax: undefined,
  recipientDomainsMax: undefined,
};

/** Reads the answer to EHLO (RFC 5321 §4.1.1.1). Unknown keywords mean nothing; unusable parameters count as absent. */
export function parseExtensions(reply: Reply): PeerExtensions {
  const offered = new Map<string, string[]>();
  for (const line of reply.text.slice(1)) {
    // `AUTH=LOGIN` is the form of servers older than RFC 2554.
    const words = line
      .trim()
      .replace(/^AUTH=/i, 'AUTH ')
      .toUpperCase()
      .split(/[ \t]+/);
    const keyword = words.shift() ?? '';
    if (keyword !== '') offered.set(keyword, [...(offered.get(keyword) ?? []), ...words]);
  }
  const limits = new Map((offered.get('LIMITS') ?? []).map((word) => splitOnce(word)));
  const sizeMax = readCount(offered.get('SIZE')?.[0]);
  return {
    pipelining: offered.has('PIPELINING'),
    chunking: offered.has('CHUNKING'),
    eightBitMime: offered.has('8BITMIME'),
    binaryMime: offered.has('BINARYMIME'),
    smtpUtf8: offered.has('SMTPUTF8'),
    dsn: offered.has('DSN'),
    startTls: offered.has('STARTTLS'),
    size: offered.has('SIZE'),
    sizeMax,
    auth: offered.get('AUTH') ?? [],
    recipientsMax: readCount(limits.get('RCPTMAX')),
    messagesMax: readCount(limits.get('MAILMAX')),
    recipientDomainsMax: readCount(limits.get('RCPTDOMAINMAX')),
  };
}

function splitOnce(word: string): [string, string] {
  const at = word.indexOf('=');
  return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)];
}

/** A positive number of up to 15 digits; 0 means no limit (RFC 1870 §4). */
function readCount(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,15}$/.test(text)) return undefined;
  const count = Number(text);
  return count > 0 ? count : undefined;
}
