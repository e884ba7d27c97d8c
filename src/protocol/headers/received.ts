/** The Received field of RFC 5321 §4.4, with the protocol names of RFC 3848 and RFC 6531 §4.3. */

/** What a Received field says. */
export interface ReceivedFacts {
  /** The name the client greeted with; as it came. */
  readonly greetingName: string;
  /** Canonical IP address of the client; anything else (a UNIX socket's path) is left out. */
  readonly clientAddress: string;
  /** Its host name, where a trusted host told it; as it came. */
  readonly clientName?: string;
  readonly serverName: string;
  readonly protocol: string;
  readonly tls?: {
    readonly version: string;
    readonly cipher: string;
    /** It ended at a proxy in front of us, which tells it. */
    readonly toProxy?: boolean;
    /** The name that it asked for. */
    readonly serverName?: string;
    /** The name in the client's certificate, verified; as it came. */
    readonly clientName?: string;
  };
  /** An atom. */
  readonly id: string;
  /** The only recipient, printed; undefined where there are several: they must not learn of each other (RFC 5321 §7.6). */
  readonly recipient: string | undefined;
  /** The date, printed. */
  readonly date: string;
}

/** The keyword of the WITH clause: SMTP, ESMTP, ESMTPSA, UTF8SMTPS, LMTPA ... */
export function protocolName(session: {
  readonly lmtp: boolean;
  readonly extended: boolean;
  readonly tls: boolean;
  readonly authenticated: boolean;
  readonly smtpUtf8: boolean;
}): string {
  if (!session.lmtp && !session.extended) return 'SMTP';
  const security = `${session.tls ? 'S' : ''}${session.authenticated ? 'A' : ''}`;
  if (session.lmtp) return `${session.smtpUtf8 ? 'UTF8' : ''}LMTP${security}`;
  return `${session.smtpUtf8 ? 'UTF8' : 'E'}SMTP${security}`;
}

const LABELS = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?$/;
const LITERAL = /^\[[A-Za-z0-9:.-]{2,253}\]$/;
/** The registered name of a cipher suite, as the clause of RFC 8314 §4.3 wants it. */
const CIPHER = /^[A-Z0-9_]{1,80}$/;
const ATOM = /^[\x21-\x27\x2a-\x5b\x5d-\x7e]$/;

/** An IP address as an address literal (RFC 5321 §4.1.3); undefined for what is no address. */
export function addressLiteral(address: string): string | undefined {
  if (address.includes('/')) return undefined;
  if (address.includes(':')) return `[IPv6:${address}]`;
  return address === '' ? undefined : `[${address}]`;
}

/** Text for a comment: characters that would end it, fold it or hide in it become '?'. */
function comment(text: string): string {
  let out = '';
  for (const character of text.slice(0, 255)) out += ATOM.test(character) ? character : '?';
  return out;
}

function fromClause({ greetingName, clientAddress, clientName = '' }: ReceivedFacts): string {
  const literal = addressLiteral(clientAddress);
  const named = LABELS.test(clientName) && !clientName.includes('..') ? `${clientName} ` : '';
  const info = literal === undefined ? '' : ` (${named}${literal})`;
  if ((LABELS.test(greetingName) && !greetingName.includes('..')) || LITERAL.test(greetingName))
    return `from ${greetingName}${info}`;
  // A name that is no domain may not stand in the clause; as a comment it still helps to find the client.
  return `from ${literal ?? 'localhost'}${info}${greetingName === '' ? '' : ` (greeted as ${comment(greetingName)})`}`;
}

/** A cipher suite under another than its registered name, as proxies tell it, may stand here only. */
function tlsComment({ version, cipher, toProxy, serverName, clientName }: NonNullable<ReceivedFacts['tls']>): string {
  const suite = toProxy !== true || cipher === '' || CIPHER.test(cipher) ? '' : ` ${comment(cipher)}`;
  const where = toProxy !== true ? '' : ` to the proxy${serverName === undefined ? '' : ` as ${comment(serverName)}`}`;
  const who = clientName === undefined ? '' : `,\r\n\tclient certificate ${comment(clientName)}`;
  return ` (${comment(version)}${suite}${where}${who})`;
}

/** The field with its line end. Folded so that every line stays readable; never longer than 998 octets a line. */
export function receivedField(facts: ReceivedFacts): string {
  const tls = facts.tls === undefined ? '' : tlsComment(facts.tls);
  const cipher = facts.tls === undefined || !CIPHER.test(facts.tls.cipher) ? '' : `\r\n\ttls ${facts.tls.cipher}`;
  const recipient = facts.recipient === undefined ? '' : `\r\n\tfor <${facts.recipient}>`;
  const from = fromClause(facts);
  return `Received: ${from}\r\n\tby ${facts.serverName} with ${facts.protocol}${tls} id ${facts.id}${recipient}${cipher};\r\n\t${facts.date}\r\n`;
}
