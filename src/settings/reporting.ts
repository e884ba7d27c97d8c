import { z } from 'zod';
import { size } from './units.ts';

/** Reports to senders and to the postmaster. */
export const reportingSettings = z.strictObject({
  returnedSizeMax: size({ min: 0, max: 1024 ** 3 })
    .prefault('100KB')
    .describe('A message up to this size is returned whole in a failure report, a larger one by its header only.'),
  postmaster: z
    .string()
    .optional()
    .describe('Mailbox of the postmaster; default: postmaster of the first domain.')
    .meta({ example: 'alice@example.com' }),
  copyToPostmaster: z
    .array(z.enum(['failed', 'delayed', 'looped', 'policy']))
    .default([])
    .describe('Classes of reports of which the postmaster gets a notice (header only).'),
});
export type ReportingSettings = z.infer<typeof reportingSettings>;
