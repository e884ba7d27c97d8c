import type { Random } from '../ports/random.ts';

/** Chance that repeats itself: the same seed gives the same numbers on every machine (xoshiro128**, seeded by splitmix32). */
export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number) {
    let state = seed | 0;
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      return (mixed ^ (mixed >>> 15)) >>> 0;
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next() | 1;
  }

  /** Uniform over 32 bits. */
  word(): number {
    const scrambled = Math.imul(rotated(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotated(this.#d, 11);
    return scrambled;
  }

  fraction(): number {
    return this.word() / 0x1_0000_0000;
  }

  bytes(count: number): Buffer {
    const out = Buffer.allocUnsafe(count);
    for (let at = 0; at < count; at += 1) out[at] = this.word() >>> 24;
    return out;
  }

  /** Uniform in [0, below). */
  integer(below: number): number {
    return Math.floor(this.fraction() * below);
  }

  /** Uniform in [from, to). */
  between(from: number, to: number): number {
    return from + this.fraction() * (to - from);
  }

  chance(probability: number): boolean {
    return probability > 0 && this.fraction() < probability;
  }

  pick<T>(list: readonly [T, ...T[]]): T {
    return list[this.integer(list.length)] ?? list[0];
  }

  /** A stream of its own, so that one part that draws more does not change what another part draws. */
  fork(): SeededRandom {
    return new SeededRandom(this.word());
  }
}

function rotated(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
