import { z } from 'zod';
import { carriedEnvelope } from '../carry/envelope-file.ts';
import { defineAction, done, refused, results, silentWorkers } from './action.ts';

/** One step of a walk that the command line leads. */
const PIECE = 'it is one step of `ims queue export` or `import`, whose files are on this host';

const queueId = z.string().min(1).max(64);

/** The envelope of a message that waits, for an export. */
export const queueEnvelope = defineAction({
  name: 'queue.envelope',
  summary: 'Answers the whole envelope of a message that waits, with its clocks.',
  changes: false,
  local: PIECE,
  input: z.strictObject({ queueId }),
  async run({ workers }, input) {
    const answers = await workers.call('queue.envelope', input);
    const found = results(answers).find((one) => one !== null);
    if (found !== undefined) return done(found);
    const silent = silentWorkers(answers);
    if (silent.length > 0) return refused('unavailable', silent.join('; '));
    return refused('not-found', `the queue has no message ${input.queueId} that is not in work`);
  },
});

/** A part of a message's content, for an export. */
export const queuePart = defineAction({
  name: 'queue.part',
  summary: 'Answers the content of a message from an offset.',
  changes: false,
  local: PIECE,
  input: z.strictObject({ queueId, offset: z.number().int().min(0) }),
  async run({ workers }, input) {
    const found = results(await workers.call('queue.content', input)).find((one) => one !== null);
    return found === undefined ? refused('not-found', `the queue has no message ${input.queueId}`) : done(found);
  },
});

/** Takes one exported message into the queue. */
export const queueTake = defineAction({
  name: 'queue.take',
  summary: 'Takes a message whose content lies in the folder incoming of the data directory into the queue.',
  changes: true,
  local: PIECE,
  input: z.strictObject({ name: z.string().regex(/^[A-Za-z0-9-]{1,80}\.eml$/), carried: carriedEnvelope }),
  async run({ workers, settings }, { name, carried }) {
    const path = `${settings().server.data}/incoming/${name}`;
    const answers = await workers.call('queue.take', { worker: 0, path, carried });
    const taken = results(answers).find((one) => one !== null);
    if (taken === undefined) return refused('unavailable', silentWorkers(answers).join('; ') || 'no worker took it');
    return taken.ok ? done({ queueId: taken.queueId }) : refused('refused', taken.why);
  },
});
