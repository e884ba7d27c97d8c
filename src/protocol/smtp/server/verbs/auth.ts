/** AUTH (RFC 4954 §4): the lines of the exchange; the mechanisms are in `protocol/sasl`. */
import { replyKind } from '../../../../mail/reply.ts';
import { decodeBase64, encodeBase64 } from '../../../sasl/base64.ts';
import { mechanisms } from '../../../sasl/mechanisms.ts';
import type { Credentials, ServerStep } from '../../../sasl/port.ts';
import { passwordMax, saslLineMax, userNameMax } from '../../limits.ts';
import { replies } from '../../replies.ts';
import { command } from '../command.ts';
import { mayLogIn } from '../extensions.ts';
import type { Session } from '../session.ts';

export const auth = command({
  verb: 'AUTH',
  phases: ['ready', 'mail', 'rcpt', 'chunks'],
  lineMax: saslLineMax,
  parse(argument) {
    const [mechanism = '', initial, ...more] = argument.split(' ', 3);
    if (mechanism === '' || more.length > 0)
      return { ok: false, reply: replies.syntax('AUTH mechanism [initial-response]') };
    return { ok: true, value: { mechanism: mechanism.toUpperCase(), initial } };
  },
  run(session, { mechanism, initial }) {
    if (session.account !== undefined) return session.reply(replies.authTwice);
    if (session.transaction !== undefined) return session.reply(replies.authBusy);
    if (!session.extended) return session.reply(replies.helloFirst('EHLO'));
    if (session.offer.mechanisms.length === 0) return session.reply(replies.notOffered);
    if (!mayLogIn(session)) return session.reply(replies.encryptionNeeded);
    const name = session.offer.mechanisms.find((offered) => offered === mechanism);
    if (name === undefined) return session.reply(replies.authMechanism);
    // '=' is the initial response of no octets.
    const octets = initial === undefined ? undefined : initial === '=' ? Buffer.alloc(0) : decodeBase64(initial);
    if (initial !== undefined && (octets === undefined || initial === '')) return session.reply(replies.authSyntax);
    session.exchange = { mechanism, server: mechanisms[name].server() };
    go(session, session.exchange.server.begin(octets));
  },
});

/** A line of the exchange; undefined where it was not one: too long or badly ended. */
export function continueLogin(session: Session, line: string | undefined, tooLong: boolean): void {
  const { exchange } = session;
  session.input = 'command';
  if (exchange === undefined) return session.reply(replies.badSequence);
  const octets = line === undefined ? undefined : decodeBase64(line);
  if (octets !== undefined) return go(session, exchange.server.respond(octets));
  session.exchange = undefined;
  session.reply(line === '*' ? replies.authCancelled : tooLong ? replies.authTooLong : replies.authSyntax);
}

function go(session: Session, step: ServerStep): void {
  if (step.kind === 'challenge') {
    session.input = 'sasl';
    return session.reply(replies.authChallenge(encodeBase64(step.challenge)));
  }
  const mechanism = session.exchange?.mechanism ?? '';
  session.exchange = undefined;
  // RFC 4616 §2: to act for somebody else is an authorization that fails, like a wrong password.
  if (step.kind === 'refused') return session.reply(replies.authFailed);
  if (step.kind === 'malformed' || !bearable(step.credentials)) return session.reply(replies.authSyntax);
  session.ask({ about: 'login', mechanism, ...step.credentials }, ([reply]) => {
    if (replyKind(reply) === 'positive') session.account = step.credentials.user;
    session.reply(reply);
  });
}

function bearable({ user, password }: Credentials): boolean {
  return Buffer.byteLength(user) <= userNameMax && Buffer.byteLength(password) <= passwordMax;
}
