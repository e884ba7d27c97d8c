import { schedulingClasses } from '../../../mail/next-hop.ts';
import { showDuration } from '../../../settings/units.ts';
import { doubtful, wrong, type Rule } from './rule.ts';

/** A retry curve rises, and ends after it began. */
export const retryCurveOrder: Rule = ({ scheduler }) =>
  schedulingClasses.flatMap((name) => {
    const { first, longest, expiry, delayNotice } = scheduler[name];
    const path = ['scheduler', name];
    if (longest < first)
      return [
        wrong([...path, 'longest'], `is shorter than the first wait (${showDuration(first)})`, {
          value: showDuration(longest),
        }),
      ];
    if (expiry <= first)
      return [
        wrong(
          [...path, 'expiry'],
          `is not longer than the first wait (${showDuration(first)}): mail would be returned after one attempt`,
          { value: showDuration(expiry) },
        ),
      ];
    if (delayNotice >= expiry)
      return [
        doubtful(
          [...path, 'delayNotice'],
          `is not shorter than the expiry (${showDuration(expiry)}): no delay will ever be reported`,
          { value: showDuration(delayNotice) },
        ),
      ];
    return [];
  });

/** The rest of an unreachable next hop grows. */
export const breakerOrder: Rule = ({ scheduler: { breaker } }) =>
  breaker.longest < breaker.rest
    ? [
        wrong(['scheduler', 'breaker', 'longest'], `is shorter than the first rest (${showDuration(breaker.rest)})`, {
          value: showDuration(breaker.longest),
        }),
      ]
    : [];
