/** One transaction: from an accepted MAIL to the message on stable storage, or to nothing. */
import { Fault, errnoOf } from '../../events/fault.ts';
import { editedSize } from '../../mail/edits.ts';
import type { EnvelopeOptions } from '../../mail/envelope.ts';
import { printMailbox } from '../../mail/mailbox.ts';
import type { QueueId } from '../../mail/queue-id.ts';
import type { Reply } from '../../mail/reply.ts';
import type { HeaderScanner } from '../../protocol/headers/scanner.ts';
import { replies } from '../../protocol/smtp/replies.ts';
import type { AcceptedRecipient } from '../preparation/deliveries.ts';
import type { SessionOrigin } from '../preparation/preparation.ts';
import type { ArrivingBody } from '../preparation/signing.ts';
import type { Draft, NewMessage } from '../queue/port.ts';
import type { SenderCheck } from '../../mail/sender-check.ts';
import type { Examination } from '../policy/sender-checks.ts';
import type { Room } from './room.ts';

/** What is told of a message that is stored. */
interface Accepted {
  readonly protocol: string;
  readonly origin: SessionOrigin;
  readonly sizeBytes: number;
  readonly checks: readonly SenderCheck[] | undefined;
  readonly signed: readonly string[] | undefined;
}

/** Whose transaction it is. */
export interface TransactionOwner {
  readonly sessionId: string;
  origin(): SessionOrigin;
  /** The draft takes octets again after `content` had answered false. */
  contentMayGoOn(): void;
}

export class Transaction {
  readonly id: string;
  readonly envelope: EnvelopeOptions;
  readonly recipients: AcceptedRecipient[] = [];
  /** What is being found out about the sender; undefined where nothing is. */
  readonly examination: Examination | undefined;
  /** Final addresses so far. */
  targets = 0;
  readonly #room: Room;
  readonly #owner: TransactionOwner;
  #draft: Draft | undefined;
  #header: HeaderScanner | undefined;
  /** What hashes the body of a message that may be signed. */
  #body: ArrivingBody | undefined;
  /** Why the message will be refused at its end, from the moment that is known; its octets are then only counted by the machine. */
  #failure: unknown;
  #committing = false;
  #discarded = false;

  constructor(
    room: Room,
    owner: TransactionOwner,
    id: string,
    envelope: EnvelopeOptions,
    examination: Examination | undefined,
  ) {
    this.#room = room;
    this.#owner = owner;
    this.id = id;
    this.envelope = envelope;
    this.examination = examination;
  }

  /** Mail data is about to come. */
  begin(): void {
    this.#draft = this.#room.queue.begin();
    const origin = this.#owner.origin();
    this.#header = this.#room.preparation.scanner(origin);
    this.#body = this.#room.preparation.body(origin, this.#header);
  }

  /** Takes mail data; false asks for a pause until the owner hears `contentMayGoOn`. */
  content(chunk: Buffer): boolean {
    const draft = this.#draft;
    const header = this.#header;
    if (draft === undefined || header === undefined) return true;
    if (!header.done) {
      header.feed(chunk);
      if (header.excess !== undefined) {
        // Nothing of it will be kept, so its octets need no room.
        this.#dropDraft();
        return true;
      }
    }
    this.#body?.feed(chunk);
    if (draft.write(chunk)) return true;
    draft.drained((error) => {
      if (error !== undefined) {
        this.#failure = error;
        this.#dropDraft();
      }
      this.#owner.contentMayGoOn();
    });
    return false;
  }

  /** The last octet has come: prepares and commits. The reply says 250 only when the message is on stable storage (RFC 5321 §6.1). */
  finish(sizeBytes: number, eightBit: boolean): Reply | Promise<Reply> {
    if (this.examination === undefined) return this.#store(sizeBytes, eightBit);
    return this.examination.results.then((checks) =>
      // The client left while its checks were waited for: nobody heard that the message is ours.
      this.#discarded ? replies.shuttingDown : this.#store(sizeBytes, eightBit, checks),
    );
  }

