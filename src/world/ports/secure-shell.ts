import type { ByteStream, Endpoint } from './network.ts';

/** How to reach an SSH server and who we are there. */
export interface ShellTerms {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** The text of a private key. */
  readonly privateKey: string;
  /** Fingerprints ('SHA256:...') of the keys that the server may show; with none no server is trusted. */
  readonly hostKeys: readonly string[];
  readonly connectTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  /** A server that leaves `keepAliveMax` questions, asked at this interval, unanswered is gone. */
  readonly keepAliveMs: number;
  readonly keepAliveMax: number;
}

/** Why there is no session. */
export type ShellFailure =
  | { readonly kind: 'unreachable'; readonly why: string }
  | { readonly kind: 'wrong-protocol'; readonly why: string }
  /** The fingerprint of the key that was shown, and its type. */
  | { readonly kind: 'host-key'; readonly shown: string; readonly type: string }
  | { readonly kind: 'key-refused'; readonly why: string }
  | { readonly kind: 'key-unusable'; readonly why: string };

/** A connection that somebody made to a port that is bound for us at the server. */
export interface ShellConnection {
  /** As it was asked for, not as the kernel there sees it. */
  readonly boundAddress: string;
  readonly boundPort: number;
  /** Who connected, as the server says. */
  readonly origin: Endpoint;
  /** Takes it; the stream shows the ends that are given. */
  accept(ends: { readonly local: Endpoint; readonly peer: Endpoint; readonly client: Endpoint }): ByteStream;
  refuse(): void;
}

/**
 * Why the server did not connect: by rule, for want of something of its own, or because the far host did not answer as wanted.
 * 'unexplained': at once and without a reason, for want of something or because there is no way to that host.
 */
export type ShellOpenFailure = Error & {
  readonly refusal: 'prohibited' | 'exhausted' | 'unexplained' | 'not-connected' | 'lost';
  readonly code: string;
};

/** A session at an SSH server. */
export interface ShellSession {
  /** The server's address. */
  readonly address: string;
  /** What it says it is: 'OpenSSH_9.2p1 Debian-2'. */
  readonly software: string;
  /** Binds a port there (RFC 4254 §7.1), 0 for any; rejects where the server does not. */
  bind(address: string, port: number): Promise<number>;
  unbind(address: string, port: number): Promise<void>;
  /** Connects from there (RFC 4254 §7.2); rejects with a `ShellOpenFailure`. */
  open(host: string, port: number, timeoutMs: number): Promise<ByteStream>;
  /** Runs a command there. Rejects where that is not allowed. */
  run(command: string, timeoutMs: number): Promise<{ readonly code: number | undefined; readonly output: string }>;
  /** Who takes connections to bound ports; called once. */
  onConnection(take: (connection: ShellConnection) => void): void;
  /** Called once, when the session is over, however it ended, with how many connections were cut by that. */
  onEnd(ended: (why: string, cut: number) => void): void;
  /** Connections through it that are open. */
  readonly channels: number;
  close(): void;
}

/** A client of SSH (RFC 4251 and following). */
export interface SecureShell {
  /** The public half of a private key, as a line of authorized_keys has it; undefined where the text is no key. */
  publicKey(privateKey: string): Promise<string | undefined>;
  /** Never rejects. */
  connect(terms: ShellTerms): Promise<{ readonly kind: 'connected'; readonly session: ShellSession } | ShellFailure>;
}
