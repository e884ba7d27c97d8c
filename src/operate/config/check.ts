import { duration, size } from '../../settings/units.ts';
import { DEPTH_MAX } from './limits.ts';
import { nearest } from './nearest.ts';
import type { Finding } from './problem.ts';
import type { Setting, Shape } from './shape.ts';
import { allowed, kindOf } from './words.ts';

type Path = readonly (string | number)[];

/** What is left of a value once everything wrong has been taken out, so that further rules can look at the rest. */
type Checked = { readonly kept: true; readonly value: unknown } | { readonly kept: false };

const DROPPED: Checked = { kept: false };
const keep = (value: unknown): Checked => ({ kept: true, value });
const isSection = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isNames = (shape: Shape): boolean => shape.kind === 'section' || shape.kind === 'map';

/** Checks a raw value against the schema and collects everything that is wrong, in words. */
export class Check {
  readonly findings: Finding[] = [];

  /** Checks one value; what it returns passes the schema. */
  value(setting: Setting, value: unknown, path: Path): Checked {
    if (path.length > DEPTH_MAX) return this.#wrong(path, value, 'is nested too deeply');
    const { shape } = setting;
    if (value === null && isNames(shape)) return this.value(setting, {}, path);
    if (value === null)
      return this.#wrong(path, undefined, 'has no value; write one, or leave the key out', allowed(shape));
    switch (shape.kind) {
      case 'section':
        return this.#section(shape, value, path);
      case 'map':
        return this.#map(shape, value, path);
      case 'list':
        return this.#list(shape, value, path);
      case 'one-of':
        return this.#oneOf(shape, value, path);
      default:
        return this.#plain(setting, value, path);
    }
  }

  #wrong(path: Path, value: unknown, message: string, allowedWords?: string, nearestName?: string): Checked {
    this.findings.push({
      severity: 'error',
      path,
      at: 'value',
      message,
      ...(value === undefined ? {} : { value }),
      ...(allowedWords === undefined ? {} : { allowed: allowedWords }),
      ...(nearestName === undefined ? {} : { nearest: nearestName }),
    });
    return DROPPED;
  }

  #section(shape: Shape & { kind: 'section' }, value: unknown, path: Path): Checked {
    if (!isSection(value))
      return this.#wrong(path, value, `must be a section (keys below it), not ${kindOf(value)}`, allowed(shape));
    const kept: Record<string, unknown> = {};
    let whole = true;
    for (const key of Object.keys(value)) if (!shape.fields.has(key)) this.#unknownKey(shape, value, key, path);
    for (const [key, field] of shape.fields) {
      if (Object.hasOwn(value, key)) {
        const checked = this.value(field, value[key], [...path, key]);
        if (checked.kept) kept[key] = checked.value;
        else if (!field.optional) whole = false;
      } else if (!field.optional) {
        const example = field.meta.example === undefined ? '' : `, such as ${String(field.meta.example)}`;
        this.findings.push({
          severity: 'error',
          path,
          at: 'key',
          message: `the key '${key}' is missing`,
          allowed: `${allowed(field.shape)}${example}`,
        });
        whole = false;
      }
    }
    return whole ? keep(kept) : DROPPED;
  }

  #unknownKey(
    shape: Shape & { kind: 'section' },
    value: Readonly<Record<string, unknown>>,
    key: string,
    path: Path,
  ): void {
    const free = [...shape.fields.keys()].filter((name) => !Object.hasOwn(value, name));
    const near = nearest(key, free);
    this.findings.push({
      severity: 'error',
      path: [...path, key],
      at: 'key',
      message: path.length === 0 ? 'is not a section of the configuration' : 'is not a known key here',
      ...(near === undefined ? { allowed: [...shape.fields.keys()].join(', ') } : { nearest: near }),
    });
  }

  #map(shape: Shape & { kind: 'map' }, value: unknown, path: Path): Checked {
    if (!isSection(value))
      return this.#wrong(
        path,
        value,
        `must be a section (names, each with its value), not ${kindOf(value)}`,
        allowed(shape),
      );
    const kept: Record<string, unknown> = {};
    for (const [name, entry] of Object.entries(value)) {
      if (name === '__proto__') {
        this.#wrong([...path, name], undefined, 'cannot be used as a name');
        continue;
      }
      const checked = this.value(shape.entry, entry, [...path, name]);
      if (checked.kept) kept[name] = checked.value;
    }
    return keep(kept);
  }

  #list(shape: Shape & { kind: 'list' }, value: unknown, path: Path): Checked {
    if (!Array.isArray(value)) {
      const hint = isSection(value) ? '' : `; write [${String(value)}]`;
      return this.#wrong(path, value, `must be a list, not ${kindOf(value)}${hint}`, allowed(shape));
    }
    if (value.length < shape.min || value.length > shape.max)
      return this.#wrong(path, value, `has ${value.length} entries`, allowed(shape));
    const kept = value
      .map((item: unknown, i) => this.value(shape.item, item, [...path, i]))
      .filter((checked) => checked.kept);
    return kept.length < shape.min ? DROPPED : keep(kept.map((checked) => checked.value));
  }

  /** The option that was meant: of sections the one whose first key is there, else the one that fits by kind. */
  #oneOf(shape: Shape & { kind: 'one-of' }, value: unknown, path: Path): Checked {
    const fitting = shape.options.find((option) => {
      if (option.shape.kind === 'section') return isSection(value) && Object.hasOwn(value, firstKey(option));
      if (option.shape.kind === 'list') return Array.isArray(value);
      return option.shape.kind === 'text' ? typeof value === 'string' : false;
    });
    if (fitting !== undefined) return this.value(fitting, value, path);
    const sections = shape.options.filter((option) => option.shape.kind === 'section').map(firstKey);
    if (isSection(value) && sections.length > 0) {
      const key = Object.keys(value)[0];
      const near = key === undefined ? undefined : nearest(key, sections);
      return this.#wrong(path, undefined, `must have one of the keys ${sections.join(', ')}`, undefined, near);
    }
    const words = sections.length > 0 ? sections.map((key) => `{${key}: ...}`).join(', ') : allowed(shape);
    const near = typeof value === 'string' ? nearest(value, sections) : undefined;
    return this.#wrong(path, value, `cannot be ${kindOf(value)}`, words, near);
  }

  #plain(setting: Setting, value: unknown, path: Path): Checked {
    const message = plainProblem(setting.shape, value);
    if (message === undefined) return keep(value);
    const near =
      setting.shape.kind === 'choice' && typeof value === 'string' ? nearest(value, setting.shape.values) : undefined;
    return this.#wrong(path, setting.meta.secret === true ? undefined : value, message, allowed(setting.shape), near);
  }
}

