/** MAIL (RFC 5321 §4.1.1.2). */
import { replyKind } from '../../../../mail/reply.ts';
import { parseMailArguments } from '../../grammar/mail-arguments.ts';
import { mailLineMax } from '../../limits.ts';
import { replies } from '../../replies.ts';
import { between, command } from '../command.ts';

export const mail = command({
  verb: 'MAIL',
  phases: between,
  lineMax: mailLineMax,
  nature: 'group',
  needsLogin: true,
  parse: parseMailArguments,
  run(session, { envelope, declaredSize }) {
    if (!session.mayOpenTransaction) return session.reply(replies.tooManyMessages);
    if ((declaredSize ?? 0) > session.offer.messageSizeMax) return session.reply(replies.messageTooBig);
    session.ask({ about: 'sender', envelope, declaredSize }, ([reply]) => {
      if (replyKind(reply) === 'positive') session.beginTransaction(envelope);
      session.reply(reply);
    });
  },
});
