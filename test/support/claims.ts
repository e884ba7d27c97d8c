import type { EnvelopeOptions, EnvelopeRecipient } from '../../src/mail/envelope.ts';
import type { EventName, Journal } from '../../src/events/journal.ts';
import type { Claim, Content } from '../../src/flow/queue/port.ts';

/** Content in memory; with `streamed` it is only to be had in chunks. */
export function memoryContent(
  bytes: Buffer | string,
  options: { readonly streamed?: boolean; readonly chunkBytes?: number } = {},
): Content {
  const whole = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  const step = options.chunkBytes ?? 64 * 1024;
  return {
    sizeBytes: whole.length,
    body: '7bit',
    eightBit: whole.some((octet) => octet > 127),
    whole: options.streamed === true ? undefined : whole,
    async *chunks() {
      for (let at = 0; at < whole.length; at += step) yield whole.subarray(at, at + step);
    },
  };
}

/** A claim as the queue would lease it. */
export function claimOf(
  recipients: readonly (string | EnvelopeRecipient)[],
  content: Content,
  more: Partial<Omit<Claim, 'envelope'>> & { readonly envelope?: Partial<EnvelopeOptions> } = {},
): Claim {
  return {
    queueId: '0-1',
    deliveryId: '1.0',
    nextHop: 'mx:y.test',
    class: 'normal',
    messageId: 'm@x.test',
    arrivedAtMs: 1_700_000_000_001,
    expiresAtMs: 1_800_000_000_000,
    attempts: 0,
    delayReported: false,
    content,
    ...more,
    envelope: { reversePath: { localPart: 's', domain: 'x.test' }, body: '7bit', smtpUtf8: false, ...more.envelope },
    recipients: recipients.map((recipient, index) => ({
      index,
      ...(typeof recipient === 'string' ? { mailbox: mailboxOf(recipient) } : recipient),
    })),
  };
}

function mailboxOf(text: string): { localPart: string; domain: string } {
  const at = text.lastIndexOf('@');
  return { localPart: text.slice(0, at), domain: text.slice(at + 1) };
}

/** A journal that keeps the names of what is emitted. */
export function memoryJournal(): Journal & { readonly names: EventName[] } {
  const names: EventName[] = [];
  return { names, emit: (name) => void names.push(name) };
}
