import { showDuration, showSize } from '../../settings/units.ts';
import { SHOWN_VALUE_MAX } from './limits.ts';
import type { Shape } from './shape.ts';

/** Shows a value of the file in an error: texts quoted, long ones cut, lists and sections by name. */
export function showValue(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'string') {
    const text = JSON.stringify(value).slice(1, -1);
    return text.length > SHOWN_VALUE_MAX ? `'${text.slice(0, SHOWN_VALUE_MAX)}...'` : `'${text}'`;
  }
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (typeof value === 'object') return 'a section (keys below it)';
  return String(value);
}

/** The kind of a value in words. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a section';
  if (typeof value === 'string') return 'a text';
  if (typeof value === 'boolean') return 'true or false';
  return typeof value === 'number' ? 'a number' : `a ${typeof value}`;
}

const between = (min: string | undefined, max: string | undefined): string => {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (min !== undefined) return ` of at least ${min}`;
  return max === undefined ? '' : ` of at most ${max}`;
};
const finite = (value: number, show: (n: number) => string): string | undefined =>
  Number.isFinite(value) ? show(value) : undefined;

/** What a setting may be, in words: 'a whole number from 1 to 64'. */
export function allowed(shape: Shape): string {
  switch (shape.kind) {
    case 'section':
      return `a section with the keys ${[...shape.fields.keys()].join(', ')}`;
    case 'map':
      return 'a section of names, each with its value';
    case 'list':
      if (!Number.isFinite(shape.max) && shape.min === 0) return 'a list';
      return `a list${between(shape.min > 0 ? String(shape.min) : undefined, finite(shape.max, String))} entries`;
    case 'choice':
      return shape.values.length === 2 ? shape.values.join(' or ') : `one of ${shape.values.join(', ')}`;
    case 'text':
      return Number.isFinite(shape.max) ? `a text of at most ${shape.max} characters` : 'a text';
    case 'number':
      return `${shape.whole ? 'a whole number' : 'a number'}${between(finite(shape.min, String), finite(shape.max, String))}`;
    case 'duration':
      return `a length of time${between(showDuration(shape.min), finite(shape.max, showDuration))}, such as 30s, 5m, 2h or 5d`;
    case 'size':
      return `a size${between(showSize(shape.min), finite(shape.max, showSize))}, such as 64KB, 50MB or 2GB`;
    case 'switch':
      return 'true or false';
    case 'exactly':
      return String(shape.value);
    case 'one-of':
      return shape.options
        .map((option) =>
          option.shape.kind === 'section'
            ? `{${[...option.shape.fields.keys()][0] ?? ''}: ...}`
            : allowed(option.shape),
        )
        .join(', or ');
  }
}
