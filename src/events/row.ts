import type { FieldKind } from './field.ts';

/** The severities; the first digit of an event's number says which (1xxx and 2xxx information, 3xxx warning, 4xxx error). */
export type Severity = 'information' | 'warning' | 'error';

/** The logging categories whose level an operator may change at run time. */
export type Category =
  | 'life-cycle'
  | 'configuration'
  | 'smtp-session'
  | 'smtp-dialogue'
  | 'policy'
  | 'queue'
  | 'scheduling'
  | 'routing'
  | 'delivery'
  | 'reporting'
  | 'names'
  | 'transport'
  | 'storage'
  | 'administration';

/** One declared event. */
export interface EventRow {
  /** `room.what-happened`, in the past tense. Never changes. */
  readonly name: string;
  readonly severity: Severity;
  readonly category: Category;
  /** What happened, in one sentence without data. */
  readonly title: string;
  /** The sentence with its data: `{field}` is replaced by the printed field. */
  readonly text: string;
  readonly data: Readonly<Record<string, FieldKind>>;
  readonly rfc?: readonly string[];
  /** What the operator can do now, in one sentence; absent where nothing is asked of anybody. */
  readonly advice?: string;
  /** Level from which an information event is written: 1 always, 3 medium, 5 maximum. Default 1. */
  readonly level?: 1 | 3 | 5;
}

/** A room's events by number. */
export type CatalogueSection = Readonly<Record<number, EventRow>>;
