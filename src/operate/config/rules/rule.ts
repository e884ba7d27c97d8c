import type { Settings } from '../../../settings/index.ts';
import type { Finding } from '../problem.ts';

/** What a rule sees besides the settings. */
export interface RuleContext {
  /**
   * The file's values as they stand, with what the schema refused: names there exist, even where their content is
   * wrong.
   */
  readonly raw: Readonly<Record<string, unknown>>;
  /**
   * Whether the schema refused something at or below a path: what stands there instead is a default, and says
   * nothing.
   */
  broken(path: readonly string[]): boolean;
  /** The settings with absolute paths. */
  readonly resolved: Settings;
}

/** A condition between several settings. Pure; one concern each. */
export type Rule = (settings: Settings, context: RuleContext) => Finding[];

type Path = readonly (string | number)[];
type More = Partial<Pick<Finding, 'value' | 'allowed' | 'nearest' | 'at'>>;

const finding = (severity: 'error' | 'warning', path: Path, message: string, more: More): Finding => {
  const { nearest, ...rest } = more;
  return { severity, path, at: 'value', message, ...rest, ...(nearest === undefined ? {} : { nearest }) };
};

/** A finding that makes the configuration unusable. */
export const wrong = (path: Path, message: string, more: More = {}): Finding => finding('error', path, message, more);
/** A finding that a person should look at. */
export const doubtful = (path: Path, message: string, more: More = {}): Finding =>
  finding('warning', path, message, more);

/** The names below a key of the raw file. */
export function namesIn(raw: unknown, path: readonly string[]): readonly string[] {
  let value: unknown = raw;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return [];
    value = (value as Readonly<Record<string, unknown>>)[part];
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
}
