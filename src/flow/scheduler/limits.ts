/** Bounds of the scheduler. */
export const limits = {
  /** Next hops whose behaviour is remembered while nothing is under way to them. */
  rememberedNextHopsMax: 20_000,
  /** Next hops taken from the queue in one round. */
  takenPerRoundMax: 64,
  /** Attempts at once to a next hop of which nothing is known yet. */
  firstWindow: 4,
  /** Attempts at once into local mailboxes: bounded by the disk, not by courtesy. */
  localWindow: 64,
  /** An attempt that lasts longer no longer counts against the room of quick ones. */
  slowAfterMs: 2_000,
  /** How many slow attempts may wait for every quick one allowed. */
  slowFactor: 4,
  /** How long a delivery whose next hop has changed has to move to the new one. */
  strayedWaitMs: 250,
  /** Wait for the attempts that another scheduler of the process makes to the same next hop. */
  elsewhereWaitMs: 500,
  /** Wait when there is no room for a next hop that fails. */
  crowdedWaitMs: 5_000,
  /** The longest sleep of the scheduler, so that a jump of the wall clock is noticed. */
  sleepMsMax: 60_000,
  /** The wall clock may leave the monotonic one by so much before expiry pauses. */
  clockDriftMsMax: 5 * 60_000,
  /** How long the wall clock must hold until expiry goes on. */
  clockHoldMs: 60 * 60_000,
  /** First and longest wait until an outcome that could not be written is written again. */
  recordRetryMs: 1_000,
  recordRetryMsMax: 60_000,
  /** How long ETRN keeps a held domain open. */
  flushMs: 10 * 60_000,
} as const;
