/** XFORWARD, as Postfix documents it: who brought the mail to the host that passes it on. It changes no decision. */
import { mergeForwarded, parseXforward } from '../../grammar/forwarded.ts';
import { replies } from '../../replies.ts';
import { between, command } from '../command.ts';

export const xforward = command({
  verb: 'XFORWARD',
  phases: between,
  inClear: true,
  parse(argument, session) {
    if (session.offer.speaksForOthers !== true) return { ok: false, reply: replies.unknownCommand };
    const value = parseXforward(argument);
    return value === undefined
      ? { ok: false, reply: replies.syntax('XFORWARD attribute=value ...') }
      : { ok: true, value };
  },
  run(session, changes) {
    session.forwarded = mergeForwarded(session.forwarded, changes);
    session.reply(replies.ok);
  },
});
