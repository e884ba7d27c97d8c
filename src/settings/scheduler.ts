import { z } from 'zod';
import { duration } from './units.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

/** The retry curve of one class. */
export const retryCurve = z.strictObject({
  first: duration({ min: 1000, max: DAY }).prefault('5m').describe('Wait after the first failed attempt.'),
  factor: z.number().min(1).max(10).default(2).describe('Each further wait is so many times longer.'),
  longest: duration({ min: 1000, max: 7 * DAY })
    .prefault('4h')
    .describe('No wait is longer.'),
  expiry: duration({ min: MINUTE, max: 30 * DAY })
    .prefault('5d')
    .describe('Age at which undelivered mail is returned.')
    .meta({ rfc: '5321 §4.5.4.1' }),
  delayNotice: duration({ min: MINUTE, max: 30 * DAY })
    .prefault('4h')
    .describe('Age at which the sender is told of the delay, once.'),
});

/** When attempts are made. */
export const schedulerSettings = z.strictObject({
  jitter: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.1)
    .describe('Each wait varies by this share, so that mail does not come back in waves.'),
  urgent: retryCurve
    .prefault({ first: '1m', longest: '1h', expiry: '1d', delayNotice: '1h' })
    .describe('The retry curve of urgent mail.'),
  normal: retryCurve.prefault({}).describe('The retry curve of normal mail.'),
  bulk: retryCurve.prefault({ first: '15m' }).describe('The retry curve of bulk mail.'),
  breaker: z
    .strictObject({
      failures: z
        .number()
        .int()
        .min(1)
        .max(1000)
        .default(3)
        .describe('Attempts in a row that do not reach a next hop until it rests.'),
      rest: duration({ min: 1000, max: DAY })
        .prefault('1m')
        .describe('First rest; doubled while it stays unreachable.'),
      longest: duration({ min: 1000, max: DAY }).prefault('30m').describe('No rest is longer.'),
    })
    .prefault({})
    .describe('A next hop that cannot be reached rests, so that its mail holds up nobody.'),
});
export type RetryCurve = z.infer<typeof retryCurve>;
export type SchedulerSettings = z.infer<typeof schedulerSettings>;
