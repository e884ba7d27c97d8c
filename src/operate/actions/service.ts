import { z } from 'zod';
import type { QueueCounts } from '../../flow/queue/port.ts';
import type { Mailbox } from '../../mail/mailbox.ts';
import { categories, levels, redact } from '../config/index.ts';
import { splitAddress } from '../config/addresses.ts';
import { printMovement } from '../movement/history.ts';
import { joinTransports } from './transports.ts';
import { defineAction, done, refused, results, silentWorkers } from './action.ts';

const nothing = z.strictObject({});

/** Totals of several workers. */
export function addCounts(counts: readonly QueueCounts[]): QueueCounts {
  const oldest = counts.flatMap((one) => one.oldestArrivalMs ?? []);
  const total = (key: 'messages' | 'deliveries' | 'held' | 'quarantined' | 'claimed' | 'bytes' | 'nextHops'): number =>
    counts.reduce((sum, one) => sum + one[key], 0);
  return {
    messages: total('messages'),
    deliveries: total('deliveries'),
    held: total('held'),
    quarantined: total('quarantined'),
    claimed: total('claimed'),
    bytes: total('bytes'),
    nextHops: total('nextHops'),
    oldestArrivalMs: oldest.length === 0 ? undefined : Math.min(...oldest),
  };
}

/** Shows the service as a whole. */
export const status = defineAction({
  name: 'status',
  summary: 'Shows how the service is: the verdict, every part, what the checks found, what listens where, the queue.',
  changes: false,
  input: nothing,
  async run({ supervisor, workers, clock, settings, conditions, movement, transfer }) {
    const [service, counts, moved, measures] = await Promise.all([
      supervisor.status(),
      workers.call('queue.counts', {}),
      movement(),
      supervisor.measures(),
    ]);
    const { server, domains } = settings();
    const upMs = clock.wall() - service.startedAtMs;
    return done({
      name: server.name,
      domains: Object.keys(domains),
      ...service,
      nowMs: clock.wall(),
      upMs,
      conditions: conditions(),
      transports: joinTransports(measures.workers.map(({ transports }) => transports)),
      queue: addCounts(results(counts)),
      movement: { ...moved, text: printMovement(moved) ?? '' },
      transfer: transfer.state,
      missing: silentWorkers(counts),
    });
  },
});

/** Applies the configuration file. */
export const reload = defineAction({
  name: 'reload',
  summary: 'Applies the configuration file: whole, or not at all.',
  changes: true,
  input: nothing,
  async run({ supervisor, journal }) {
    const end = await supervisor.reload();
    switch (end.kind) {
      case 'applied':
        journal.emit('control.action-done', {
          action: 'reload',
          summary: `configuration ${end.generation}, ${end.changes.length} changes`,
        });
        return done(end);
      case 'refused':
        return refused('refused', 'the configuration was not applied; the one before stays in force', {
          problems: end.problems,
        });
      case 'unconfirmed':
        return refused('failed', `the configuration was not applied: ${end.why}`);
    }
  },
});

/** Stops the service. */
export const stop = defineAction({
  name: 'stop',
  summary: 'Stops the service cleanly: sessions end after their message, attempts are waited for.',
  changes: true,
  input: nothing,
  async run({ supervisor, journal }) {
    journal.emit('control.action-done', { action: 'stop', summary: 'the service stops' });
    await supervisor.stop();
    return done({ stopping: true });
  },
});

/** Shows the configuration in force. */
export const configurationInForce = defineAction({
  name: 'config.show',
  summary: 'Shows the configuration in force, with all defaults, without passwords.',
  changes: false,
  input: nothing,
  run: async ({ settings }) => done(redact(settings())),
});

/** Shows or sets logging levels. */
export const loggingLevels = defineAction({
  name: 'levels',
  summary: 'Shows the logging levels, or sets some until the next reload.',
  changes: true,
  input: z.strictObject({
    set: z.partialRecord(z.enum(categories as [string, ...string[]]), z.enum(levels)).optional(),
  }),
  async run({ supervisor, journal }, { set }) {
    if (set !== undefined && Object.keys(set).length > 0) {
      await supervisor.setLevels(set);
      journal.emit('control.action-done', { action: 'levels', summary: JSON.stringify(set) });
    }
    const now = await supervisor.levels();
    return done(Object.fromEntries(categories.map((category) => [category, now[category] ?? 'minimum'])));
  },
});

function mailboxOf(text: string): Mailbox | undefined {
  const parts = splitAddress(text);
  return parts === undefined ? undefined : { localPart: parts.local, domain: parts.domain.toLowerCase() };
}

/** Explains where mail would go. */
export const routeExplain = defineAction({
  name: 'route.explain',
  summary: 'Says where mail to an address would go now, and why.',
  changes: false,
  input: z.strictObject({ recipient: z.string().min(1).max(320), sender: z.string().max(320).optional() }),
  async run({ workers }, { recipient, sender }) {
    const to = mailboxOf(recipient);
    const from = sender === undefined || sender === '' ? null : mailboxOf(sender);
    if (to === undefined) return refused('usage', `'${recipient}' is not an address`);
    if (from === undefined) return refused('usage', `'${sender ?? ''}' is not an address`);
    const answers = await workers.call('route.explain', { recipient: to, sender: from });
    const first = results(answers)[0];
    return first === undefined
      ? refused('unavailable', `no worker answered: ${silentWorkers(answers).join('; ')}`)
      : done(first);
  },
});
