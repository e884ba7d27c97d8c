import { z } from 'zod';
import { printMovement } from '../movement/history.ts';
import { defineAction, done } from './action.ts';

/** How the queue moves: the rates of the last hour, and where they lead. */
export const queueMovement = defineAction({
  name: 'queue.movement',
  summary: 'Says how much came into the queue and left it over the last hour, and where that leads at this rate.',
  changes: false,
  input: z.strictObject({}),
  async run({ movement }) {
    const seen = await movement();
    return done({ ...seen, text: printMovement(seen) ?? '' });
  },
});
