import { z } from 'zod';
import type { DequeueProgress } from '../../flow/dequeue/port.ts';
import { defineAction, done, refused, results, silentWorkers } from './action.ts';
import type { OperatorContext } from './context.ts';

/** How often a run that is watched is asked after, and how many times at the most: an hour. */
const LOOK_MS = 100;
const LOOKS_MAX = 36_000;

/** Lists the hosts that hold mail for us. */
export const dequeueList = defineAction({
  name: 'dequeue.list',
  summary: 'Lists the hosts that hold mail for us: how they are asked, when next, and what came of the last time.',
  changes: false,
  input: z.strictObject({}),
  async run({ workers, settings }) {
    const answers = await workers.call('dequeue.list', {});
    const entries = results(answers)
      .flat()
      .sort((one, other) => one.name.localeCompare(other.name));
    const configured = Object.keys(settings().dequeue).length;
    return done({ entries, configured, missing: silentWorkers(answers) });
  },
});

async function progressOf(
  { workers }: OperatorContext,
  name: string,
  fromLine: number,
): Promise<DequeueProgress | undefined> {
  const answers = results(await workers.call('dequeue.progress', { name, fromLine }));
  return answers.find((answer) => answer !== null) ?? undefined;
}

/** Runs one entry now. */
export const dequeueNow = defineAction({
  name: 'dequeue.now',
  summary: 'Asks a host for the mail that it holds for us, at once; shows the dialogue as it goes.',
  changes: true,
  input: z.strictObject({ name: z.string().min(1).max(64) }),
  async run(context, { name }, stream) {
    const { workers, clock, journal, settings } = context;
    const started = await workers.call('dequeue.start', { name });
    if (!results(started).includes(true)) {
      const known = Object.keys(settings().dequeue).join(', ') || 'none';
      const silent = silentWorkers(started);
      return silent.length > 0
        ? refused('unavailable', silent.join('; '))
        : refused('not-found', `there is no entry '${name}' in dequeue; there are: ${known}`);
    }
    journal.emit('control.action-done', { action: 'dequeue.now', summary: name });
    let gone = false;
    stream.onGone(() => {
      gone = true;
    });
    let shown = 0;
    for (let looks = 0; looks < LOOKS_MAX && !gone; looks += 1) {
      const progress = await progressOf(context, name, shown);
      if (progress === undefined) return refused('failed', 'the entry went away with a new configuration');
      for (const line of progress.lines) stream.item({ line });
      shown += progress.lines.length;
      if (!progress.running && progress.run !== undefined) return done(progress.run);
      await new Promise<void>((resolve) => void clock.after(LOOK_MS, resolve));
    }
    return done({ atMs: clock.wall(), tookMs: 0, outcome: 'running', result: 'it goes on by itself' });
  },
});
