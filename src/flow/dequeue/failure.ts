import { printReply } from '../../mail/reply.ts';
import type { ClientPhase, SessionFailure } from '../../protocol/smtp/client/port.ts';

const PHASES: Readonly<Partial<Record<ClientPhase, string>>> = {
  greeting: 'before its greeting',
  hello: 'after EHLO',
  starttls: 'after STARTTLS',
  tls: 'in the TLS handshake',
  auth: 'during the log-in',
  command: 'after the command',
};

const phaseInWords = (phase: ClientPhase): string => PHASES[phase] ?? 'between commands';

/** Why a session with a host ended, in words. */
export function failureInWords(failure: SessionFailure): string {
  switch (failure.kind) {
    case 'refused': {
      const what = failure.command === 'AUTH' ? 'the log-in was refused' : `it refused ${failure.command}`;
      return `${what}: ${printReply(failure.reply)}`;
    }
    case 'starttls-refused':
      return `it refused STARTTLS: ${printReply(failure.reply)}`;
    case 'starttls-missing':
      return 'it does not offer STARTTLS, which the settings demand';
    case 'auth-missing':
      return 'it offers no way to log in that may be used (without TLS that is CRAM-MD5 alone)';
    case 'invalid':
      return `it does not speak SMTP ${phaseInWords(failure.phase)}: ${failure.quote}`;
    case 'closed':
      return `it closed the connection ${phaseInWords(failure.phase)}`;
    case 'timed-out':
      return `it did not answer ${phaseInWords(failure.phase)}`;
    case 'abandoned':
      return `the session was given up ${phaseInWords(failure.phase)}`;
  }
}
