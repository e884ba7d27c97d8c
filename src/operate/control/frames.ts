/** Raised with every change after which an older tool or service could misunderstand the other. */
export const CONTROL_PROTOCOL = 1;

/** The first line that the service sends. */
export interface Greeting {
  readonly ims: 'control';
  readonly protocol: number;
  readonly version: string;
}

/** What a tool asks. */
export interface Request {
  readonly id: number;
  readonly action: string;
  readonly input: unknown;
}

/** Why an action was not done; decides the exit code of the command line. */
export type FailureKind = 'usage' | 'not-found' | 'needs-confirmation' | 'refused' | 'unavailable' | 'failed';

/** An action that was not done, in words for people. */
export interface Failure {
  readonly kind: FailureKind;
  readonly message: string;
  /** Further facts, such as the problems of a configuration. */
  readonly details?: unknown;
}

/** What the service answers: any number of items, then one end. */
export type Response =
  | { readonly id: number; readonly item: unknown }
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | { readonly id: number; readonly ok: false; readonly error: Failure };

/** One value as a line. */
export function frame(value: Greeting | Request | Response): string {
  return `${JSON.stringify(value)}\n`;
}

const NEWLINE = 0x0a;

/** Cuts a stream of octets into lines of bounded length. */
export class Lines {
  readonly #max: number;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** The lines that a chunk completes; undefined once a line is too long: the connection is then of no more use. */
  take(chunk: Buffer): readonly string[] | undefined {
    const lines: string[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      const part = chunk.subarray(start, end === -1 ? chunk.length : end);
      this.#length += part.length;
      if (this.#length > this.#max) return undefined;
      if (part.length > 0) this.#parts.push(part);
      if (end === -1) return lines;
      lines.push(Buffer.concat(this.#parts).toString('utf8'));
      this.#parts = [];
      this.#length = 0;
      start = end + 1;
    }
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Reads a request; undefined where the line is none. */
export function parseRequest(line: string): Request | undefined {
  const value = parseJson(line);
  if (!isRecord(value) || typeof value['id'] !== 'number' || typeof value['action'] !== 'string') return undefined;
  return { id: value['id'], action: value['action'], input: value['input'] ?? {} };
}

/** Reads the greeting; undefined where the line is none. */
export function parseGreeting(line: string): Greeting | undefined {
  const value = parseJson(line);
  if (!isRecord(value) || value['ims'] !== 'control' || typeof value['protocol'] !== 'number') return undefined;
  return { ims: 'control', protocol: value['protocol'], version: String(value['version']) };
}

/** Reads a response; undefined where the line is none. */
export function parseResponse(line: string): Response | undefined {
  const value = parseJson(line);
  if (!isRecord(value) || typeof value['id'] !== 'number') return undefined;
  return 'item' in value || 'ok' in value ? (value as unknown as Response) : undefined;
}
