import type { Reply } from '../../mail/reply.ts';
import { printReply } from '../../mail/reply.ts';

/** Replies that the scheduler itself gives. */
export const schedulerReplies = {
  /** RFC 3463 §3.5: 4.4.7 delivery time expired. */
  expired: (last: Reply | undefined): Reply => ({
    code: 451,
    detail: '4.7',
    text: [`delivery time expired${last === undefined ? '' : `; the last answer was: ${printReply(last)}`}`],
  }),
  held: (reason: string): Reply => ({ code: 450, detail: '4.5', text: [`held here: ${reason}`] }),
  /** RFC 3463 §3.4: 4.3.2 system not accepting network messages. */
  heldBack: { code: 451, detail: '3.2', text: ['kept here by order of the administrator'] } satisfies Reply,
  smartHostRefusesRelay: (reply: Reply): Reply => ({
    code: 451,
    detail: '7.1',
    text: [
      `our smart host does not relay for us (${printReply(reply)}); kept until its administrator or ours mends it`,
    ],
  }),
  returnedByOperator: (text: string): Reply => ({
    code: 554,
    detail: '0.0',
    text: [text === '' ? 'returned by the administrator of this server' : text],
  }),
  attemptBroke: (what: string): Reply => ({
    code: 451,
    detail: '3.0',
    text: [`local error during the attempt: ${what}`],
  }),
} as const;
