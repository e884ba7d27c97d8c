/** NOOP (RFC 5321 §4.1.1.9). */
import { replies } from '../../replies.ts';
import { anyArgument, anywhere, command } from '../command.ts';

export const noop = command({
  verb: 'NOOP',
  phases: anywhere,
  nature: 'idle',
  inClear: true,
  parse: anyArgument,
  run: (session) => session.reply(replies.ok),
});
