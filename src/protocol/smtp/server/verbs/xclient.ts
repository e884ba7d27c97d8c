/** XCLIENT, as Postfix documents it: a trusted host says for whom it speaks, and the session begins anew for that client. */
import { replyKind } from '../../../../mail/reply.ts';
import { type ForwardedClient, parseForwarded } from '../../grammar/forwarded.ts';
import type { Parsed } from '../../grammar/parameters.ts';
import { replies } from '../../replies.ts';
import { command, type CommandRow } from '../command.ts';

/** Reads what both commands say. */
export function forwardedArgument(verb: 'XCLIENT' | 'XFORWARD'): CommandRow<ForwardedClient>['parse'] {
  return (argument, session): Parsed<ForwardedClient> => {
    if (!session.offer.speaksForOthers) return { ok: false, reply: replies.unknownCommand };
    const value = parseForwarded(argument);
    return value === undefined
      ? { ok: false, reply: replies.syntax(`${verb} attribute=value ...`) }
      : { ok: true, value };
  };
}

export const xclient = command({
  verb: 'XCLIENT',
  phases: ['start', 'ready'],
  inClear: true,
  parse: forwardedArgument('XCLIENT'),
  run(session, { address }) {
    session.ask({ about: 'client', address }, ([reply]) => {
      if (replyKind(reply) !== 'positive') return session.reply(reply);
      session.forget();
      session.reply(replies.banner(session.offer.hostName, session.offer.banner));
    });
  },
});
