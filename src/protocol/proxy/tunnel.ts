/** The door of proxy clients: pure machines that ask a proxy for a connection to a target. */

/** Why a proxy gave no connection. `words` are for people, with what the proxy itself said. */
export type TunnelFailure =
  /** What came is not the protocol that was spoken. */
  | { readonly kind: 'wrong-protocol'; readonly words: string }
  | { readonly kind: 'login-refused'; readonly words: string }
  /** The proxy does not want to: its rules, its own trouble. */
  | { readonly kind: 'refused'; readonly words: string }
  /** The proxy tried and could not reach the target; `errno` as a socket would have told it. */
  | { readonly kind: 'target-unreachable'; readonly errno: string; readonly words: string };

/** What a machine wants after what it was given. */
export type TunnelStep =
  | { readonly kind: 'more'; readonly send?: Buffer }
  /** The tunnel is open; `rest` came behind the answer and belongs to the target's side of it. */
  | { readonly kind: 'open'; readonly rest: Buffer }
  | { readonly kind: 'failed'; readonly failure: TunnelFailure };

/** What a machine waits for; 'evidence' is the text of a refusal, worth a moment and no more. */
export type TunnelPhase = 'greeting' | 'login' | 'connect' | 'evidence';

/** A client of one kind of proxy, for one connection. */
export interface TunnelMachine {
  readonly phase: TunnelPhase;
  /** The first octets to send. */
  open(): Buffer;
  /** Takes what the proxy sent. Not to be called again after 'open' or 'failed'. */
  receive(chunk: Buffer): TunnelStep;
  /** The proxy sends no more, or not in time; a failure where enough is known to tell it. */
  finish(): TunnelFailure | undefined;
}

/** The place that a proxy is asked to connect to: a host name or an IP address. */
export interface TunnelTarget {
  readonly host: string;
  readonly port: number;
}

/** Text of a proxy as one line for people. */
export function plainLine(octets: Buffer, bytesMax: number): string {
  const text = octets.subarray(0, bytesMax).toString('utf8');
  return text.replace(/[\x00-\x1f\x7f\u0080-\u009f\u2028\u2029]+/g, ' ').trim();
}

/** Servers that are no proxies, by how their first line begins. */
const OTHERS: readonly (readonly [begins: RegExp, what: string])[] = [
  [/^SSH-\d/, 'an SSH server'],
  [/^220[ -].*(?:SMTP|Postfix|Exim|Sendmail|mail)/i, 'a mail server'],
  [/^220[ -]/, 'a mail or FTP server'],
  [/^\+OK/, 'a POP3 server'],
  [/^\* OK/, 'an IMAP server'],
  [/^HTTP\/\d/, 'a web server or HTTP proxy'],
  [/^\x16\x03|^\x15\x03/, 'a server that speaks TLS'],
  [/^\0[\x5a-\x5d]/, 'a proxy that speaks SOCKS 4 only'],
  [/^\x05/, 'a proxy that speaks SOCKS 5'],
];

/** Who answers where another proxy was expected, as the end of a sentence, where it shows: ', an SSH server'. */
export function whoAnswers(octets: Buffer): string {
  const line = octets.toString('latin1', 0, 200).split(/[\r\n]/, 1)[0] ?? '';
  const who = OTHERS.find(([begins]) => begins.test(line))?.[1];
  return who === undefined ? '' : `, ${who}`;
}
