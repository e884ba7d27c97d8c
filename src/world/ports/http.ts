import type { ListenHandle } from './network.ts';

/** What somebody asked over HTTP/1.1. */
export interface HttpRequest {
  readonly method: string;
  /** The target as it came; it begins with '/'. */
  readonly target: string;
  /** A field's value by its name in small letters; of several the first, and all of a `cookie`. */
  readonly fields: Readonly<Record<string, string | undefined>>;
  readonly content: Buffer;
}

/** What is answered; Content-Length, Date and Connection are added. */
export interface HttpResponse {
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  readonly content: string;
}

/** Bounds of what is taken from a network. */
export interface HttpLimits {
  readonly connectionsMax: number;
  readonly requestsPerConnectionMax: number;
  /** Octets and number of a request's header fields. */
  readonly headerBytesMax: number;
  readonly fieldsMax: number;
  readonly contentBytesMax: number;
  /** Until the header fields are there, and until the whole request is. */
  readonly headerMs: number;
  readonly requestMs: number;
  /** A connection on which nothing moves for so long ends. */
  readonly idleMs: number;
  /** Between requests. */
  readonly keptMs: number;
}

/** Something that answers requests. */
export interface HttpServing {
  /** Ends it, with all connections. */
  close(): Promise<void>;
}

/** HTTP/1.1 over bound sockets. What is malformed or beyond the limits is refused here and never reaches `answer`. */
export interface Http {
  serve(
    handle: ListenHandle,
    limits: HttpLimits,
    answer: (request: HttpRequest) => Promise<HttpResponse>,
  ): Promise<HttpServing>;
}
