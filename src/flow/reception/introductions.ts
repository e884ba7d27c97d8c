/**
 * How this service recognises itself. Who may use the control socket announces a word and a key; for some seconds a session that hears the
 * word as the argument of NOOP answers with a digest that only a holder of the key can make, and that names its listener. Nobody else
 * learns anything: a word that was not announced is answered as ever.
 */
import { createHmac } from 'node:crypto';
import type { Clock } from '../../world/ports/clock.ts';
import { introductionMs, introductionsMax } from './limits.ts';

/** The words that are announced now. */
export interface Introductions {
  expect(word: string, key: string): void;
  /** How a session of the listener answers; undefined while no word is announced. */
  of(listener: string): ((word: string) => string | undefined) | undefined;
}

/** The answer of a listener to a word. */
export function introductionAnswer(key: string, word: string, listener: string): string {
  return createHmac('sha256', key).update(`${word}\n${listener}`).digest('hex').slice(0, 32);
}

/** Keeps what was announced. */
export function createIntroductions(clock: Pick<Clock, 'now'>): Introductions {
  const announced = new Map<string, { readonly key: string; readonly untilMs: number }>();
  return {
    expect(word, key) {
      const now = clock.now();
      for (const [other, { untilMs }] of announced) if (untilMs <= now) announced.delete(other);
      const oldest = announced.keys().next();
      if (announced.size >= introductionsMax && oldest.done !== true) announced.delete(oldest.value);
      announced.set(word, { key, untilMs: now + introductionMs });
    },
    of(listener) {
      if (announced.size === 0) return undefined;
      return (word) => {
        const found = announced.get(word);
        return found === undefined || found.untilMs <= clock.now()
          ? undefined
          : introductionAnswer(found.key, word, listener);
      };
    },
  };
}
