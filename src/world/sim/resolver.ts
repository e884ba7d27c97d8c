import type { Answer, RecordData, RecordType, Resolver } from '../ports/resolver.ts';
import { Zone } from './zone.ts';

/** A name service whose answers come from a text, with failures that can be set. */
export interface ZoneResolver extends Resolver {
  /** Replaces all names. */
  load(text: string): void;
  /** From now on every question fails with this reason; undefined ends it. */
  fail(reason: string | undefined): void;
  /** The questions asked so far, as 'example.com MX', oldest first; the last 10,000. */
  readonly asked: readonly string[];
}

const ASKED_MAX = 10_000;
const NEGATIVE_TTL = 60;

/** Makes a resolver from the text of a zone (see `Zone`). A name that is silent fails at once: simulated time does not pass here. */
export function zoneResolver(text: string): ZoneResolver {
  let zone = new Zone(text);
  let failing: string | undefined;
  const asked: string[] = [];
  return {
    asked,
    load(next) {
      zone = new Zone(next);
    },
    fail(reason) {
      failing = reason;
    },
    async query<T extends RecordType>(name: string, type: T): Promise<Answer<T>> {
      asked.push(`${name} ${type}`);
      if (asked.length > ASKED_MAX) asked.shift();
      if (failing !== undefined) return { kind: 'failure', reason: failing };
      return answerOf(zone, name, type);
    },
  };
}

function answerOf<T extends RecordType>(zone: Zone, name: string, type: T): Answer<T> {
  const found = zone.look(name, type);
  if (found.kind === 'fault')
    return {
      kind: 'failure',
      reason:
        found.fault === 'SILENT' ? 'no answer from the simulated server' : `${found.fault} from the simulated server`,
    };
  const last = found.aliases.at(-1);
  const canonicalName = last?.type === 'CNAME' ? last.data : name.replace(/\.$/, '').toLowerCase();
  if (found.kind === 'no-such-name') return { kind: 'no-such-name', authenticated: false, ttlSeconds: NEGATIVE_TTL };
  if (found.kind === 'no-data')
    return { kind: 'no-data', canonicalName, authenticated: false, ttlSeconds: NEGATIVE_TTL };
  const ttlSeconds = Math.min(...[...found.aliases, ...found.records].map((record) => record.ttlSeconds));
  // The records were looked up by this type, so their data is of this type.
  const records = found.records.map((record) => record.data as RecordData[T]);
  return { kind: 'records', records, canonicalName, ttlSeconds, authenticated: false };
}
