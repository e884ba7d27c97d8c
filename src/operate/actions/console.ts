import { z } from 'zod';
import { defineAction, done } from './action.ts';

/** Tells whoever may use the control socket how to come to the console. */
export const consoleShow = defineAction({
  name: 'console.show',
  summary: 'Says where the console and the administrator API are, and answers with the token to log in.',
  changes: false,
  local: 'it tells the token',
  input: z.strictObject({}),
  run: async (context) => done(context.console()),
});
