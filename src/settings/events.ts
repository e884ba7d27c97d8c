import { z } from 'zod';
import { duration, size } from './units.ts';

const DAY = 86_400_000;

/** What is written down, and for how long. */
export const eventsSettings = z.strictObject({
  levels: z
    .record(z.string(), z.enum(['none', 'minimum', 'medium', 'maximum']))
    .default({})
    .describe('Logging level by category; default minimum. Errors and warnings are always written.')
    .meta({ reload: 'live' }),
  retention: duration({ min: DAY, max: 3650 * DAY })
    .prefault('30d')
    .describe('Age at which events and timelines are dropped.')
    .meta({ reload: 'restart' }),
  sizeMax: size({ min: 16 * 1024 ** 2, max: 1024 ** 4 })
    .prefault('2GB')
    .describe('Space for events and timelines of one worker; the oldest go first.')
    .meta({ reload: 'restart' }),
  format: z
    .enum(['auto', 'json', 'text'])
    .default('auto')
    .describe('auto: text on a terminal, else one JSON object a line.')
    .meta({ reload: 'restart' }),
});
export type EventsSettings = z.infer<typeof eventsSettings>;
