import { addCountRecords, type CountRecord } from '../../operate/metrics/counts.ts';
import type { Measures, WorkerMeasure } from '../../operate/metrics/measures.ts';
import type { Clock } from '../../world/ports/clock.ts';
import type { ChildSlot } from './child-slot.ts';
import { limits } from './limits.ts';

/** What a worker answered, or why it did not. */
export interface WorkerSaid {
  readonly worker: number;
  readonly ok: boolean;
  readonly result: unknown;
}

/** The answers of all workers, those that cannot answer with why. */
export function askWorkers(
  workers: readonly ChildSlot[],
  call: string,
  input: unknown,
): Promise<readonly WorkerSaid[]> {
  return Promise.all(
    workers.map((worker) =>
      worker.call(call, input).then(
        (result) => ({ worker: worker.index, ok: true, result }),
        (error: unknown) => ({
          worker: worker.index,
          ok: false,
          result: error instanceof Error ? error.message : String(error),
        }),
      ),
    ),
  );
}

/** What the service measures: one worker that hangs keeps nobody from seeing the others, and what it told last still counts. */
export async function measure(
  workers: readonly ChildSlot[],
  operator: ChildSlot,
  own: CountRecord,
  clock: Pick<Clock, 'after'>,
): Promise<Measures> {
  const seen = await Promise.all(
    workers.map(async (worker) => {
      const measured = await answerOf(worker, clock);
      if (measured !== undefined) worker.counts.heard(measured.counts);
      return measured;
    }),
  );
  const answers = seen.filter((one) => one !== undefined);
  return {
    counts: addCountRecords([own, operator.counts.sum(), ...workers.map(({ counts }) => counts.sum())]),
    workers: answers,
    silent: workers.length - answers.length,
  };
}

function answerOf(worker: ChildSlot, clock: Pick<Clock, 'after'>): Promise<WorkerMeasure | undefined> {
  return new Promise((resolve) => {
    const limit = clock.after(limits.measureMs, () => resolve(undefined));
    const end = (measured: WorkerMeasure | undefined): void => {
      limit.cancel();
      resolve(measured);
    };
    worker.call('measure', {}).then(
      (measured) => end(measured as WorkerMeasure),
      () => end(undefined), // it is down: its processes and parts say so
    );
  });
}
