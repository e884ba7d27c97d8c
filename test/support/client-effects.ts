import { printReply } from '../../src/mail/reply.ts';
import type { ClientEffect, RecipientVerdict, TransactionEnd } from '../../src/protocol/smtp/client/port.ts';

/** The effects of a client in short words. */
export function showEffects(effects: readonly ClientEffect[]): string[] {
  return effects.map((effect) => {
    if (effect.do === 'send') return `> ${effect.bytes.toString().replaceAll('\r\n', '|')}`;
    if (effect.do === 'failed') return `failed ${effect.failure.kind}`;
    if (effect.do === 'done') return `done ${showEnd(effect.end)}`;
    return effect.do;
  });
}

function showEnd(end: TransactionEnd): string {
  return `${end.verdicts.map(showVerdict).join(' ')} ${end.usable ? 'usable' : 'over'}`;
}

function showVerdict(verdict: RecipientVerdict): string {
  switch (verdict.kind) {
    case 'accepted':
      return `accepted(${printReply(verdict.reply)})`;
    case 'refused':
      return `refused(${verdict.command}: ${printReply(verdict.reply)})`;
    case 'impossible':
      return `impossible(${verdict.lacks})`;
    case 'unanswered':
      return `unanswered(${verdict.failure.kind}${verdict.contentSent ? ' after content' : ''})`;
  }
}
