/** A message outside of a queue: its octets in NAME.eml, what SMTP carries beside them in NAME.envelope.json. */
import { z } from 'zod';
import type { EnvelopeOptions, EnvelopeRecipient } from '../../mail/envelope.ts';
import type { SchedulingClass } from '../../mail/next-hop.ts';

/** The version of the envelope's file. */
const ENVELOPE_FORMAT = 1;
export const CONTENT_SUFFIX = '.eml';
export const ENVELOPE_SUFFIX = '.envelope.json';
/** An envelope whose message is being taken in, and one whose message was. */
export const TAKING_SUFFIX = '.envelope.taking.json';
export const TAKEN_SUFFIX = '.envelope.taken.json';
/** Octets of an envelope's file, and messages of one folder. */
export const ENVELOPE_BYTES_MAX = 8 * 1024 ** 2;
export const MESSAGES_MAX = 1_000_000;
const RECIPIENTS_MAX = 100_000;

const mailbox = z.object({ localPart: z.string().min(1).max(256), domain: z.string().max(255) });

/** The envelope of a message that waited: the recipients that were still to get it, and its clocks. */
export interface CarriedEnvelope {
  readonly envelope: EnvelopeOptions;
  readonly recipients: readonly EnvelopeRecipient[];
  readonly class: SchedulingClass;
  readonly messageId: string;
  readonly arrivedAtMs: number;
  readonly expiresAtMs: number;
  readonly eightBit: boolean;
  readonly sizeBytes: number;
}

const carried = z.object({
  envelope: z.object({
    reversePath: mailbox.nullable(),
    body: z.enum(['7bit', '8bitmime', 'binarymime']),
    smtpUtf8: z.boolean(),
    returned: z.enum(['full', 'headers']).optional(),
    envelopeId: z.string().max(1000).optional(),
  }),
  recipients: z
    .array(
      z.object({
        mailbox,
        notify: z.array(z.enum(['success', 'failure', 'delay'])).optional(),
        original: z.string().max(1000).optional(),
      }),
    )
    .min(1)
    .max(RECIPIENTS_MAX),
  class: z.enum(['urgent', 'normal', 'bulk']),
  messageId: z.string().max(1000),
  arrivedAtMs: z.number(),
  expiresAtMs: z.number(),
  eightBit: z.boolean(),
  sizeBytes: z.number().int().min(0),
});

/** Reads one that came as JSON, where no key is there without a value: the types differ in that alone. */
export const carriedEnvelope = carried as unknown as z.ZodType<CarriedEnvelope>;

const file = carried.extend({
  format: z.literal(ENVELOPE_FORMAT),
  queueId: z.string(),
  /** For people: where it was to go, and what the other side said. */
  waitedFor: z.array(z.object({ nextHop: z.string(), reason: z.string() })),
});
/** What the file holds. */
export interface EnvelopeFile extends CarriedEnvelope {
  readonly format: number;
  readonly queueId: string;
  readonly waitedFor: readonly { readonly nextHop: string; readonly reason: string }[];
}

/** Prints it. */
export function printEnvelope(envelope: Omit<EnvelopeFile, 'format'>): string {
  return `${JSON.stringify({ format: ENVELOPE_FORMAT, ...envelope }, undefined, 1)}\n`;
}

/** Reads it, or says why not. */
export function parseEnvelope(text: string): EnvelopeFile | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'it is not JSON';
  }
  const { format } = (value ?? {}) as { readonly format?: unknown };
  if (typeof format === 'number' && format > ENVELOPE_FORMAT)
    return `it has format ${format}, and this version knows ${ENVELOPE_FORMAT}`;
  const read = file.safeParse(value);
  if (read.success) return read.data as EnvelopeFile;
  const [issue] = read.error.issues;
  return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'it is damaged'}`;
}
