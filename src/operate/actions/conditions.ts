import { z } from 'zod';
import { defineAction, done } from './action.ts';

/** What the service holds for not well. */
export const conditions = defineAction({
  name: 'conditions',
  summary: 'Lists what the service found not well when it examined itself, since when, and the cure.',
  changes: false,
  input: z.strictObject({}),
  run: async (context) => done({ conditions: context.conditions() }),
});
