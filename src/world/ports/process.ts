/** The end of a program that was run. */
export interface ProgramEnd {
  /** The exit code, or undefined where a signal ended it. */
  readonly code: number | undefined;
  readonly signal: string | undefined;
  readonly timedOut: boolean;
  /** The beginning of what it wrote to standard output and error, at most `outputBytesMax`. */
  readonly output: string;
}

/** A program to run, without a shell. */
export interface ProgramOptions {
  readonly command: string;
  readonly arguments: readonly string[];
  /** The whole environment of the program. */
  readonly environment: Readonly<Record<string, string>>;
  readonly directory?: string;
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly timeoutMs: number;
  readonly outputBytesMax: number;
}

/** A program that was left to itself. */
export interface Begun {
  readonly pid: number;
  /** Its exit code, once it has ended. */
  ended(): number | undefined;
}

/** Programs that go on by themselves. */
export interface ProgramStarter {
  /** Starts a program that goes on when this one ends, without a terminal; rejects with a POSIX code where it cannot be started. */
  begin(options: Pick<ProgramOptions, 'command' | 'arguments' | 'environment' | 'directory'>): Promise<Begun>;
}

/** Programs of other people, run for the pipe delivery and for checks. */
export interface Programs {
  /** Runs a program, feeding it `input` chunk by chunk, or nothing; rejects with a POSIX code where it cannot be started. */
  run(options: ProgramOptions, input?: AsyncIterable<Buffer>): Promise<ProgramEnd>;
}
