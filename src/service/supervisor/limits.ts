/** Bounds of the supervisor. */
export const limits = {
  /** How long a stop may take altogether before children are killed. */
  stopMs: 9_000,
  /** Of that, how long workers may finish what is under way. */
  drainMs: 7_000,
  /** A child that has not said for so long that it is alive hangs: it is ended and started again. */
  silentMs: 45_000,
  /** Waits before a child is started again, by failures in a row within `steadyMs`; the last one stays. */
  restartWaitsMs: [0, 200, 1_000, 3_000, 10_000],
  /** A child that lived so long starts again at once. */
  steadyMs: 60_000,
  /** First and longest wait before a listener that could not be bound is tried again. */
  bindRetryMs: 1_000,
  bindRetryMsMax: 15_000,
  /** How long all workers may take to check a new configuration. */
  prepareMs: 20_000,
  /** How long a call to a child may take. */
  callMs: 60_000,
} as const;
