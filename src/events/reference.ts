import { catalogue } from './catalogue/index.ts';
import type { EventRow } from './row.ts';

/** One event as reference pages, help and articles show it. */
export interface ReferenceEntry {
  readonly number: number;
  readonly name: string;
  readonly severity: string;
  readonly category: string;
  readonly title: string;
  /** The sentence with its fields in braces. */
  readonly text: string;
  readonly fields: readonly { readonly name: string; readonly kind: string }[];
  readonly level: 1 | 3 | 5;
  readonly rfc: readonly string[];
  /** What the operator can do, '' where nothing is asked of anybody. */
  readonly advice: string;
}

/** The whole catalogue by number: what every generated page is made from. */
export function eventReference(): ReferenceEntry[] {
  return Object.entries(catalogue)
    .map(([number, row]: [string, EventRow]) => ({
      number: Number(number),
      name: row.name,
      severity: row.severity,
      category: row.category,
      title: row.title,
      text: row.text,
      fields: Object.entries(row.data).map(([name, kind]) => ({ name, kind })),
      level: row.level ?? 1,
      rfc: row.rfc ?? [],
      advice: row.advice ?? '',
    }))
    .sort((a, b) => a.number - b.number);
}
