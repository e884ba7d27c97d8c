import type { z } from 'zod';
import type { ActionEnd, Stream } from '../control/server.ts';
import type { FailureKind } from '../control/frames.ts';
import type { OperatorContext, WorkerAnswer } from './context.ts';

/** One thing an operator may do; command line, API and console derive from it. */
export interface Action<I = unknown> {
  readonly name: string;
  /** What it does, in one sentence. */
  readonly summary: string;
  /** Whether it changes something: then it is written down as an event. */
  readonly changes: boolean;
  /** Why only the control socket may ask for it; without it the administrator API serves it, too. */
  readonly local?: string;
  readonly input: z.ZodType<I>;
  run(context: OperatorContext, input: I, stream: Stream): Promise<ActionEnd>;
}

/** Declares an action; the input of `run` has the type of the schema. */
export function defineAction<I>(action: Action<I>): Action {
  return action as unknown as Action;
}

/** The action was done. */
export const done = (result: unknown): ActionEnd => ({ ok: true, result });

/** The action was not done, and why in words. */
export const refused = (kind: FailureKind, message: string, details?: unknown): ActionEnd => ({
  ok: false,
  error: { kind, message, ...(details === undefined ? {} : { details }) },
});

/** Workers that did not answer, in words; so that a partial result is never taken for a whole one. */
export function silentWorkers(answers: readonly WorkerAnswer<unknown>[]): readonly string[] {
  return answers.flatMap((answer) => (answer.ok ? [] : [`worker ${answer.worker}: ${answer.why}`]));
}

/** The answers of the workers that answered. */
export function results<T>(answers: readonly WorkerAnswer<T>[]): readonly T[] {
  return answers.flatMap((answer) => (answer.ok ? [answer.result] : []));
}

/** The sum of numbers that the workers answered. */
export const sum = (answers: readonly WorkerAnswer<number>[]): number =>
  results(answers).reduce((total, one) => total + one, 0);
