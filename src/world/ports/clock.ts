/** A timer that has been set; cancelling twice is harmless. */
export interface Timer {
  cancel(): void;
}

/** Time. Durations come from `now`, dates from `wall`, and nothing else in the program asks the machine for either. */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary start. */
  now(): number;
  /** Milliseconds since 1970-01-01 UTC as the host believes. It may jump. */
  wall(): number;
  /** Calls `fn` once after `ms` milliseconds (any length; longer than 24.8 days is safe). */
  after(ms: number, fn: () => void): Timer;
  /** Calls `fn` in the next turn of the event loop. */
  soon(fn: () => void): void;
}
