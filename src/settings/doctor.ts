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
  outsideResolver: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe(
      'A name server outside (address, or address:port) that is asked what others see of our domains: where the name service has an inner view, or an inner address may be published.',
    )
    .meta({ example: '9.9.9.9', reload: 'live' }),
  outsideProbe: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe(
      'A proxy of routing.proxies, or a gateway, from which our public port 25 is tried, and by which outsideResolver is asked. Without it nothing connects to us from outside.',
    )
    .meta({ reload: 'live' }),
});
export type DoctorSettings = z.infer<typeof doctorSettings>;