  #store(sizeBytes: number, eightBit: boolean, checks?: readonly SenderCheck[]): Reply | Promise<Reply> {
    if (this.#failure !== undefined) return this.#notStored(this.#failure, sizeBytes);
    const origin = this.#owner.origin();
    const header = this.#header ?? this.#room.preparation.scanner(origin);
    const { id, envelope, recipients } = this;
    const arrived = { id, origin, envelope, recipients, header, sizeBytes, eightBit, body: this.#body };
    const prepared = this.#room.preparation.prepare(checks === undefined ? arrived : { ...arrived, checks });
    if (prepared.kind === 'refused') {
      this.discard();
      if (prepared.why === 'hops') this.#reportHops(origin);
      if (prepared.why === 'loop') this.#reportLoop(origin);
      return prepared.reply;
    }
    const draft = this.#draft ?? this.#room.queue.begin();
    this.#committing = true;
    const { protocol } = prepared;
    const commit = (message: NewMessage, signed?: readonly string[]): Promise<Reply> =>
      draft.commit(message).then(
        (queueId) => this.#committed(queueId, message, { protocol, origin, sizeBytes, checks, signed }),
        (error: unknown) => this.#notStored(error, sizeBytes),
      );
    return prepared.signed === undefined
      ? commit(prepared.message)
      : prepared.signed.then(({ message, by }) => commit(message, by));
  }

  /** Forgets it. What is being committed stays with the queue. */
  discard(): void {
    if (this.#committing) return;
    this.#discarded = true;
    this.#dropDraft();
  }

  #dropDraft(): void {
    this.#draft?.discard();
    this.#draft = undefined;
  }

  #committed(queueId: QueueId, message: NewMessage, { protocol, origin, sizeBytes, checks, signed }: Accepted): Reply {
    this.#room.storing.stored(sizeBytes);
    const { reversePath } = message.envelope;
    const recipients: string[] = [];
    const nextHops: string[] = [];
    for (const delivery of message.deliveries) {
      if (!nextHops.includes(delivery.nextHop)) nextHops.push(delivery.nextHop);
      for (const { mailbox } of delivery.recipients) recipients.push(printMailbox(mailbox));
    }
    this.#room.timeline.add({
      atMs: message.arrivedAtMs,
      queueId,
      what: 'received',
      messageId: message.messageId,
      sender: reversePath === null ? '' : printMailbox(reversePath),
      recipients,
      client: origin.clientAddress,
      protocol,
      ...(origin.account === undefined ? {} : { account: origin.account }),
      sizeBytes: editedSize(sizeBytes, message.edits),
      nextHops,
      ...(checks === undefined || checks.length === 0 ? {} : { checks }),
      ...(origin.forwarded === undefined ? {} : { forwarded: origin.forwarded }),
      ...(signed === undefined || signed.length === 0 ? {} : { signed }),
    });
    return replies.accepted(queueId);
  }

  /** Storage failed: one event while it lasts, and a reply that lets the sender try again. */
  #notStored(error: unknown, sizeBytes: number): Reply {
    const client = this.#owner.origin().clientAddress;
    const errno = errnoOf(error instanceof Fault ? error.cause : error);
    const isNew = this.#room.storing.failed(`${error instanceof Fault ? error.event : ''} ${errno}`, sizeBytes);
    if (isNew && error instanceof Fault) this.#room.journal.emit(error.event, error.data);
    else if (isNew) {
      const why = error instanceof Error ? error.message : String(error);
      this.#room.journal.emit('reception.message-not-stored', {
        session: this.#owner.sessionId,
        client,
        errno,
        why,
      });
    }
    const condition = this.#room.queue.condition();
    if (!condition.accepting) return condition.reply;
    return errno === 'ENOSPC' || errno === 'EDQUOT' ? replies.insufficientStorage : replies.queueTrouble;
  }

  #reportLoop(origin: SessionOrigin): void {
    const [recipient] = this.recipients;
    this.#room.journal.emit('reception.forwarding-loop', {
      client: origin.clientAddress,
      recipient: recipient === undefined ? '' : printMailbox(recipient.recipient.mailbox),
    });
  }

  #reportHops(origin: SessionOrigin): void {
    const { reversePath } = this.envelope;
    this.#room.journal.emit('reception.hops-exceeded', {
      client: origin.clientAddress,
      sender: reversePath === null ? '' : printMailbox(reversePath),
      hops: this.#room.settings.hopsMax,
    });
  }
}
