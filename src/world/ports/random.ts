/** Chance. */
export interface Random {
  /** Unpredictable octets. */
  bytes(count: number): Buffer;
  /** Uniform in [0, 1). For jitter and shuffles, not for secrets. */
  fraction(): number;
}
