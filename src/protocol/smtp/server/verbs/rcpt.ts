/**
 * RCPT (RFC 5321 §4.1.1.3). A recipient refused by decision is an error only as far as more are refused than accepted:
 * a guesser of addresses is ended, a long list with some members gone is not.
 */
import { replyKind } from '../../../../mail/reply.ts';
import { parseRcptArguments } from '../../grammar/rcpt-arguments.ts';
import { rcptLineMax } from '../../limits.ts';
import { replies } from '../../replies.ts';
import { command } from '../command.ts';

export const rcpt = command({
  verb: 'RCPT',
  phases: ['mail', 'rcpt'],
  lineMax: rcptLineMax,
  nature: 'group',
  parse: (argument, { transaction }) => parseRcptArguments(argument, transaction?.envelope.smtpUtf8 ?? false),
  run(session, recipient) {
    const { transaction, offer } = session;
    if (transaction === undefined) return session.reply(replies.badSequence);
    if (transaction.recipients.length >= offer.recipientsMax) return session.reply(replies.tooManyRecipients);
    session.ask({ about: 'recipient', recipient }, ([reply]) => {
      if (replyKind(reply) === 'positive') {
        transaction.recipients.push(recipient);
        session.phase = 'rcpt';
      } else if (replyKind(reply) === 'permanent') transaction.refused += 1;
      session.reply(reply, transaction.refused > transaction.recipients.length ? 'counts' : 'passes');
    });
  },
});
