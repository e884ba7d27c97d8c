/** Mail data on its way in: from the scanner into effects, and what is replied when it ends. */
import { assert } from '../../../base/assert.ts';
import type { Reply } from '../../../mail/reply.ts';
import { droppedContentMax, viewsMax } from '../limits.ts';
import { replies } from '../replies.ts';
import type { ContentScanner } from '../content/content-scanner.ts';
import type { Session } from './session.ts';

/** Reads octets of DATA and returns where it stopped. */
export function readData(session: Session, octets: Buffer, start: number): number {
  const { scanner } = session;
  assert(scanner !== undefined, 'DATA has a scanner');
  const end = feed(session, scanner, octets, start, octets.length);
  if (!scanner.ended || session.ended) return end;
  session.input = 'command';
  const refusal = refusalOf(scanner);
  if (refusal === undefined) session.offerMessage(scanner);
  else refuseMessage(session, refusal);
  return end;
}

/** Reads octets of a chunk and returns where it stopped. */
export function readChunkOctets(session: Session, octets: Buffer, start: number): number {
  const { chunk, scanner } = session;
  assert(chunk !== undefined, 'a chunk is being read');
  const end = Math.min(octets.length, start + chunk.remaining);
  if (chunk.refusal === undefined && scanner !== undefined) feed(session, scanner, octets, start, end);
  else if (chunk.size - chunk.remaining > droppedContentMax) {
    session.reply(replies.contentEndless);
    return octets.length;
  }
  chunk.remaining -= end - start;
  if (chunk.remaining === 0 && !session.ended) completeChunk(session);
  return end;
}

/** The last octet of a chunk has come. */
export function completeChunk(session: Session): void {
  const { chunk, scanner } = session;
  assert(chunk !== undefined, 'a chunk is being read');
  session.chunk = undefined;
  session.input = 'command';
  if (chunk.refusal !== undefined || scanner === undefined) return session.reply(chunk.refusal ?? replies.badSequence);
  if (chunk.last) scanner.finish((view) => session.effect({ kind: 'content', chunk: view }));
  const refusal = refusalOf(scanner);
  if (refusal !== undefined && chunk.last) return refuseMessage(session, refusal);
  if (refusal !== undefined) {
    session.abandon('refused');
    return session.reply(refusal);
  }
  if (chunk.last) session.offerMessage(scanner);
  else session.reply(replies.chunkAccepted(chunk.size));
}

/** The first octet that breaks a message gives its content up; what still comes is counted and dropped. */
function feed(session: Session, scanner: ContentScanner, octets: Buffer, start: number, end: number): number {
  const brokenBefore = scanner.broken !== 'no';
  const views: Buffer[] = [];
  const stop = scanner.scan(octets, start, end, (view) => views.push(view));
  if (scanner.broken === 'no') {
    // Lines with dots cut content into small views: many of them are cheaper as one copy.
    const chunks = views.length > viewsMax ? [Buffer.concat(views)] : views;
    for (const chunk of chunks) session.effect({ kind: 'content', chunk });
  } else {
    if (!brokenBefore) session.giveContentUp();
    scanner.dropped += stop - start;
    if (scanner.dropped > droppedContentMax) session.reply(replies.contentEndless);
  }
  return stop;
}

function refusalOf(scanner: ContentScanner): Reply | undefined {
  switch (scanner.broken) {
    case 'no':
      return undefined;
    case 'too-big':
      return replies.messageTooBig;
    case 'bare-line-ending':
      return replies.bareLineEnding;
  }
}

/** The content is already given up; the transaction ends with the reply, under LMTP with one for each recipient. */
function refuseMessage(session: Session, refusal: Reply): void {
  const recipients = session.transaction?.recipients.length ?? 0;
  session.abandon('refused');
  session.replyToMessage([refusal], recipients);
}
