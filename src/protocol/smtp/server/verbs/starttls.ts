/** STARTTLS (RFC 3207 §4). Octets that came behind it in the clear are dropped, never read as if they had come under TLS. */
import { writeReply } from '../../grammar/reply.ts';
import { replies } from '../../replies.ts';
import { between, command, noArgument } from '../command.ts';

export const starttls = command({
  verb: 'STARTTLS',
  phases: between,
  inClear: true,
  parse: noArgument(replies.syntax('STARTTLS')),
  run(session) {
    if (session.tls) return session.reply(replies.tlsActive);
    if (session.offer.startTls === 'off') return session.reply(replies.notOffered);
    session.flush();
    session.input = 'tls';
    session.effect({ kind: 'start-tls', octets: writeReply(replies.readyForTls) });
  },
});
