/** The door of reporting: from outcomes to the DSNs that they owe (RFC 3461 §5, §6). Pure but for the content it quotes. */
import type { AttemptRecord, Claim, OwedMessage } from '../queue/port.ts';

export interface Reporter {
  /**
   * The reports owed for an attempt: failed, and delivered/relayed/expanded where asked for. Empty for a null reverse-path.
   * Its identity derives from message, recipients and kind. Reads content only where a report quotes it.
   */
  owed(claim: Claim, outcomes: AttemptRecord['outcomes']): Promise<readonly OwedMessage[]>;
  /** The delay notice for the recipients that still wait, where one is wanted. */
  delayed(claim: Claim, outcomes: AttemptRecord['outcomes']): Promise<readonly OwedMessage[]>;
}
