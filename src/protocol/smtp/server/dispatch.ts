/** From a line to a row of the command table, and what may stand against it. */
import type { Reply } from '../../../mail/reply.ts';
import { replies } from '../replies.ts';
import type { Command } from './command.ts';
import type { Line } from './line-reader.ts';
import type { Session } from './session.ts';
import { commandTable, httpVerbs } from './table.ts';

/** Carries out the command in a line. */
export function dispatch(session: Session, line: Line): void {
  session.groups = false;
  if (line.kind !== 'line') {
    session.line = '';
    return session.reply(refusalOfLine(line.kind));
  }
  const { text } = line;
  const space = text.indexOf(' ');
  const verb = (space < 0 ? text : text.slice(0, space)).toUpperCase();
  const row = commandTable.get(verb);
  session.line = shownLine(session, text, verb, row !== undefined);
  if (row === undefined) return session.reply(httpVerbs.has(verb) ? replies.notHttp : replies.unknownCommand);
  if (line.octets > row.lineMax) return session.reply(verb === 'AUTH' ? replies.authTooLong : replies.lineTooLong);
  session.groups = row.nature === 'group';
  if (row.nature === 'idle') session.countIdle();
  if (session.ended) return;
  row.perform(session, space < 0 ? '' : text.slice(space + 1).trimEnd(), refusal(row, session));
}

/**
 * A command as the driver may show it. The credentials of AUTH are nobody's business, nor are the lines that follow one that
 * was refused: a client that pipelines sends them all the same.
 */
function shownLine(session: Session, text: string, verb: string, known: boolean): string {
  if (known) session.secretsMayFollow = verb === 'AUTH';
  if (verb === 'AUTH') return text.slice(0, text.indexOf(' ', 5) + 1 || undefined).trimEnd();
  return session.secretsMayFollow ? '' : text;
}

/** Why the command may not be said now, whatever its argument. */
function refusal(row: Command, session: Session): Reply | undefined {
  const { offer, phase, tls, account } = session;
  if (phase === 'refused' && !row.phases.includes(phase)) return replies.sessionRefused;
  if (offer.startTls === 'required' && !tls && !row.inClear) return replies.mustStartTls;
  if (row.phases.includes(phase))
    return row.needsLogin && account === undefined && offer.authRequired ? replies.authRequired : undefined;
  if (phase === 'start') return replies.helloFirst(offer.profile === 'lmtp' ? 'LHLO' : 'EHLO');
  return row.verb === 'MAIL' ? replies.nestedMail : replies.badSequence;
}

function refusalOfLine(kind: Exclude<Line['kind'], 'line'>): Reply {
  switch (kind) {
    case 'too-long':
      return replies.lineTooLong;
    case 'bad-ending':
      return replies.lineEnding;
    default:
      return replies.lineOctets;
  }
}
