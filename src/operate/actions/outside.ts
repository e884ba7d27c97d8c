import { z } from 'zod';
import { defineAction, done, refused, results, silentWorkers } from './action.ts';

/** What is looked at by a proxy or a gateway, as hosts outside see it. */
export type OutsideLook = { readonly way: string } & (
  | { readonly what: 'greeting'; readonly host: string; readonly port: number; readonly word: string }
  | { readonly what: 'addresses'; readonly server: string; readonly name: string; readonly type: 'A' | 'AAAA' | 'MX' }
);

/** What was seen. */
export type OutsideAnswer =
  | { readonly kind: 'greeting'; readonly banner: string; readonly answer: string }
  | { readonly kind: 'closed'; readonly why: string }
  | {
      readonly kind: 'addresses';
      readonly records: readonly (string | { readonly preference: number; readonly exchange: string })[];
    }
  | { readonly kind: 'no-answer'; readonly why: string }
  /** The proxy or gateway is at fault: nothing was seen. */
  | { readonly kind: 'way-failed'; readonly why: string };

const way = z.string().min(1).max(64);
const name = z.string().min(1).max(253);

/** Looks at this service from outside. */
export const outsideLook = defineAction({
  name: 'outside.look',
  summary: 'Connects by a proxy or gateway, or asks a name server by it, to see what hosts outside see.',
  changes: false,
  local: 'it connects to any host and port that it is told',
  input: z.discriminatedUnion('what', [
    z.strictObject({
      what: z.literal('greeting'),
      way,
      host: name,
      port: z.number().int().min(1).max(65535),
      word: z.string().regex(/^[0-9a-f]{32}$/),
    }),
    z.strictObject({
      what: z.literal('addresses'),
      way,
      server: z.string().min(1).max(64),
      name,
      type: z.enum(['A', 'AAAA', 'MX']),
    }),
  ]),
  async run({ workers }, look) {
    const answers = await workers.call('outside.look', look);
    // One that could not use the way says less than one that could.
    const seen = results(answers);
    const first = seen.find(({ kind }) => kind !== 'way-failed') ?? seen[0];
    return first === undefined ? refused('unavailable', silentWorkers(answers).join('; ')) : done(first);
  },
});
