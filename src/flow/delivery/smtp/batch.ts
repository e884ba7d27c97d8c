import type { EnvelopeRecipient } from '../../../mail/envelope.ts';

/** The bounds of one transaction. */
export interface BatchBounds {
  readonly recipientsMax: number;
  /** Different domains among the recipients (RFC 9422 §4.3); undefined where the peer states no limit. */
  readonly domainsMax: number | undefined;
}

/** The first recipients that fit into one transaction, in their order; at least one. */
export function firstBatch<T extends Pick<EnvelopeRecipient, 'mailbox'>>(
  pending: readonly T[],
  bounds: BatchBounds,
): readonly T[] {
  const { recipientsMax, domainsMax } = bounds;
  const most = Math.min(pending.length, recipientsMax);
  if (domainsMax === undefined) return most === pending.length ? pending : pending.slice(0, most);
  const domains = new Set<string>();
  let count = 0;
  for (; count < most; count++) {
    domains.add(pending[count]?.mailbox.domain ?? '');
    if (domains.size > domainsMax) break;
  }
  return count === pending.length ? pending : pending.slice(0, Math.max(count, 1));
}
