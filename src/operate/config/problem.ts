/** What is wrong, or doubtful, at one place of a configuration file. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  readonly file: string;
  /** From 1; 0 where the problem has no place in the text. */
  readonly line: number;
  readonly column: number;
  /** The key, as `ims config explain` takes it: 'listeners.mx.port'; '' for the file itself. */
  readonly key: string;
  /** What is wrong, in one sentence without the key. */
  readonly message: string;
  /** The offending value as it stands, shortened; never a secret. */
  readonly value?: string;
  /** What is allowed instead. */
  readonly allowed?: string;
  /** The nearest name that would be right. */
  readonly nearest?: string;
}

/** A problem before its place in the text is known. Array elements are numbers in the path. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  readonly path: readonly (string | number)[];
  /** Whether the key or its value is to be pointed at. */
  readonly at: 'key' | 'value';
  readonly message: string;
  readonly value?: unknown;
  readonly allowed?: string;
  readonly nearest?: string;
}

/**
 * Prints the problem as compilers do: place, then what is wrong, what stands there, what is allowed and what was
 * perhaps meant.
 */
export function printProblem(problem: Problem): string {
  const place = problem.line === 0 ? problem.file : `${problem.file}:${problem.line}:${problem.column}`;
  const key = problem.key === '' ? '' : `${problem.key}: `;
  const found = problem.value === undefined ? '' : `; found ${problem.value}`;
  const allowed = problem.allowed === undefined ? '' : `; allowed: ${problem.allowed}`;
  const nearest = problem.nearest === undefined ? '' : `; did you mean '${problem.nearest}'?`;
  return `${place}: ${problem.severity}: ${key}${problem.message}${found}${allowed}${nearest}`;
}

/** Prints the path of a setting: 'routing.smartHosts.provider.hosts[0].port'. Names with dots are quoted. */
export function printKey(path: readonly (string | number)[]): string {
  let out = '';
  for (const part of path) {
    if (typeof part === 'number') out += `[${part}]`;
    else out += `${out === '' ? '' : '.'}${/[.[\]'\s]/.test(part) ? `'${part}'` : part}`;
  }
  return out;
}
