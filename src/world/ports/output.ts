/** A place for lines that may be slower than we are: standard output, a pipe, a terminal. */
export interface Output {
  /** Whether a person reads it. */
  readonly terminal: boolean;
  /** Takes a line (without line end) or drops it where its bounded buffer is full; false then. Never waits, never throws. */
  line(text: string): boolean;
  /** Lines dropped so far. */
  readonly dropped: number;
  /** Called once when there is room again after a drop. */
  onRoom(fn: () => void): void;
  /** Resolves when all is written, or after `ms`: at the end of the process. */
  flush(ms: number): Promise<void>;
}
