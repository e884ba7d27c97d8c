import { z } from 'zod';
import type { QueueFilter } from '../../flow/queue/port.ts';
import { defineAction, done, refused, silentWorkers, sum, type Action } from './action.ts';
import type { OperatorContext, WorkerAnswer } from './context.ts';
import { PREVIEW_ROWS } from './limits.ts';
import { queueFilter } from './queue-filter.ts';
import { queuePage } from './queue-look.ts';

/** What a change of the queue did, or would do. */
export interface QueueChange {
  /** Deliveries that the filter matches. */
  readonly matches: number;
  /** Deliveries that were changed; 0 for a preview. */
  readonly changed: number;
  readonly preview: boolean;
  /** The first of them, for a preview. */
  readonly rows: readonly unknown[];
  readonly missing: readonly string[];
}

type Verb = 'hold' | 'release' | 'retry' | 'remove' | 'bounce' | 'reroute';

interface Declared {
  readonly verb: Verb;
  readonly summary: string;
  /** Whether it cannot be taken back, so that it is done only when confirmed. */
  readonly final: boolean;
}

const input = z.strictObject({
  filter: queueFilter.prefault({}),
  /** Must be given where the filter is empty. */
  all: z.boolean().default(false),
  preview: z.boolean().default(false),
  confirmed: z.boolean().default(false),
  /** The reason told to senders by a bounce. */
  text: z.string().min(1).max(500).default('returned by the administrator'),
});

function change(
  { workers }: OperatorContext,
  verb: Verb,
  filter: QueueFilter,
  text: string,
): Promise<readonly WorkerAnswer<number>[]> {
  if (verb === 'bounce') return workers.call('queue.bounce', { filter, text });
  return workers.call(`queue.${verb}`, { filter });
}

function queueChange({ verb, summary, final }: Declared): Action {
  return defineAction({
    name: `queue.${verb}`,
    summary,
    changes: true,
    input,
    async run(context, { filter, all, preview, confirmed, text }) {
      if (Object.keys(filter).length === 0 && !all)
        return refused('usage', `nothing says which mail to ${verb}; give a queue-id or a filter, or --all`);
      if (preview || (final && !confirmed)) {
        const page = await queuePage(context, filter, 0, PREVIEW_ROWS);
        const seen: QueueChange = {
          matches: page.total,
          changed: 0,
          preview: true,
          rows: page.rows,
          missing: page.missing,
        };
        if (preview || page.total === 0) return done(seen);
        return refused(
          'needs-confirmation',
          `${page.total} deliveries would be ${PAST[verb]}, which cannot be taken back; add --yes to do it`,
          seen,
        );
      }
      const matches = sum(await context.workers.call('queue.count', { filter }));
      const answers = await change(context, verb, filter, text);
      const changed = sum(answers);
      context.journal.emit('control.action-done', {
        action: `queue.${verb}`,
        summary: `${changed} deliveries ${PAST[verb]}, filter ${JSON.stringify(filter)}`,
      });
      return done({
        matches,
        changed,
        preview: false,
        rows: [],
        missing: silentWorkers(answers),
      } satisfies QueueChange);
    },
  });
}

const PAST: Readonly<Record<Verb, string>> = {
  hold: 'held',
  release: 'released',
  retry: 'made due now',
  remove: 'removed without a word to the sender',
  bounce: 'returned to their senders',
  reroute: 'routed anew',
};

/** The operator's changes of the queue. */
export const queueChanges: readonly Action[] = [
  queueChange({
    verb: 'hold',
    summary: 'Keeps deliveries from being attempted until they are released.',
    final: false,
  }),
  queueChange({
    verb: 'release',
    summary: 'Lets held and quarantined deliveries go; their attempt is due at once.',
    final: false,
  }),
  queueChange({ verb: 'retry', summary: 'Makes waiting deliveries due at once.', final: false }),
  queueChange({
    verb: 'reroute',
    summary: 'Decides the next hop of deliveries anew, by the configuration in force.',
    final: false,
  }),
  queueChange({ verb: 'remove', summary: 'Removes deliveries. The senders are not told.', final: true }),
  queueChange({ verb: 'bounce', summary: 'Returns deliveries to their senders now.', final: true }),
];

/** Starts the delivery of mail held for a domain, as ETRN does (RFC 1985). */
export const flushDomain = defineAction({
  name: 'queue.flush',
  summary: 'Starts the delivery of mail that is held for a domain, as the command ETRN does.',
  changes: true,
  input: z.strictObject({ domain: z.string().min(1).max(255) }),
  async run(context, { domain }) {
    const answers = await context.workers.call('queue.flush', { domain: domain.toLowerCase() });
    const changed = sum(answers);
    context.journal.emit('control.action-done', {
      action: 'queue.flush',
      summary: `${changed} deliveries held for ${domain} were released`,
    });
    return done({
      matches: changed,
      changed,
      preview: false,
      rows: [],
      missing: silentWorkers(answers),
    } satisfies QueueChange);
  },
});
