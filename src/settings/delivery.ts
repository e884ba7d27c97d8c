import { z } from 'zod';
import { duration } from './units.ts';

const MINUTE = 60_000;

/** Attempts and their time-outs (RFC 5321 §4.5.3.2). */
export const deliverySettings = z.strictObject({
  attemptsMax: z.number().int().min(1).max(10_000).default(200).describe('Attempts at once, over all next hops of a worker.'),
  maildir: z.string().default('mail/{domain}/{mailbox}').describe('Maildir of a mailbox without a delivery of its own; relative to the data directory.'),
  timeouts: z
    .strictObject({
      connect: duration({ min: 1000, max: 10 * MINUTE }).prefault('30s'),
      greeting: duration({ min: 1000, max: 30 * MINUTE }).prefault('5m').meta({ rfc: '5321 §4.5.3.2.1' }),
      mail: duration({ min: 1000, max: 30 * MINUTE }).prefault('5m').meta({ rfc: '5321 §4.5.3.2.2' }),
      recipient: duration({ min: 1000, max: 30 * MINUTE }).prefault('5m').meta({ rfc: '5321 §4.5.3.2.3' }),
      dataStart: duration({ min: 1000, max: 30 * MINUTE }).prefault('2m').meta({ rfc: '5321 §4.5.3.2.4' }),
      dataBlock: duration({ min: 1000, max: 30 * MINUTE }).prefault('3m').meta({ rfc: '5321 §4.5.3.2.5' }),
      dataEnd: duration({ min: 1000, max: 60 * MINUTE }).prefault('10m').meta({ rfc: '5321 §4.5.3.2.6' }),
      idle: duration({ min: 100, max: MINUTE }).prefault('2s').describe('How long a connection is kept for the next message.'),
    })
    .prefault({}),
});
export type DeliverySettings = z.infer<typeof deliverySettings>;
