/** XCLIENT, as Postfix documents it: a trusted host says for whom it speaks, and the session begins anew for that client. */
import { replyKind } from '../../../../mail/reply.ts';
import { parseXclient } from '../../grammar/forwarded.ts';
import { replies } from '../../replies.ts';
import { command } from '../command.ts';

export const xclient = command({
  verb: 'XCLIENT',
  phases: ['start', 'ready'],
  inClear: true,
  parse(argument, session) {
    if (session.offer.speaksForOthers !== true) return { ok: false, reply: replies.unknownCommand };
    if (session.offer.mayBecomeAnother !== true) return { ok: false, reply: replies.clientStays };
    const value = parseXclient(argument);
    return value === undefined
      ? { ok: false, reply: replies.syntax('XCLIENT attribute=value ...') }
      : { ok: true, value };
  },
  run(session, client) {
    session.ask({ about: 'client', client }, ([reply]) => {
      if (replyKind(reply) !== 'positive') return session.reply(reply);
      session.abandon('reset');
      session.forget();
      // What was said of the greeting and the login stays; a client that greets again replaces it.
      session.extended = client.extended === true;
      if (client.helo !== undefined && client.helo !== '') {
        session.greetingName = client.helo;
        session.phase = 'ready';
      }
      if (client.login !== undefined && client.login !== '') session.account = client.login;
      session.reply(replies.banner(session.offer.hostName, session.offer.banner));
    });
  },
});
