/**
 * An SMTP reply (RFC 5321 §4.2). Permanence is the first digit of `code` and nothing else;
 * the enhanced status (RFC 3463) is that digit and `detail`.
 */
export interface Reply {
  /** Three digits, 200 to 599. */
  readonly code: number;
  /** Subject and detail of the enhanced status without its class, such as '1.1'; absent where none is sent (RFC 2034 §4). */
  readonly detail?: string;
  /** One entry a line, without code and line end. */
  readonly text: readonly string[];
}

/** The enhanced status code of a reply, such as '5.1.1'; without a detail 'x.0.0' (RFC 3463 §3.1). */
export function enhancedStatus(reply: Reply): string {
  return `${Math.floor(reply.code / 100)}.${reply.detail ?? '0.0'}`;
}

/** Whether a reply means success, try again, or never. */
export function replyKind(reply: Reply): 'positive' | 'intermediate' | 'transient' | 'permanent' {
  switch (Math.floor(reply.code / 100)) {
    case 2:
      return 'positive';
    case 3:
      return 'intermediate';
    case 4:
      return 'transient';
    default:
      return 'permanent';
  }
}

/** Prints the reply in one line for events and timelines: `550 5.1.1 no such mailbox`. */
export function printReply(reply: Reply): string {
  const status = reply.detail === undefined ? '' : ` ${enhancedStatus(reply)}`;
  return `${reply.code}${status} ${reply.text.join(' / ')}`;
}
