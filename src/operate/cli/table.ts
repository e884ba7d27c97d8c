import { plain } from './text.ts';

/** A column of a table; the one marked `flexible` gives way where the terminal is narrow. */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  readonly flexible?: boolean;
}

const GAP = 2;
const FLEXIBLE_MIN = 12;
const WIDTH_WITHOUT_TERMINAL = 200;

const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;

/** Prints rows under titles, no line wider than `width` where that can be done by cutting the flexible column. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width = WIDTH_WITHOUT_TERMINAL,
): string {
  const widths = columns.map((column, i) =>
    rows.reduce((most, row) => Math.max(most, (row[i] ?? '').length), column.title.length),
  );
  const total = widths.reduce((sum, one) => sum + one + GAP, -GAP);
  const flexible = columns.findIndex((column) => column.flexible === true);
  if (total > width && flexible !== -1)
    widths[flexible] = Math.max(FLEXIBLE_MIN, (widths[flexible] ?? 0) - (total - width));
  const line = (cells: readonly string[]): string =>
    columns
      .map((column, i) => {
        const text = cut(plain(cells[i] ?? ''), widths[i] ?? 0);
        return column.align === 'right' ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0);
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  return [line(columns.map((column) => column.title)), ...rows.map(line)].join('\n');
}
