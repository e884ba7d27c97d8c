import { z } from 'zod';
import { defineAction, done, results } from './action.ts';

/** Lets whoever may use the control socket recognise our listeners from outside. */
export const introduce = defineAction({
  name: 'listeners.introduce',
  summary: 'Announces a word that the listeners answer for some seconds, so that they can be told from others.',
  changes: false,
  local: 'it is half of a proof that only whoever is on this host can make',
  input: z.strictObject({ word: z.string().regex(/^[0-9a-f]{32}$/), key: z.string().regex(/^[0-9a-f]{64}$/) }),
  async run({ workers }, { word, key }) {
    const answers = await workers.call('listeners.expect', { word, key });
    return done({ workers: results(answers).length, of: answers.length });
  },
});
