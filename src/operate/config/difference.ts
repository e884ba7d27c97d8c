import type { Settings } from '../../settings/index.ts';
import { printKey } from './problem.ts';
import { allSettings, type Setting } from './shape.ts';

/** One setting that differs between two configurations. Values are shown short, secrets never. */
export interface Change {
  readonly key: string;
  readonly from: string;
  readonly to: string;
  /** Whether it takes effect only at a restart. */
  readonly restart: boolean;
}

const HIDDEN = '(secret)';
const SHOWN_MAX = 120;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function holdsSecrets(setting: Setting | undefined): boolean {
  if (setting === undefined) return false;
  const { shape, meta } = setting;
  if (meta.secret === true) return true;
  if (shape.kind === 'section') return [...shape.fields.values()].some(holdsSecrets);
  if (shape.kind === 'one-of') return shape.options.some(holdsSecrets);
  return shape.kind === 'map' ? holdsSecrets(shape.entry) : shape.kind === 'list' && holdsSecrets(shape.item);
}

function show(value: unknown, setting: Setting | undefined): string {
  if (value === undefined) return '(absent)';
  if (holdsSecrets(setting)) return isRecord(value) ? '(a section)' : HIDDEN;
  const text = JSON.stringify(value);
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text;
}

function fieldOf(setting: Setting | undefined, key: string): Setting | undefined {
  if (setting?.shape.kind === 'section') return setting.shape.fields.get(key);
  return setting?.shape.kind === 'map' ? setting.shape.entry : undefined;
}

function walk(
  path: readonly string[],
  setting: Setting | undefined,
  from: unknown,
  to: unknown,
  restart: boolean,
  out: Change[],
): void {
  const composite = setting?.shape.kind === 'section' || setting?.shape.kind === 'map';
  if (isRecord(from) && isRecord(to) && composite) {
    // A map marked 'restart' means that adding or removing an entry does; what is within an entry speaks for itself.
    for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
      const field = fieldOf(setting, key);
      const whole = setting.meta.reload === 'restart' && (from[key] === undefined || to[key] === undefined);
      walk([...path, key], field, from[key], to[key], whole || field?.meta.reload === 'restart', out);
    }
    return;
  }
  if (JSON.stringify(from) === JSON.stringify(to)) return;
  out.push({ key: printKey(path), from: show(from, setting), to: show(to, setting), restart });
}

/** What changed from one configuration to another, in the order of the file. */
export function difference(from: Settings, to: Settings): readonly Change[] {
  const out: Change[] = [];
  walk([], allSettings(), from, to, false, out);
  return out;
}

function merged(setting: Setting | undefined, from: unknown, to: unknown, restart: boolean): unknown {
  const composite = setting?.shape.kind === 'section' || setting?.shape.kind === 'map';
  if (!isRecord(from) || !isRecord(to) || !composite) return restart ? from : to;
  const out: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(to), ...Object.keys(from)])) {
    const field = fieldOf(setting, key);
    const whole = setting.meta.reload === 'restart' && (from[key] === undefined || to[key] === undefined);
    const value = merged(field, from[key], to[key], whole || field?.meta.reload === 'restart');
    if (value !== undefined) out[key] = value;
  }
  return out;
}

/** What a running service may use of a new configuration: settings that need a restart keep the values of before. */
export function applicable(from: Settings, to: Settings): Settings {
  return merged(allSettings(), from, to, false) as Settings; // the same keys with values of one or the other
}

/** What a value may be of: where a setting may take several forms, all of them. */
const formsOf = (settings: readonly Setting[]): readonly Setting[] =>
  settings.flatMap((one) => (one.shape.kind === 'one-of' ? [one, ...formsOf(one.shape.options)] : [one]));

function without(settings: readonly Setting[], value: unknown): unknown {
  const forms = formsOf(settings);
  if (forms.some(({ meta }) => meta.secret === true) && value !== undefined) return HIDDEN;
  if (Array.isArray(value)) {
    const items = forms.flatMap(({ shape }) => (shape.kind === 'list' ? [shape.item] : []));
    return value.map((item: unknown) => without(items, item));
  }
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => {
      const fields = forms.flatMap((form) => fieldOf(form, key) ?? []);
      return [key, without(fields, one)];
    }),
  );
}

/** The settings as they may be shown: passwords, their hashes and private keys are replaced. */
export function redact(settings: Settings): unknown {
  return without([allSettings()], settings);
}
