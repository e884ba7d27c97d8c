import type { RecordData, RecordType } from '../../world/ports/resolver.ts';
import { aliasesMax, negativeTtlMax, recordsMax, ttlMax } from './limits.ts';
import type { Response } from './message.ts';

/** What a response says about a name and type, CNAMEs followed as far as it carries them. */
export type Finding<T extends RecordType> =
  | {
      readonly kind: 'records';
      readonly records: readonly RecordData[T][];
      readonly canonicalName: string;
      readonly ttlSeconds: number;
    }
  | { readonly kind: 'no-such-name'; readonly ttlSeconds: number }
  | { readonly kind: 'no-data'; readonly canonicalName: string; readonly ttlSeconds: number }
  /** The response ends at an alias whose target it does not describe: ask about the target. */
  | { readonly kind: 'follow'; readonly target: string; readonly aliases: number; readonly ttlSeconds: number }
  | { readonly kind: 'too-many-aliases' };

/**
 * Reads the meaning of a NOERROR or NXDOMAIN response. `aliases` is the number of CNAMEs already followed.
 * NXDOMAIN speaks of the last name of the chain (RFC 2308 §2.1); without an SOA record a negative answer is not kept (RFC 2308 §5).
 */
export function readAnswer<T extends RecordType>(response: Response, name: string, type: T, aliases = 0): Finding<T> {
  let ttl = ttlMax;
  let current = name;
  let followed = aliases;
  for (;;) {
    const records = recordsOf(response, current, type);
    if (records.length > 0) {
      for (const record of records) ttl = Math.min(ttl, record.ttlSeconds);
      return {
        kind: 'records',
        records: records.map((record) => record.data),
        canonicalName: current,
        ttlSeconds: ttl,
      };
    }
    const alias = response.answers.find((record) => record.type === 'CNAME' && record.name === current);
    if (alias?.type !== 'CNAME') break;
    followed += 1;
    if (followed > aliasesMax) return { kind: 'too-many-aliases' };
    ttl = Math.min(ttl, alias.ttlSeconds);
    current = alias.data;
  }
  const negativeTtl = Math.min(ttl, response.negativeTtlSeconds ?? 0, negativeTtlMax);
  if (response.rcode === 3) return { kind: 'no-such-name', ttlSeconds: negativeTtl };
  if (followed > aliases && response.negativeTtlSeconds === undefined)
    return { kind: 'follow', target: current, aliases: followed, ttlSeconds: ttl };
  return { kind: 'no-data', canonicalName: current, ttlSeconds: negativeTtl };
}

function recordsOf<T extends RecordType>(
  response: Response,
  name: string,
  type: T,
): { readonly data: RecordData[T]; readonly ttlSeconds: number }[] {
  const out: { readonly data: RecordData[T]; readonly ttlSeconds: number }[] = [];
  for (const record of response.answers) {
    if (record.type === type && record.name === name && out.length < recordsMax) {
      // The union of records is keyed by type: equal types have equal data, which the compiler cannot see.
      out.push(record as unknown as { readonly data: RecordData[T]; readonly ttlSeconds: number });
    }
  }
  return out;
}
