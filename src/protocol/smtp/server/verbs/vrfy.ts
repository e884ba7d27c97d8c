/** VRFY (RFC 5321 §3.5.3): the answer is the same for every mailbox. */
import { replies } from '../../replies.ts';
import { anywhere, command } from '../command.ts';

export const vrfy = command({
  verb: 'VRFY',
  phases: anywhere,
  nature: 'idle',
  needsLogin: true,
  parse: (argument) =>
    argument === '' ? { ok: false, reply: replies.syntax('VRFY mailbox') } : { ok: true, value: argument },
  run: (session) => session.reply(replies.noDisclosure),
});
