import { z } from 'zod';
import type { QueueFilter, QueueRow } from '../../flow/queue/port.ts';
import { parseQueueId } from '../../mail/queue-id.ts';
import { defineAction, done, refused, results, silentWorkers, sum } from './action.ts';
import type { OperatorContext } from './context.ts';
import { AFTER_MAX, OFFSET_MAX, PAGE_MAX } from './limits.ts';
import { queueFilter } from './queue-filter.ts';

/** One page of the queue. */
export interface QueuePage {
  readonly rows: readonly QueueRow[];
  /** How many deliveries the filter matches in all. */
  readonly total: number;
  readonly offset: number;
  /** Workers that did not answer: the page is then not the whole truth. */
  readonly missing: readonly string[];
}

/** What a list says of the message that it is to go on after, in each shard. */
const after = z.array(z.string().min(1).max(64)).max(AFTER_MAX);

const byArrival = (a: QueueRow, b: QueueRow): number =>
  a.arrivedAtMs - b.arrivedAtMs || (a.deliveryId < b.deliveryId ? -1 : 1);

/**
 * A page of the queue over all workers, oldest arrival first. With `filter.after` it is the next rows of each worker, `most` of them
 * each: a walk through all of the queue goes on after the last message of each shard, whatever comes and goes meanwhile.
 */
export async function queuePage(
  { workers }: Pick<OperatorContext, 'workers'>,
  filter: QueueFilter,
  offset: number,
  most: number,
): Promise<QueuePage> {
  const [lists, counts] = await Promise.all([
    workers.call('queue.list', { filter, most: offset + most, envelopes: true }),
    workers.call('queue.count', { filter }),
  ]);
  const all = results(lists).flat();
  const rows = filter.after === undefined ? all.sort(byArrival).slice(offset, offset + most) : all;
  return { rows, total: sum(counts), offset, missing: silentWorkers(lists) };
}

/** Lists deliveries. */
export const queueList = defineAction({
  name: 'queue.list',
  summary: 'Lists deliveries that wait in the queue, oldest first.',
  changes: false,
  input: z.strictObject({
    filter: queueFilter.prefault({}),
    offset: z.number().int().min(0).max(OFFSET_MAX).default(0),
    most: z.number().int().min(1).max(PAGE_MAX).default(50),
    after: after.optional(),
  }),
  run: async (context, { filter, offset, most, after }) =>
    done(await queuePage(context, after === undefined ? filter : { ...filter, after }, offset, most)),
});

/** Shows one message of the queue. */
export const queueShow = defineAction({
  name: 'queue.show',
  summary:
    'Shows one message of the queue: its deliveries, their recipients and last replies, and its content if asked.',
  changes: false,
  input: z.strictObject({
    queueId: z.string().min(1).max(64),
    content: z.enum(['none', 'header', 'whole']).default('none'),
  }),
  async run(context, { queueId, content }) {
    if (parseQueueId(queueId) === undefined)
      return refused('usage', `'${queueId}' is not a queue-id; it looks like 0-3k9f2a`);
    const page = await queuePage(context, { queueId }, 0, PAGE_MAX);
    if (page.rows.length === 0) {
      const rest = page.missing.length > 0 ? ` (no answer from ${page.missing.join(', ')})` : '';
      return refused(
        'not-found',
        `the queue has no message ${queueId}${rest}; \`ims trace ${queueId}\` shows what became of it`,
      );
    }
    if (content === 'none') return done({ ...page });
    const found = results(await context.workers.call('queue.content', { queueId })).find((one) => one !== null);
    const text = found?.text ?? '';
    const end = text.indexOf('\r\n\r\n');
    return done({
      ...page,
      sizeBytes: found?.sizeBytes ?? 0,
      content: content === 'header' && end !== -1 ? text.slice(0, end + 2) : text,
    });
  },
});
