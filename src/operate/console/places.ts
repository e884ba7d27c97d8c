/** The pages of the console by their paths, and what its forms do. */
import type { StatusResult } from '../actions/things.ts';
import type { Failure } from '../control/frames.ts';
import type { ConsoleParts } from './index.ts';
import type { Examinations } from './examinations.ts';
import type { Piece } from './html.ts';
import { overview } from './overview.ts';

/** Who asks for what. */
export interface Asked {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly parts: ConsoleParts;
  readonly examinations: Examinations;
  readonly formToken: string;
}

/** What a page shows. */
export interface Shown {
  readonly title: string;
  readonly content: Piece;
  readonly status?: number;
  /** The place in the navigation. */
  readonly at?: string;
  readonly refreshSeconds?: number;
}

/** A page that needs an action that was not done. */
export interface NotShown {
  readonly failure: Failure;
}

interface Place {
  /** The place in the navigation. */
  readonly at: string;
  readonly pattern: RegExp;
  /** Makes it; `word` is what stands in the path. */
  show(asked: Asked, word: string): Promise<Shown | NotShown>;
}

interface Change {
  readonly pattern: RegExp;
  /** Does it, and says which page comes then. */
  change(asked: Asked, form: URLSearchParams, words: readonly string[]): Promise<{ readonly to: string } | NotShown>;
}

/** Runs an action for a page: its result, or its failure as it is. */
export async function asking<T>(
  { parts }: Asked,
  action: string,
  input: unknown,
  show: (result: T) => Shown,
): Promise<Shown | NotShown> {
  const end = await parts.run(action, input);
  return end.ok ? show(end.result as T) : { failure: end.error };
}

/** The pages. */
export const places: readonly Place[] = [
  {
    at: '/',
    pattern: /^\/$/,
    show: (asked) =>
      asking<StatusResult>(asked, 'status', {}, (status) => ({ title: 'Overview', content: overview(status) })),
  },
];

/** The forms. */
export const changes: readonly Change[] = [];
