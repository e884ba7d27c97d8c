/** The record types that the service asks for. */
export type RecordType = 'A' | 'AAAA' | 'MX' | 'TXT' | 'CNAME' | 'PTR' | 'TLSA' | 'NS' | 'SOA';

/** The data of one record by its type. Names are in lower case without the final dot; the root is ''. */
export interface RecordData {
  readonly A: string;
  readonly AAAA: string;
  readonly MX: { readonly preference: number; readonly exchange: string };
  readonly TXT: readonly Buffer[];
  readonly CNAME: string;
  readonly PTR: string;
  readonly TLSA: {
    readonly usage: number;
    readonly selector: number;
    readonly matching: number;
    readonly data: Buffer;
  };
  readonly NS: string;
  readonly SOA: { readonly primary: string; readonly minimum: number };
}

/** What the name service said. Only `no-such-name` and `no-data` are definite negatives; `failure` means ask again later. */
export type Answer<T extends RecordType> =
  | {
      readonly kind: 'records';
      readonly records: readonly RecordData[T][];
      /** The name after CNAMEs (RFC 5321 §5.1). */
      readonly canonicalName: string;
      readonly ttlSeconds: number;
      /** The AD bit from a resolver that may be trusted with it. */
      readonly authenticated: boolean;
    }
  | { readonly kind: 'no-such-name'; readonly authenticated: boolean; readonly ttlSeconds: number }
  | {
      readonly kind: 'no-data';
      readonly canonicalName: string;
      readonly authenticated: boolean;
      readonly ttlSeconds: number;
    }
  /** `reason` is for people: 'SERVFAIL from 192.0.2.53', 'no answer from 192.0.2.53 in 5 s', 'CNAME chain longer than 16'. */
  | { readonly kind: 'failure'; readonly reason: string };

/** The name service. Never rejects: a failure is an answer. */
export interface Resolver {
  query<T extends RecordType>(name: string, type: T): Promise<Answer<T>>;
}
