import type { Failure } from '../control/frames.ts';
import type { ConsoleParts } from './index.ts';
import type { Examinations } from './examinations.ts';
import type { Piece } from './html.ts';

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

/** Runs an action for a page: its result, or its failure as it is. */
export async function asking<T>(
  { parts }: Pick<Asked, 'parts'>,
  action: string,
  input: unknown,
  show: (result: T) => Shown,
): Promise<Shown | NotShown> {
  const end = await parts.run(action, input);
  return end.ok ? show(end.result as T) : { failure: end.error };
}

/** What somebody typed into a field of a page; undefined where it is empty. */
export function typed(query: URLSearchParams, name: string): string | undefined {
  const text = query.get(name)?.trim() ?? '';
  return text === '' ? undefined : text;
}

/** A number of a page's address; the other one where it is none. */
export function counted(query: URLSearchParams, name: string, otherwise: number): number {
  const text = query.get(name) ?? '';
  return /^\d{1,6}$/.test(text) ? Number(text) : otherwise;
}
