/**
 * From the recipients that a transaction accepted to the deliveries of a message: addresses of aliases take the place
 * of the alias (RFC 5321 §3.9.1), nobody gets two copies, and those with the same next hop stay together.
 */
import type { EnvelopeRecipient, Notify } from '../../mail/envelope.ts';
import type { Mailbox } from '../../mail/mailbox.ts';
import { domainKey, needsSmtpUtf8, printMailbox } from '../../mail/mailbox.ts';
import type { NextHop } from '../../mail/next-hop.ts';
import type { NewDelivery } from '../queue/port.ts';
import { recipientsPerDeliveryMax } from './limits.ts';

/** A recipient that policy accepted, with the final addresses that it stands for. */
export interface AcceptedRecipient {
  readonly recipient: EnvelopeRecipient;
  readonly targets: readonly Mailbox[];
}

/** The recipients to deliver to, and those whose success the sender hears of now because they became several addresses. */
export interface Expansion {
  readonly recipients: readonly EnvelopeRecipient[];
  /** Recipients with NOTIFY=SUCCESS that were expanded: a DSN with the action 'expanded' is owed (RFC 3461 §5.2.7.3). */
  readonly expanded: readonly EnvelopeRecipient[];
}

const keyOf = (mailbox: Mailbox): string => `${mailbox.localPart}@${domainKey(mailbox.domain)}`;

/** ORCPT for a recipient that came without one, so that later reports name the address the sender wrote (RFC 3461 §5.2.7.1). */
function originalOf(recipient: EnvelopeRecipient): string {
  if (recipient.original !== undefined) return recipient.original;
  return `${needsSmtpUtf8(recipient.mailbox) ? 'utf-8' : 'rfc822'};${printMailbox(recipient.mailbox)}`;
}

function withNotify(mailbox: Mailbox, notify: Notify | undefined, original: string): EnvelopeRecipient {
  return notify === undefined ? { mailbox, original } : { mailbox, notify, original };
}

/** The recipients that one accepted recipient turns into. */
function targetsOf(accepted: AcceptedRecipient): readonly EnvelopeRecipient[] {
  const { recipient, targets } = accepted;
  const only = targets.length === 1 ? targets[0] : undefined;
  if (
    only !== undefined &&
    only.domain === recipient.mailbox.domain &&
    only.localPart === recipient.mailbox.localPart
  ) {
    return [recipient];
  }
  const original = originalOf(recipient);
  if (only !== undefined) return [withNotify(only, recipient.notify, original)];
  // Success is reported once, as 'expanded'; the members report failures and delays only.
  const notify = recipient.notify?.filter((condition) => condition !== 'success');
  const kept = notify?.length === 0 && recipient.notify?.length !== 0 ? ([] as const) : notify;
  return targets.map((target) => withNotify(target, kept, original));
}

/** One recipient asked for in two ways: whoever wanted to hear more is heard. */
function merged(first: EnvelopeRecipient, second: EnvelopeRecipient): EnvelopeRecipient {
  const standard: Notify = ['failure', 'delay'];
  if (first.notify === undefined && second.notify === undefined) return first;
  const notify = [...new Set([...(first.notify ?? standard), ...(second.notify ?? standard)])];
  return { ...first, notify };
}

/** Expands aliases and removes doubles, keeping the order. */
export function expand(accepted: readonly AcceptedRecipient[]): Expansion {
  const first = accepted[0];
  if (accepted.length === 1 && first !== undefined && first.targets.length === 1) {
    return { recipients: targetsOf(first), expanded: [] };
  }
  const byKey = new Map<string, EnvelopeRecipient>();
  const expanded: EnvelopeRecipient[] = [];
  for (const one of accepted) {
    if (one.targets.length > 1 && one.recipient.notify?.includes('success') === true) expanded.push(one.recipient);
    for (const recipient of targetsOf(one)) {
      const key = keyOf(recipient.mailbox);
      const known = byKey.get(key);
      byKey.set(key, known === undefined ? recipient : merged(known, recipient));
    }
  }
  return { recipients: [...byKey.values()], expanded };
}

/** Groups recipients by next hop, and large groups into deliveries of at most 100. */
export function groupByNextHop(
  recipients: readonly EnvelopeRecipient[],
  nextHopOf: (mailbox: Mailbox) => NextHop,
): readonly NewDelivery[] {
  const first = recipients[0];
  if (recipients.length === 1 && first !== undefined) return [{ nextHop: nextHopOf(first.mailbox), recipients }];
  const groups = new Map<NextHop, EnvelopeRecipient[]>();
  for (const recipient of recipients) {
    const nextHop = nextHopOf(recipient.mailbox);
    const group = groups.get(nextHop);
    if (group === undefined) groups.set(nextHop, [recipient]);
    else group.push(recipient);
  }
  const deliveries: NewDelivery[] = [];
  for (const [nextHop, group] of groups) {
    for (let start = 0; start < group.length; start += recipientsPerDeliveryMax) {
      deliveries.push({ nextHop, recipients: group.slice(start, start + recipientsPerDeliveryMax) });
    }
  }
  return deliveries;
}
