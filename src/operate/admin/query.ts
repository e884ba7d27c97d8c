/** The input of an action from the query of a target: `most=5&filter.domain=example.com`. */
import { QUERY_DEPTH_MAX } from './limits.ts';

/** As much of a JSON Schema as inputs of actions need. */
export interface InputSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, InputSchema>>;
  readonly items?: InputSchema;
}

/** The input, or what is wrong with the query. */
export type QueryEnd =
  | { readonly ok: true; readonly input: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly problem: string };

type Fields = Record<string, unknown>;

/** Reads it by the names and types that the schema has; what the values may be the action itself says. */
export function inputFromQuery(schema: InputSchema, query: URLSearchParams): QueryEnd {
  const input: Fields = {};
  for (const [name, text] of query) {
    const steps = name.split('.');
    const last = steps.pop() ?? '';
    let fields = input;
    let at: InputSchema | undefined = schema;
    if (steps.length >= QUERY_DEPTH_MAX) at = undefined;
    for (const step of steps) {
      at = own(at, step);
      if (at === undefined) break;
      // The step is a name of the schema, and none that an object has from elsewhere.
      fields[step] ??= {};
      fields = fields[step] as Fields;
    }
    const field = own(at, last);
    if (field === undefined) return { ok: false, problem: noSuch(name, schema) };
    fields[last] = field.type === 'array' ? [...already(fields[last]), ...typedList(field, text)] : typed(field, text);
  }
  return { ok: true, input };
}

function own(schema: InputSchema | undefined, name: string): InputSchema | undefined {
  const properties = schema?.properties;
  return properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
}

const already = (before: unknown): readonly unknown[] => (Array.isArray(before) ? before : []);

const typedList = ({ items = {} }: InputSchema, text: string): readonly unknown[] =>
  text.split(',').map((one) => typed(items, one));

function typed({ type }: InputSchema, text: string): unknown {
  if (type === 'integer' || type === 'number') return /^-?\d{1,16}(?:\.\d{1,6})?$/.test(text) ? Number(text) : text;
  if (type === 'boolean') return text === 'true' || text === '' ? true : text === 'false' ? false : text;
  return text;
}

function noSuch(name: string, schema: InputSchema): string {
  const names = Object.entries(schema.properties ?? {}).flatMap(([field, { properties }]) =>
    properties === undefined ? [field] : Object.keys(properties).map((below) => `${field}.${below}`),
  );
  return `there is no input '${name}'; ${names.length === 0 ? 'it takes none' : `there are: ${names.join(', ')}`}`;
}
