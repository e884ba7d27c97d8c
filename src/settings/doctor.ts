import { z } from 'zod';
import { duration } from './units.ts';

const DAY = 86_400_000;

/** How often the service examines itself. */
export const doctorSettings = z.strictObject({
  every: duration({ min: 10_000, max: DAY })
    .prefault('5m')
    .describe('How often the service looks whether all is well with this host and itself.')
    .meta({ reload: 'live' }),
  networkEvery: duration({ min: 30_000, max: DAY })
    .prefault('15m')
    .describe('The same for looks that ask others: name servers, smart hosts, its own listeners.')
    .meta({ reload: 'live' }),
});
export type DoctorSettings = z.infer<typeof doctorSettings>;
