/**
 * SASL (RFC 4422) as pure machines for both sides: octets of responses and challenges in and out, without base64 and lines,
 * which are SMTP's (RFC 4954).
 */

/** What a login presents. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** What the server does next: challenge, or it has the credentials, or it refuses whatever they are, or the response breaks the mechanism's rules. */
export type ServerStep =
  | { readonly kind: 'challenge'; readonly challenge: string }
  | { readonly kind: 'credentials'; readonly credentials: Credentials }
  | { readonly kind: 'refused' }
  | { readonly kind: 'malformed' };

/** One login on the server's side. */
export interface SaslServer {
  /** Begins; with the initial response where the client sent one. */
  begin(initial: Buffer | undefined): ServerStep;
  respond(response: Buffer): ServerStep;
}

/** One login on the client's side. */
export interface SaslClient {
  /** The initial response; undefined where the mechanism has the server speak first. */
  readonly initial: string | undefined;
  /** The response to a challenge; undefined where the mechanism has nothing more to say, and the login is to be cancelled. */
  respond(challenge: string): string | undefined;
}
