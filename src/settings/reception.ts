import { z } from 'zod';
import { duration, size } from './units.ts';

const MINUTE = 60_000;

/** Limits and time-outs of incoming sessions. */
export const receptionSettings = z.strictObject({
  messageSizeMax: size({ min: 64 * 1024, max: 1024 ** 4 })
    .prefault('50MB')
    .describe('Largest message; announced as SIZE (RFC 1870).')
    .meta({ rfc: '1870 §4' }),
  recipientsMax: z
    .number()
    .int()
    .min(100)
    .max(10_000)
    .default(1000)
    .describe('Recipients of one transaction.')
    .meta({ rfc: '5321 §4.5.3.1.8' }),
  messagesPerSessionMax: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe('Messages in one session; announced as LIMITS MAILMAX.')
    .meta({ rfc: '9422 §4.1' }),
  connectionsMax: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(5000)
    .describe('Sessions at once, over all listeners and workers.'),
  connectionsPerAddressMax: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(200)
    .describe('Sessions at once from one address (an IPv6 /64 counts as one).'),
  errorsMax: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(20)
    .describe('Refused commands until the session is ended with 421.'),
  headerSizeMax: size({ min: 8 * 1024, max: 16 * 1024 ** 2 })
    .prefault('256KB')
    .describe('Largest header section.'),
  hopsMax: z
    .number()
    .int()
    .min(5)
    .max(1000)
    .default(100)
    .describe('Received fields until a message counts as looping.')
    .meta({ rfc: '5321 §6.3' }),
  bodyMemoryMax: size({ min: 4 * 1024 ** 2, max: 64 * 1024 ** 3 })
    .prefault('128MB')
    .describe('Memory for the bodies of all sessions of a worker together; more goes to disk as it arrives.')
    .meta({ reload: 'restart' }),
  bareLineEndings: z
    .enum(['refuse', 'normalise'])
    .default('refuse')
    .describe(
      'What to do with CR or LF alone: refuse the message, or turn them into CRLF. Neither ever ends a message.',
    )
    .meta({ rfc: '5321 §2.3.8' }),
  timeouts: z
    .strictObject({
      greeting: duration({ min: 1000, max: 60 * MINUTE })
        .prefault('5m')
        .describe('Waiting for the first command.')
        .meta({ rfc: '5321 §4.5.3.2.7' }),
      command: duration({ min: 1000, max: 60 * MINUTE })
        .prefault('5m')
        .describe('Waiting for the next command.')
        .meta({ rfc: '5321 §4.5.3.2.7' }),
      data: duration({ min: 1000, max: 60 * MINUTE })
        .prefault('5m')
        .describe('Waiting for the next octets of mail data.')
        .meta({ rfc: '5321 §4.5.3.2.5' }),
      session: duration({ min: MINUTE, max: 24 * 60 * MINUTE })
        .prefault('2h')
        .describe('A whole session.'),
    })
    .prefault({})
    .describe('How long a session may be silent.'),
});
export type ReceptionSettings = z.infer<typeof receptionSettings>;
