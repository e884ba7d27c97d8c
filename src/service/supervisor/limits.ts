/** Bounds of the supervisor. */
export const limits = {
  /** How long a stop may take altogether before children are killed. */
  stopMs: 8_500,
  /** Of that, how long workers may finish what is under way. */
  drainMs: 7_000,
  /** The operator process has nothing to finish; it ends after the workers. */
  operatorStopMs: 800,
  /** The operator process is started once the workers accept mail, at the latest after this. */
  operatorWaitMs: 2_000,
  /** The start is announced once the operator process answers too, at the latest after this. */
  announceMs: 5_000,
  /** Changes of the verdict are told to the service manager at most so often. */
  verdictMs: 500,
  /** Octets of the verdict that it is told. */
  verdictBytesMax: 400,
  /** Between two looks whether the spool is still there. */
  storageLookMs: 2_000,
  /** Between two looks whether certificate and key on disk are others. */
  certificateLookMs: 20_000,
  /** First and longest wait before a data directory that cannot be used is tried again. */
  storageRetryMs: 1_000,
  storageRetryMsMax: 5_000,
  /** A child that has not said for so long that it is alive hangs: it is ended and started again. */
  silentMs: 45_000,
  /** The same for one that has said nothing yet: what Node begins with can stand still where threads are few. */
  firstWordMs: 15_000,
  /** How often that is looked at, and how long one that is told to end by it may take. */
  watchMs: 5_000,
  /** Waits before a child is started again, by failures in a row within `steadyMs`; the last one stays. */
  restartWaitsMs: [0, 200, 1_000, 3_000, 10_000],
  /** So many ends in a row before a child was ready, or in all, are told as one lasting condition. */
  unreadyEndsMax: 3,
  endsMax: 5,
  /** A child that lived so long starts again at once. */
  steadyMs: 60_000,
  /** First and longest wait before a listener that could not be bound is tried again. */
  bindRetryMs: 250,
  bindRetryMsMax: 2_000,
  /** How long all workers may take to check a new configuration. */
  prepareMs: 20_000,
  /** How long a call to a child may take. */
  callMs: 60_000,
  /** A child that runs says something every five seconds; from this silence on it is shown, and nobody waits for it. Looked at so often. */
  quietMs: 9_000,
  quietLookMs: 1_000,
  /** How long a worker may take to say what it measures. */
  measureMs: 1_500,
} as const;
