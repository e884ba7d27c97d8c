/** HELP (RFC 5321 §4.1.1.8). */
import { replies } from '../../replies.ts';
import { anyArgument, anywhere, command } from '../command.ts';

export const help = command({
  verb: 'HELP',
  phases: anywhere,
  nature: 'idle',
  parse: anyArgument,
  run(session) {
    const greeting = session.offer.profile === 'lmtp' ? 'LHLO' : 'HELO EHLO';
    session.reply(
      replies.help([
        `commands: ${greeting} MAIL RCPT DATA BDAT RSET NOOP QUIT HELP VRFY ETRN AUTH STARTTLS`,
        'they are explained in RFC 5321',
      ]),
    );
  },
});
