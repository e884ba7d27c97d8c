import { nearest } from '../nearest.ts';
import { wrong, type Rule } from './rule.ts';
import { categories } from '../categories.ts';

/** Logging levels are set for categories that exist. */
export const levelCategories: Rule = ({ events }) =>
  Object.keys(events.levels).flatMap((name) => {
    if (categories.some((category) => category === name)) return [];
    const near = nearest(name, categories);
    return [
      wrong(['events', 'levels', name], 'is not a category of events', {
        at: 'key',
        ...(near === undefined ? { allowed: categories.join(', ') } : { nearest: near }),
      }),
    ];
  });
