/**
 * BDAT (RFC 3030 §2). The octets of the chunk follow the command whatever it is answered, so every refusal reads them
 * and drops them. A failed chunk ends the transaction: the chunks pipelined behind it find none and are dropped too.
 */
import { replyKind, type Reply } from '../../../../mail/reply.ts';
import type { Parsed } from '../../grammar/parameters.ts';
import { replies } from '../../replies.ts';
import { command } from '../command.ts';
import { completeChunk } from '../content-input.ts';
import type { Session } from '../session.ts';

interface ChunkArguments {
  readonly size: number;
  readonly last: boolean;
}

export const bdat = command<ChunkArguments>({
  verb: 'BDAT',
  phases: ['mail', 'rcpt', 'chunks'],
  nature: 'group',
  parse: parseChunk,
  run(session, chunk) {
    const { transaction } = session;
    if (transaction === undefined || transaction.recipients.length === 0)
      return readChunk(session, chunk, replies.noRecipients);
    if (session.scanner !== undefined) return readChunk(session, chunk, undefined);
    const { envelope, recipients } = transaction;
    session.ask({ about: 'data', envelope, recipients }, ([reply]) => {
      const kind = replyKind(reply);
      if (kind === 'transient' || kind === 'permanent') {
        session.abandon('refused');
        return readChunk(session, chunk, reply);
      }
      session.beginContent(false);
      session.phase = 'chunks';
      readChunk(session, chunk, undefined);
    });
  },
  refuse: readChunk,
});

/** A size that cannot be read leaves no way to find the next command: the session ends rather than take content for commands. */
function parseChunk(argument: string, session: Session): Parsed<ChunkArguments> {
  const match = /^ *(\d{1,15})(?: +(LAST))? *$/i.exec(argument);
  if (match !== null) return { ok: true, value: { size: Number(match[1]), last: match[2] !== undefined } };
  session.reply(replies.syntax('BDAT size [LAST]'));
  return { ok: false, reply: replies.outOfStep };
}

function readChunk(session: Session, { size, last }: ChunkArguments, refusal: Reply | undefined): void {
  session.chunk = { size, last, refusal, remaining: size };
  if (refusal === undefined) foreseeSize(session, size);
  session.input = 'chunk';
  if (size === 0) completeChunk(session);
}

/** A chunk that goes over the limit is known before its octets come: they are not worth keeping. */
function foreseeSize(session: Session, size: number): void {
  const { scanner, offer } = session;
  if (scanner === undefined || scanner.broken !== 'no' || scanner.size + size <= offer.messageSizeMax) return;
  scanner.broken = 'too-big';
  session.giveContentUp();
}
