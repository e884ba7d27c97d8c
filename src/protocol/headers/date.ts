import { printMailDate } from '../../base/calendar.ts';

/** A printer of dates of header fields that remembers the last second: a busy server asks for the same one thousands of times. */
export function dateCache(): (ms: number) => string {
  let second = Number.NaN;
  let printed = '';
  return (ms) => {
    const now = Math.floor(ms / 1000);
    if (now !== second) {
      second = now;
      printed = printMailDate(ms);
    }
    return printed;
  };
}
