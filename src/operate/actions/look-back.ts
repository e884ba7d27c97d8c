import { z } from 'zod';
import { parseQueueId } from '../../mail/queue-id.ts';
import { categories } from '../config/index.ts';
import type { Category } from '../../events/row.ts';
import { defineAction, done, refused } from './action.ts';
import type { EventFilter, TimelineQuestion } from './context.ts';
import { EVENTS_MAX, TRACES_MAX } from './limits.ts';

/** What a person means by the thing to trace: a queue-id, a Message-ID (with or without brackets), or an address. */
export function traceQuestions(what: string): readonly TimelineQuestion[] {
  if (parseQueueId(what) !== undefined) return [{ queueId: what }];
  const bracketed = /^<(.*)>$/.exec(what);
  const inner = bracketed?.[1] ?? what;
  return bracketed !== null ? [{ messageId: inner }, { address: inner }] : [{ address: inner }, { messageId: inner }];
}

/** Shows the life of messages. */
export const trace = defineAction({
  name: 'trace',
  summary: 'Shows what happened to a message: received, queued, each attempt with its reply, the end.',
  changes: false,
  input: z.strictObject({
    what: z.string().min(1).max(1000),
    most: z.number().int().min(1).max(TRACES_MAX).default(10),
  }),
  async run({ timelines }, { what, most }) {
    for (const question of traceQuestions(what)) {
      const found = await timelines.find(question, most);
      if (found.length > 0) return done({ question, messages: found });
    }
    return refused(
      'not-found',
      `nothing is known of '${what}'; a queue-id, a Message-ID or an address can be traced, as long as events are kept (events.retention)`,
    );
  },
});

const filterInput = z.strictObject({
  numbers: z.array(z.number().int().min(1000).max(4999)).max(100).optional(),
  severity: z.enum(['information', 'warning', 'error']).optional(),
  category: z.enum(categories as [Category, ...Category[]]).optional(),
  sinceMs: z.number().optional(),
  contains: z.string().max(200).optional(),
  most: z.number().int().min(0).max(EVENTS_MAX).default(50),
  follow: z.boolean().default(false),
});

/** Lists events, and follows them. */
export const eventsList = defineAction({
  name: 'events',
  summary: 'Lists the newest events, by number, severity, category or text; can go on with those that come.',
  changes: false,
  input: filterInput,
  async run({ events }, { most, follow, ...given }, stream) {
    const filter = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as EventFilter;
    if (!follow) return done({ events: await events.list(filter, most) });
    let dropped = 0;
    return await new Promise((resolve, reject) => {
      const end = events.follow(filter, (record) => {
        if (!stream.item(record)) dropped += 1;
      });
      stream.onGone(() => {
        end();
        resolve(done({ dropped }));
      });
      if (most === 0) return;
      events.list(filter, most).then((records) => {
        for (const record of records) stream.item(record);
      }, reject);
    });
  },
});
