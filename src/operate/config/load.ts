import type { Settings } from '../../settings/index.ts';
import { Check } from './check.ts';
import { applyDefaults, resolvePaths } from './finish.ts';
import { PROBLEMS_MAX } from './limits.ts';
import type { Finding, Problem } from './problem.ts';
import { readText, toProblem, type Position, type ReadText } from './read.ts';
import { rules } from './rules/index.ts';
import { withoutTwins } from './rules/listeners.ts';
import { allSettings } from './shape.ts';

/** A configuration that may be used, or everything that is wrong with it. */
export type Loaded =
  | {
      readonly ok: true;
      readonly settings: Settings;
      readonly warnings: readonly Problem[];
      /** Where a setting stands in the text; 0, 0 where its default applies. */
      readonly position: (path: readonly (string | number)[], at: 'key' | 'value') => Position;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** How to load. */
export interface LoadOptions {
  /** The directory that relative paths start from: that of the file. */
  readonly directory: string;
}

type Raw = Readonly<Record<string, unknown>>;
const isRaw = (value: unknown): value is Raw => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What is left when sections that must exist were wrong; only for finding further problems, never used. */
function withPlaceholders(kept: unknown, raw: Raw): Raw {
  const value = isRaw(kept) ? kept : {};
  const server = isRaw(raw['server']) ? raw['server'] : {};
  const name = typeof server['name'] === 'string' && server['name'] !== '' ? server['name'] : 'placeholder.invalid';
  return { listeners: {}, ...value, ...(isRaw(value['server']) ? {} : { server: { name } }) };
}

/** Each section is checked by itself, so that a fault in one leaves the others to the rules. */
function checkSections(raw: Raw, check: Check): Raw {
  const whole = check.value(allSettings(), raw, []);
  if (whole.kept) return whole.value as Raw;
  const shape = allSettings().shape;
  const again = new Check();
  const out: Record<string, unknown> = {};
  if (shape.kind !== 'section') return out;
  for (const [name, section] of shape.fields) {
    if (!Object.hasOwn(raw, name)) continue;
    const checked = again.value(section, raw[name], [name]);
    if (checked.kept) out[name] = checked.value;
  }
  return out;
}

function findAll(raw: Raw, options: LoadOptions): { findings: readonly Finding[]; settings: Settings | undefined } {
  const check = new Check();
  const kept = withPlaceholders(checkSections(raw, check), raw);
  const settings = applyDefaults(kept);
  if (settings === undefined) {
    const message = 'the configuration does not fit its schema';
    return {
      findings: check.findings.length > 0 ? check.findings : [{ severity: 'error', path: [], at: 'key', message }],
      settings,
    };
  }
  const resolved = resolvePaths(settings, options.directory);
  const broken = (path: readonly string[]): boolean =>
    check.findings.some((one) => path.every((part, i) => one.path[i] === part));
  return {
    findings: [...check.findings, ...rules.flatMap((rule) => rule(settings, { raw, resolved, broken }))],
    settings: { ...resolved, listeners: withoutTwins(resolved.listeners) },
  };
}

const inOrder = (a: Problem, b: Problem): number => a.line - b.line || a.column - b.column;

/** Problems in the order of the file, without doubles, at most `PROBLEMS_MAX`. */
export function orderProblems(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Map(
    problems.map((problem) => [`${problem.line}:${problem.column}:${problem.key}:${problem.message}`, problem]),
  );
  const sorted = [...seen.values()].sort(inOrder);
  if (sorted.length <= PROBLEMS_MAX) return sorted;
  const more = sorted.length - PROBLEMS_MAX;
  const last = sorted[PROBLEMS_MAX - 1];
  return [
    ...sorted.slice(0, PROBLEMS_MAX),
    { severity: 'error', file: last?.file ?? '', line: 0, column: 0, key: '', message: `and ${more} further problems` },
  ];
}

function emptyText(file: string): Loaded {
  const message = 'the file is empty; `ims config example` prints one to begin with';
  return { ok: false, problems: [{ severity: 'error', file, line: 1, column: 1, key: '', message }] };
}

/**
 * Reads a configuration text: every problem at once, each with its place; or settings with all defaults and absolute
 * paths.
 */
export function loadConfiguration(text: string, fileName: string, options: LoadOptions): Loaded {
  const read: ReadText = readText(text, fileName);
  if (read.value === undefined) return { ok: false, problems: orderProblems(read.problems) };
  if (read.value === null) return emptyText(fileName);
  if (!isRaw(read.value)) {
    const message = 'the file must be a section of keys such as server: and listeners:';
    return {
      ok: false,
      problems: [...read.problems, { severity: 'error', file: fileName, line: 1, column: 1, key: '', message }],
    };
  }
  const { findings, settings } = findAll(read.value, options);
  const problems = orderProblems([...read.problems, ...findings.map((finding) => toProblem(finding, read, fileName))]);
  if (settings === undefined || problems.some((problem) => problem.severity === 'error'))
    return { ok: false, problems };
  return { ok: true, settings, warnings: problems, position: read.position };
}
