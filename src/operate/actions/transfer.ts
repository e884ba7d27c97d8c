import { z } from 'zod';
import { LONGEST_MS } from '../transfer/limits.ts';
import { REASON_MAX, transferModes, transferWords } from '../transfer/state.ts';
import { defineAction, done, results } from './action.ts';
import { addCounts } from './service.ts';

/** Shows the transfer mode. */
export const transferShow = defineAction({
  name: 'transfer.show',
  summary: 'Shows whether mail is taken and sent, since when, and how many messages wait.',
  changes: false,
  input: z.strictObject({}),
  async run({ transfer, workers, clock }) {
    const { state } = transfer;
    const { messages } = addCounts(results(await workers.call('queue.counts', {})));
    return done({ ...state, meaning: transferWords[state.mode], waiting: messages, nowMs: clock.wall(), missing: [] });
  },
});

/** Orders a transfer mode. */
export const transferOrder = defineAction({
  name: 'transfer.order',
  summary: 'Orders whether mail is taken and sent: both, in, out or none; kept over restarts.',
  changes: true,
  input: z.strictObject({
    mode: z.enum(transferModes),
    forMs: z.number().int().min(1000).max(LONGEST_MS).optional(),
    reason: z
      .string()
      .max(REASON_MAX)
      .regex(/^\P{Cc}*$/u, 'one line of text')
      .default(''),
  }),
  async run({ transfer, workers, clock, journal }, { mode, forMs, reason }) {
    const { state, missing } = await transfer.order(mode, forMs, reason);
    journal.emit('control.action-done', { action: 'transfer.order', summary: `transfer mode ${mode}` });
    const { messages } = addCounts(results(await workers.call('queue.counts', {})));
    return done({ ...state, meaning: transferWords[state.mode], waiting: messages, nowMs: clock.wall(), missing });
  },
});
