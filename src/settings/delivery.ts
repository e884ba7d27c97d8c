import { z } from 'zod';
import { duration } from './units.ts';

const MINUTE = 60_000;

/** Attempts and their time-outs (RFC 5321 §4.5.3.2). */
export const deliverySettings = z.strictObject({
  attemptsMax: z
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(200)
    .describe('Attempts at once, over all next hops of a worker.'),
  maildir: z
    .string()
    .min(1)
    .max(1024)
    .default('mail/{domain}/{mailbox}')
    .describe(
      'Maildir of a mailbox without a delivery of its own; relative to the data directory. {domain} and {mailbox} stand for the two halves of its address.',
    ),
  timeouts: z
    .strictObject({
      connect: duration({ min: 1000, max: 10 * MINUTE })
        .prefault('30s')
        .describe('Waiting for a connection to be made.'),
      greeting: duration({ min: 1000, max: 30 * MINUTE })
        .prefault('5m')
        .describe('Waiting for the greeting of the other side.')
        .meta({ rfc: '5321 §4.5.3.2.1' }),
      mail: duration({ min: 1000, max: 30 * MINUTE })
        .prefault('5m')
        .describe('Waiting for the reply to MAIL, and to EHLO, AUTH and STARTTLS.')
        .meta({ rfc: '5321 §4.5.3.2.2' }),
      recipient: duration({ min: 1000, max: 30 * MINUTE })
        .prefault('5m')
        .describe('Waiting for the reply to RCPT.')
        .meta({ rfc: '5321 §4.5.3.2.3' }),
      dataStart: duration({ min: 1000, max: 30 * MINUTE })
        .prefault('2m')
        .describe('Waiting for the 354 after DATA.')
        .meta({ rfc: '5321 §4.5.3.2.4' }),
      dataBlock: duration({ min: 1000, max: 30 * MINUTE })
        .prefault('3m')
        .describe('Waiting for the other side to take the next octets of mail data.')
        .meta({ rfc: '5321 §4.5.3.2.5' }),
      dataEnd: duration({ min: 1000, max: 60 * MINUTE })
        .prefault('10m')
        .describe('Waiting for the reply to the end of mail data. A short one causes duplicates.')
        .meta({ rfc: '5321 §4.5.3.2.6' }),
      idle: duration({ min: 100, max: MINUTE })
        .prefault('2s')
        .describe('How long a connection is kept for the next message.'),
    })
    .prefault({})
    .describe('How long each step of an attempt may take.'),
});
export type DeliverySettings = z.infer<typeof deliverySettings>;
