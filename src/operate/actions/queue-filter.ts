import { z } from 'zod';
import type { QueueFilter } from '../../flow/queue/port.ts';

const text = z.string().min(1).max(1000);

/** Which deliveries; all given parts must hold. */
export const queueFilter = z
  .strictObject({
    queueId: text.optional(),
    nextHop: text.optional(),
    domain: text.optional(),
    sender: z.string().max(1000).optional(),
    recipient: text.optional(),
    messageId: text.optional(),
    held: z.boolean().optional(),
    olderThanMs: z.number().int().min(0).optional(),
  })
  .transform(
    (given) => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as QueueFilter,
  );
