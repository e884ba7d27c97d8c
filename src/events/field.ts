import type { Reply } from '../mail/reply.ts';

/**
 * The kinds of an event's data fields and the type of each. The kind decides how a field is printed
 * and whether it is personal (mailboxes) when an event is passed on.
 */
export interface FieldTypes {
  readonly text: string;
  readonly mailbox: string;
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly path: string;
  readonly queueId: string;
  readonly messageId: string;
  readonly nextHop: string;
  readonly reply: Reply;
  readonly count: number;
  readonly bytes: number;
  readonly milliseconds: number;
  /** Milliseconds since 1970 UTC. */
  readonly time: number;
  /** An errno name such as ENOSPC, or '' where there is none. */
  readonly errno: string;
}

export type FieldKind = keyof FieldTypes;
