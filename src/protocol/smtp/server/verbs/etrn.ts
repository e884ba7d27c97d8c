/** ETRN (RFC 1985): a node, `@` and a domain with all below it, or `#` and a queue's name. */
import { isDomain } from '../../grammar/domain.ts';
import { replies } from '../../replies.ts';
import { between, command } from '../command.ts';

export const etrn = command({
  verb: 'ETRN',
  phases: between,
  needsLogin: true,
  parse(argument) {
    const name = /^[@#]/.test(argument) ? argument.slice(1) : argument;
    const valid = argument.startsWith('#') ? /^[\x21-\x7e]{1,255}$/.test(name) : isDomain(name);
    return valid ? { ok: true, value: argument } : { ok: false, reply: replies.syntax('ETRN domain') };
  },
  run(session, argument) {
    if (!session.offer.etrn) return session.reply(replies.etrnNotAllowed);
    session.ask({ about: 'etrn', argument }, ([reply]) => session.reply(reply));
  },
});
