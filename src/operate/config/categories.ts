import type { Category } from '../../events/row.ts';

const all: Readonly<Record<Category, true>> = {
  'life-cycle': true,
  configuration: true,
  'smtp-session': true,
  'smtp-dialogue': true,
  policy: true,
  queue: true,
  scheduling: true,
  routing: true,
  delivery: true,
  reporting: true,
  names: true,
  transport: true,
  storage: true,
  administration: true,
};

/** The logging categories; a category that is added to events/row.ts must be added above. */
export const categories = Object.keys(all) as readonly Category[];

/** The logging levels, lowest first. */
export const levels = ['none', 'minimum', 'medium', 'maximum'] as const;
export type Level = (typeof levels)[number];
