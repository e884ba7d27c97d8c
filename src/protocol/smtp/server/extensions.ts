import { forwardedNames } from '../grammar/forwarded.ts';
import type { Session } from './session.ts';

/** The keywords of the extensions in force, one a line, for the reply to EHLO (RFC 5321 §4.1.1.1). */
export function extensions(session: Session): string[] {
  const { offer } = session;
  const lines = [
    'PIPELINING',
    `SIZE ${offer.messageSizeMax}`,
    '8BITMIME',
    'SMTPUTF8',
    'CHUNKING',
    'DSN',
    'ENHANCEDSTATUSCODES',
  ];
  if (offer.startTls !== 'off' && !session.tls) lines.push('STARTTLS');
  if (mayLogIn(session) && session.account === undefined) lines.push(`AUTH ${offer.mechanisms.join(' ')}`);
  lines.push(`LIMITS MAILMAX=${offer.messagesMax} RCPTMAX=${offer.recipientsMax}`);
  if (offer.etrn) lines.push('ETRN');
  if (offer.mayBecomeAnother === true) lines.push(`XCLIENT ${forwardedNames.XCLIENT.join(' ')}`);
  if (offer.speaksForOthers === true) lines.push(`XFORWARD ${forwardedNames.XFORWARD.join(' ')}`);
  lines.push('HELP');
  return lines;
}

/** Whether a mechanism is offered as things are: under TLS only, unless the clear was allowed (RFC 8314 §3.3). */
export function mayLogIn({ offer, tls }: Session): boolean {
  return offer.mechanisms.length > 0 && (tls || offer.authInClear);
}
