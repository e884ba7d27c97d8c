import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import type { EventName, Journal } from '../../events/journal.ts';
import { dequeueSettings } from '../../settings/dequeue.ts';
import type { ProgramEnd } from '../../world/ports/process.ts';
import { createDequeue } from './dequeue.ts';
import { DIALOGUE_LINES_MAX, PROGRAM_OUTPUT_SHOWN_MAX } from './limits.ts';
import type { Dequeue, DequeueState } from './port.ts';

const PROGRAM = { command: 'none', before: { command: ['/bin/dial'] } } as const;

interface Stage {
  readonly dequeue: Dequeue;
  readonly clock: ManualClock;
  readonly states: DequeueState[];
  readonly told: EventName[];
  readonly gone: string[];
  ran: number;
  end: ProgramEnd;
  taking: boolean;
}

function stage(worker = 0, workers = 1): Stage {
  const clock = new ManualClock();
  const told: EventName[] = [];
  const journal = { emit: (name: EventName) => void told.push(name), wants: () => true } as unknown as Journal;
  const states: DequeueState[] = [];
  const gone: string[] = [];
  const made: Stage = {
    clock,
    states,
    told,
    gone,
    ran: 0,
    taking: true,
    end: { code: 0, signal: undefined, timedOut: false, output: 'well' },
    dequeue: createDequeue({
      clock,
      journal,
      worker,
      workers,
      programs: {
        run: async () => {
          made.ran += 1;
          return made.end;
        },
      },
      rooms: () => assert.fail('no host is asked'),
      takes: () => made.taking,
      changed: (state) => void states.push(state),
      gone: (name) => void gone.push(name),
    }),
  };
  return made;
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

test('each entry is run by one worker alone', () => {
  const settings = dequeueSettings.parse({ a: PROGRAM, b: PROGRAM, c: PROGRAM });
  const owners = [0, 1].map((worker) => {
    const { dequeue } = stage(worker, 2);
    dequeue.use(settings);
    return dequeue.states().map(({ name }) => name);
  });
  assert.deepEqual(owners, [['a', 'c'], ['b']]);
});

test('entries that a configuration leaves as they are go on, others begin anew', () => {
  const { dequeue, gone } = stage();
  dequeue.use(dequeueSettings.parse({ a: PROGRAM, b: PROGRAM }));
  const before = dequeue.states();
  dequeue.use(dequeueSettings.parse({ a: PROGRAM, c: PROGRAM }));
  assert.deepEqual(gone, ['b']);
  assert.deepEqual(dequeue.states()[0], before[0]);
  assert.equal(dequeue.start('b'), false);
});

test('a run that fails is made again sooner than the schedule says, and told of once', async () => {
  const made = stage();
  made.end = { code: 1, signal: undefined, timedOut: false, output: 'x'.repeat(PROGRAM_OUTPUT_SHOWN_MAX * 2) };
  made.dequeue.use(dequeueSettings.parse({ a: { ...PROGRAM, every: '1h' } }));
  for (const [wait, runs] of [
    [2_000, 1],
    [60_000, 2],
    [60_000, 2],
    [60_000, 3],
  ] as const) {
    made.clock.advance(wait);
    await settle();
    assert.equal(made.ran, runs);
  }
  assert.deepEqual(made.told, ['dequeue.program-failed']);
  made.end = { code: 0, signal: undefined, timedOut: false, output: '' };
  made.dequeue.start('a');
  await settle();
  assert.deepEqual(made.told, ['dequeue.program-failed', 'dequeue.program-ended', 'dequeue.works-again']);
  made.clock.advance(3_599_000);
  await settle();
  assert.equal(made.ran, 4);
  made.clock.advance(1_001);
  await settle();
  assert.equal(made.ran, 5);
});

test('nothing is begun once it is closed, and a dialogue is kept up to its bound', async () => {
  const made = stage();
  made.dequeue.use(dequeueSettings.parse({ a: { ...PROGRAM, every: '1s' } }));
  made.clock.advance(1_000);
  await settle();
  assert.ok((made.dequeue.progress('a', 0)?.lines.length ?? 0) <= DIALOGUE_LINES_MAX);
  assert.equal(made.dequeue.progress('a', 2)?.lines.length, 0);
  made.dequeue.close();
  made.clock.advance(10_000);
  await settle();
  assert.equal(made.ran, 1);
});

test('while mail is refused by order nothing is fetched, on schedule or by hand; what was owed runs once it is taken again', async () => {
  const made = stage();
  made.taking = false;
  made.dequeue.use(dequeueSettings.parse({ a: { ...PROGRAM, every: '1h' }, b: { ...PROGRAM, every: '1d' } }));
  for (let hour = 0; hour < 3; hour += 1) {
    made.clock.advance(3_600_000);
    await settle();
  }
  made.dequeue.start('a');
  await settle();
  assert.equal(made.ran, 0);
  assert.deepEqual(made.told, []);
  assert.match(made.dequeue.states()[0]?.last?.result ?? '', /^not asked: mail is refused by order/);
  made.taking = true;
  made.dequeue.goOn();
  await settle();
  assert.equal(made.ran, 2);
  made.dequeue.goOn();
  await settle();
  assert.equal(made.ran, 2, 'nothing is owed any more');
  made.clock.advance(3_600_000);
  await settle();
  assert.equal(made.ran, 3);
});
