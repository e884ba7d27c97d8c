import type { TimelineEntry } from '../../src/mail/timeline.ts';
import type { SimProcess } from '../../src/world/sim/process.ts';

/** When the sender of a simulated message wants to hear of it; undefined: says nothing. */
export type NotifyWish = 'NEVER' | 'SUCCESS' | 'FAILURE' | 'SUCCESS,FAILURE,DELAY' | undefined;

/** One recipient of a submission. */
export interface SubmittedRecipient {
  /** Unique in a run for remote recipients; in a message for local ones. */
  readonly address: string;
  readonly notify: NotifyWish;
  /** RCPT was answered with 250. */
  accepted: boolean;
}

/** What a client knows of one message that it tried to hand over. */
export interface Submission {
  /** Stands in the header of the message. */
  readonly token: string;
  /** '' is the null reverse-path. */
  readonly sender: string;
  readonly recipients: readonly SubmittedRecipient[];
  /** acknowledged: 250 came; refused: another reply came, or the client never sent the end; unknown: the end was sent, and no reply came. */
  state: 'under-way' | 'acknowledged' | 'refused' | 'unknown';
}

/** A message that a remote host took over: it decided on 250, whether or not its reply arrived. */
export interface Acceptance {
  readonly atMs: number;
  readonly recipient: string;
  readonly sender: string;
  readonly messageId: string;
  readonly content: string;
  /** Who sent it. */
  readonly process: SimProcess | undefined;
  /** The transaction's first command came then. */
  readonly beganMs: number;
  /** The sender went on after the reply, so it has seen it. */
  seen: boolean;
}

/** A final outcome that the service says it has recorded. */
export interface FinalRecord {
  readonly atMs: number;
  readonly queueId: string;
  readonly recipient: string;
  readonly kind: 'delivered' | 'failed';
}

/** Everything that the outside knows, and what the service said of itself. */
export class Ledger {
  readonly submissions: Submission[] = [];
  readonly acceptances: Acceptance[] = [];
  readonly finals: FinalRecord[] = [];
  readonly messageIds = new Map<string, string>();
  /** What was found while it happened. */
  readonly violations: string[] = [];
  readonly #say: (text: string) => void;

  constructor(say: (text: string) => void) {
    this.#say = say;
  }

  /** Enters that a client knows what became of a message. */
  settle(submission: Submission, state: Submission['state']): void {
    submission.state = state;
    this.#say(`# ${submission.token} is ${state}`);
  }

  /** Enters what a remote host took over. */
  accept(acceptances: readonly Acceptance[]): void {
    this.acceptances.push(...acceptances);
    for (const { recipient, messageId } of acceptances) this.#say(`# ${recipient} has ${messageId}`);
  }

  /** Takes an entry of a timeline at the moment it is made. */
  told(entry: TimelineEntry, nowMs: number): void {
    this.#say(JSON.stringify(entry));
    if (entry.what === 'received') this.messageIds.set(entry.queueId, entry.messageId);
    if (entry.what !== 'attempt') return;
    for (const { recipient, kind } of entry.outcomes) {
      if (kind !== 'deferred') this.finals.push({ atMs: nowMs, queueId: entry.queueId, recipient, kind });
    }
  }
}