const firstKey = (option: Setting): string =>
  option.shape.kind === 'section' ? ([...option.shape.fields.keys()][0] ?? '') : '';

const YES_NO = new Set(['yes', 'no', 'on', 'off', 'y', 'n', 'true', 'false']);

function numberProblem(shape: Shape & { kind: 'number' }, value: unknown): string | undefined {
  if (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)))
    return 'must be a number without quotes';
  if (typeof value !== 'number' || !Number.isFinite(value)) return `must be a number, not ${kindOf(value)}`;
  if (shape.whole && !Number.isInteger(value)) return 'must be a whole number';
  if (value < shape.min) return `is too small (least ${shape.min})`;
  return value > shape.max ? `is too large (most ${shape.max})` : undefined;
}

function measureProblem(shape: Shape & { kind: 'duration' | 'size' }, value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number')
    return `must be a ${shape.kind === 'size' ? 'size' : 'length of time'}, not ${kindOf(value)}`;
  if (shape.kind === 'duration' && typeof value === 'number') return 'needs a unit (ms, s, m, h or d)';
  const parsed = (shape.kind === 'duration' ? duration(shape) : size(shape)).safeParse(value);
  if (parsed.success) return undefined;
  const form = (
    shape.kind === 'duration' ? duration({ min: 0, max: Infinity }) : size({ min: 0, max: Infinity })
  ).safeParse(value);
  if (!form.success) return `is not a ${shape.kind === 'size' ? 'size' : 'length of time'}`;
  return `is too ${form.data < shape.min ? (shape.kind === 'size' ? 'small' : 'short') : shape.kind === 'size' ? 'large' : 'long'}`;
}

function textProblem(shape: Shape & { kind: 'text' }, value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return `must be a text; write it in quotes`;
  if (typeof value !== 'string') return `must be a text, not ${kindOf(value)}`;
  if (value.length < shape.min) return shape.min === 1 ? 'is empty' : `is shorter than ${shape.min} characters`;
  if (value.length > shape.max) return `is longer than ${shape.max} characters`;
  return /[\0-\x08\x0a-\x1f\x7f]/.test(value) ? 'contains a line end or another control character' : undefined;
}

/** What is wrong with a value that has nothing below it; undefined where it is right. */
function plainProblem(shape: Shape, value: unknown): string | undefined {
  switch (shape.kind) {
    case 'number':
      return numberProblem(shape, value);
    case 'duration':
    case 'size':
      return measureProblem(shape, value);
    case 'text':
      return textProblem(shape, value);
    case 'choice':
      return typeof value === 'string' && shape.values.includes(value) ? undefined : 'is not one of the choices';
    case 'switch':
      if (typeof value === 'boolean') return undefined;
      return typeof value === 'string' && YES_NO.has(value.toLowerCase())
        ? 'must be true or false, without quotes'
        : `must be true or false, not ${kindOf(value)}`;
    case 'exactly':
      return value === shape.value ? undefined : `can only be ${String(shape.value)}`;
    default:
      return undefined;
  }
}
