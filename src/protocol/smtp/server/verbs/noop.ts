/** NOOP (RFC 5321 §4.1.1.9). Its argument is ignored, unless it is a word that was agreed upon beforehand. */
import { replies } from '../../replies.ts';
import { anyArgument, anywhere, command } from '../command.ts';

export const noop = command({
  verb: 'NOOP',
  phases: anywhere,
  nature: 'idle',
  inClear: true,
  parse: anyArgument,
  run(session, argument) {
    const answer = argument === '' ? undefined : session.offer.introduce?.(argument);
    session.reply(answer === undefined ? replies.ok : replies.introduced(answer));
  },
});
