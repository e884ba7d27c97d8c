/** DATA (RFC 5321 §4.1.1.4). */
import { replyKind } from '../../../../mail/reply.ts';
import { replies } from '../../replies.ts';
import { command, noArgument } from '../command.ts';

export const data = command({
  verb: 'DATA',
  phases: ['mail', 'rcpt'],
  nature: 'group',
  parse: noArgument(replies.syntax('DATA')),
  run(session) {
    const { transaction, offer } = session;
    if (transaction === undefined || transaction.recipients.length === 0) {
      return session.reply(offer.profile === 'lmtp' ? replies.noRecipients : replies.noValidRecipients);
    }
    const { envelope, recipients } = transaction;
    session.ask({ about: 'data', envelope, recipients }, ([reply]) => {
      if (replyKind(reply) === 'transient' || replyKind(reply) === 'permanent') {
        session.abandon('refused');
        return session.reply(reply);
      }
      session.beginContent(true);
      session.input = 'data';
      session.reply(replies.startMailInput);
      session.flush();
    });
  },
});
