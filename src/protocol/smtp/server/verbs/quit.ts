/** QUIT (RFC 5321 §4.1.1.10); an argument is borne, what is pipelined behind it is not read. */
import { replies } from '../../replies.ts';
import { anyArgument, anywhere, command } from '../command.ts';

export const quit = command({
  verb: 'QUIT',
  phases: [...anywhere, 'refused'],
  inClear: true,
  parse: anyArgument,
  run(session) {
    session.reply(replies.closing);
    session.close(true);
  },
});
