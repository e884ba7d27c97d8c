import { z } from 'zod';
import { size } from './units.ts';

/** The durable queue. */
export const queueSettings = z.strictObject({
  spaceFloor: size({ min: 1024 ** 2, max: 1024 ** 4 })
    .prefault('256MB')
    .describe('Free space below which mail is refused with 452 4.3.1 (event 3018).')
    .meta({ reload: 'restart' }),
  spaceResume: size({ min: 1024 ** 2, max: 1024 ** 4 })
    .prefault('384MB')
    .describe('Free space from which mail is accepted again (event 3019).')
    .meta({ reload: 'restart' }),
  freshCache: size({ min: 0, max: 1024 ** 3 })
    .prefault('32MB')
    .describe('Memory for content that is delivered straight after acceptance.')
    .meta({ reload: 'restart' }),
  messagesMax: z
    .number()
    .int()
    .min(1000)
    .max(100_000_000)
    .default(10_000_000)
    .describe("Deliveries in a worker's queue above which mail is refused with 452 4.3.1.")
    .meta({ reload: 'restart' }),
});
export type QueueSettings = z.infer<typeof queueSettings>;
