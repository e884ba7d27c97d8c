/** RSET (RFC 5321 §4.1.1.5). */
import { replies } from '../../replies.ts';
import { anywhere, command, noArgument } from '../command.ts';

export const rset = command({
  verb: 'RSET',
  phases: anywhere,
  nature: 'group',
  parse: noArgument(replies.syntax('RSET')),
  run(session) {
    session.abandon('reset');
    session.countIdle();
    session.reply(replies.ok);
  },
});
