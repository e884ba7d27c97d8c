/** XFORWARD, as Postfix documents it: who brought the mail to the host that passes it on. It changes no decision. */
import { replies } from '../../replies.ts';
import { between, command } from '../command.ts';
import { forwardedArgument } from './xclient.ts';

export const xforward = command({
  verb: 'XFORWARD',
  phases: between,
  inClear: true,
  parse: forwardedArgument('XFORWARD'),
  run(session) {
    session.reply(replies.ok);
  },
});
