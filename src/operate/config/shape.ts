import type { z } from 'zod';
import { settings } from '../../settings/index.ts';
import type { SettingMeta } from '../../settings/units.ts';

/** What a setting may be. */
export type Shape =
  | { readonly kind: 'section'; readonly fields: ReadonlyMap<string, Setting> }
  /** Names of the operator's choice, each with the same kind of value. */
  | { readonly kind: 'map'; readonly entry: Setting }
  | { readonly kind: 'list'; readonly item: Setting; readonly min: number; readonly max: number }
  | { readonly kind: 'choice'; readonly values: readonly string[] }
  | { readonly kind: 'text'; readonly min: number; readonly max: number }
  | { readonly kind: 'number'; readonly min: number; readonly max: number; readonly whole: boolean }
  | { readonly kind: 'duration'; readonly min: number; readonly max: number }
  | { readonly kind: 'size'; readonly min: number; readonly max: number }
  | { readonly kind: 'switch' }
  | { readonly kind: 'exactly'; readonly value: unknown }
  | { readonly kind: 'one-of'; readonly options: readonly Setting[] };

/** One setting as the schema declares it, in a form that check, explanation, example and reference share. */
export interface Setting {
  readonly shape: Shape;
  readonly text: string;
  readonly meta: SettingMeta;
  /** As it would be written in the file; undefined where there is none. */
  readonly default: unknown;
  /** Whether the key may be left out. */
  readonly optional: boolean;
}

/** The parts of a zod schema's definition that are read here. */
interface Definition {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly defaultValue?: unknown;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly valueType?: z.ZodType;
  readonly element?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly entries?: Readonly<Record<string, string>>;
  readonly values?: readonly unknown[];
  readonly checks?: readonly { readonly _zod: { readonly def: Check } }[];
}

interface Check {
  readonly check: string;
  readonly value?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly format?: string;
}

const definitionOf = (schema: z.ZodType): Definition => schema.def as unknown as Definition;

function shapeOf(schema: z.ZodType, definition: Definition, meta: SettingMeta): Shape {
  if (meta.unit !== undefined) return { kind: meta.unit, min: meta.min ?? 0, max: meta.max ?? Infinity };
  const checks = (definition.checks ?? []).map((one) => one._zod.def);
  const bound = (name: string, otherwise: number): number => {
    const found = checks.find((check) => check.check === name);
    return found?.value ?? found?.minimum ?? found?.maximum ?? otherwise;
  };
  switch (definition.type) {
    case 'object':
      return {
        kind: 'section',
        fields: new Map(Object.entries(definition.shape ?? {}).map(([name, field]) => [name, describeSetting(field)])),
      };
    case 'record':
      return { kind: 'map', entry: describeSetting(definition.valueType ?? schema) };
    case 'array':
      return {
        kind: 'list',
        item: describeSetting(definition.element ?? schema),
        min: bound('min_length', 0),
        max: bound('max_length', Infinity),
      };
    case 'enum':
      return { kind: 'choice', values: Object.values(definition.entries ?? {}) };
    case 'string':
      return { kind: 'text', min: bound('min_length', 0), max: bound('max_length', Infinity) };
    case 'number': {
      const whole = checks.some((check) => check.format === 'safeint');
      return { kind: 'number', min: bound('greater_than', -Infinity), max: bound('less_than', Infinity), whole };
    }
    case 'boolean':
      return { kind: 'switch' };
    case 'literal':
      return { kind: 'exactly', value: definition.values?.[0] };
    case 'union':
      return { kind: 'one-of', options: (definition.options ?? []).map(describeSetting) };
    default:
      throw new TypeError(`a setting of the zod type ${definition.type} is not foreseen`);
  }
}

/** Reads a zod schema into a setting. Descriptions and defaults of the outer wrapper win over those within. */
export function describeSetting(schema: z.ZodType): Setting {
  let inner = schema;
  let optional = false;
  let fallback: unknown;
  let meta: SettingMeta & { readonly description?: string | undefined } = { ...(schema.meta() ?? {}) };
  for (;;) {
    const { type, innerType, defaultValue } = definitionOf(inner);
    if (innerType === undefined || !['default', 'prefault', 'optional'].includes(type)) break;
    optional = true;
    if (type !== 'optional' && fallback === undefined) fallback = defaultValue;
    inner = innerType;
    meta = { ...(inner.meta() ?? {}), ...meta };
  }
  return {
    shape: shapeOf(inner, definitionOf(inner), meta),
    text: meta.description ?? '',
    meta,
    default: fallback,
    optional,
  };
}

let whole: Setting | undefined;

/** The setting that holds all others: the whole file. */
export function allSettings(): Setting {
  whole ??= describeSetting(settings);
  return whole;
}
