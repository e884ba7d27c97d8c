/** Commands that are known and not offered: EXPN (RFC 5321 §3.5.2), TURN (RFC 5321 appendix F.1), and those of RFC 821. */
import { replies } from '../../replies.ts';
import { anyArgument, anywhere, command, type Command } from '../command.ts';

function notOffered(verb: string): Command {
  return command({ verb, phases: anywhere, parse: anyArgument, run: (session) => session.reply(replies.notOffered) });
}

export const expn = notOffered('EXPN');
export const turn = notOffered('TURN');
export const send = notOffered('SEND');
export const soml = notOffered('SOML');
export const saml = notOffered('SAML');
