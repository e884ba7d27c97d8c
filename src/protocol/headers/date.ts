/** Dates as header fields write them, without the machine's calendar or time zone. */
const DAYS = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed'] as const;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
const DAY_S = 86_400;

/** The civil date of a day counted from 1970-01-01 (the proleptic Gregorian calendar in whole 400-year cycles). */
function civil(day: number): { year: number; month: number; date: number } {
  const shifted = day + 719_468;
  const cycle = Math.floor(shifted / 146_097);
  const dayOfCycle = shifted - cycle * 146_097;
  const yearOfCycle = Math.floor(
    (dayOfCycle - Math.floor(dayOfCycle / 1460) + Math.floor(dayOfCycle / 36_524) - Math.floor(dayOfCycle / 146_096)) / 365,
  );
  const dayOfYear = dayOfCycle - (365 * yearOfCycle + Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 2 : shiftedMonth - 10;
  const year = yearOfCycle + cycle * 400 + (month <= 1 ? 1 : 0);
  return { year, month, date: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1 };
}

const two = (value: number): string => (value < 10 ? `0${value}` : String(value));

/** Prints a moment (milliseconds since 1970 UTC) as a date-time of RFC 5322 §3.3 in UTC: 'Sun, 22 Nov 2026 16:50:13 +0000'. */
export function printDate(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const day = Math.floor(seconds / DAY_S);
  const rest = seconds - day * DAY_S;
  const { year, month, date } = civil(day);
  const weekday = DAYS[((day % 7) + 7) % 7] ?? 'Thu';
  const time = `${two(Math.floor(rest / 3600))}:${two(Math.floor(rest / 60) % 60)}:${two(rest % 60)}`;
  return `${weekday}, ${date} ${MONTHS[month] ?? 'Jan'} ${String(year).padStart(4, '0')} ${time} +0000`;
}

/** A printer of dates that remembers the last second: a busy server asks for the same one thousands of times. */
export function dateCache(): (ms: number) => string {
  let second = NaN;
  let printed = '';
  return (ms) => {
    const now = Math.floor(ms / 1000);
    if (now !== second) {
      second = now;
      printed = printDate(ms);
    }
    return printed;
  };
}
