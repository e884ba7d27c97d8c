import { unreachable } from '../../../base/assert.ts';
import { errnoOf } from '../../../events/fault.ts';
import type { Journal } from '../../../events/journal.ts';
import { printMailbox } from '../../../mail/mailbox.ts';
import type { Outcome } from '../../../mail/outcome.ts';
import type { World } from '../../../world/world.ts';
import type { Claim, ClaimedRecipient } from '../../queue/port.ts';
import type { Directory } from '../../recipients/port.ts';
import type { LocalDelivery } from '../../routing/port.ts';
import { Conditions } from '../conditions.ts';
import { LOCAL_PARALLEL_MAX } from '../limits.ts';
import type { AttemptResult } from '../port.ts';
import { deliveryReplies } from '../replies.ts';
import { ContentUnreadable, DirectorySyncs } from './files.ts';
import { deliverToDirectory, deliverToMaildir } from './maildir.ts';
import { deliveredTo, deliveredToKey, deliveryName, deliveryPrefix } from './message.ts';
import { deliverToProgram } from './pipe.ts';

/** What the local courier works with. */
export interface LocalCourierRooms {
  readonly world: Pick<World, 'clock' | 'disk' | 'programs'>;
  readonly directory: Pick<Directory, 'mailbox'>;
  readonly journal: Journal;
}

/** Delivers to the mailboxes of this service. */
export class LocalCourier {
  readonly #rooms: LocalCourierRooms;
  readonly #syncs: DirectorySyncs;
  readonly #conditions = new Conditions();
  /** What arrived before belongs to an earlier life of the process, which may have delivered it without a record. */
  readonly #startedAtMs: number;

  constructor(rooms: LocalCourierRooms) {
    this.#rooms = rooms;
    this.#syncs = new DirectorySyncs(rooms.world.disk);
    this.#startedAtMs = rooms.world.clock.wall();
  }

  /** Delivers to each recipient, some at once. */
  async attempt(claim: Claim): Promise<AttemptResult> {
    const { clock } = this.#rooms.world;
    const startedAt = clock.now();
    const outcomes: { index: number; outcome: Outcome }[] = [];
    const waiting = [...claim.recipients];
    const seen = await this.#deliveredTo(claim);
    const work = async (): Promise<void> => {
      for (let recipient = waiting.shift(); recipient !== undefined; recipient = waiting.shift()) {
        outcomes.push({ index: recipient.index, outcome: await this.#deliver(claim, recipient, seen) });
      }
    };
    if (claim.recipients.length === 1) await work();
    else await Promise.all(Array.from({ length: Math.min(LOCAL_PARALLEL_MAX, claim.recipients.length) }, work));
    return { outcomes, nextHop: 'answered', durationMs: clock.now() - startedAt };
  }

  async #deliveredTo(claim: Claim): Promise<ReadonlySet<string> | Outcome> {
    try {
      return await deliveredTo(claim.content);
    } catch (error) {
      return this.#unreadable(claim, error);
    }
  }

  async #deliver(claim: Claim, recipient: ClaimedRecipient, seen: ReadonlySet<string> | Outcome): Promise<Outcome> {
    if ('kind' in seen) return seen;
    const { mailbox } = recipient;
    if (seen.has(deliveredToKey(mailbox))) return failed(deliveryReplies.looped(printMailbox(mailbox)));
    const found = await this.#rooms.directory.mailbox(mailbox);
    switch (found.kind) {
      case 'missing':
        return failed(deliveryReplies.mailboxMissing());
      case 'unavailable':
        return { kind: 'deferred', reply: deliveryReplies.directoryUnavailable(found.why) };
      case 'mailbox':
        return this.#deliverBy(found.delivery, claim, recipient);
      default:
        return unreachable(found);
    }
  }

  async #deliverBy(delivery: LocalDelivery, claim: Claim, recipient: ClaimedRecipient): Promise<Outcome> {
    const { world, journal } = this.#rooms;
    switch (delivery.kind) {
      case 'maildir':
      case 'directory':
        return this.#deliverToFiles(delivery, claim, recipient);
      case 'pipe': {
        const path = delivery.command[0] ?? '';
        const key = `program ${path}`;
        let started = true;
        const outcome = await deliverToProgram(world, delivery, claim, recipient, (error) => {
          started = false;
          if (this.#conditions.begins(key))
            journal.emit('delivery.program-not-started', { path, recipient: printMailbox(recipient.mailbox), error });
        });
        if (started) this.#conditions.ends(key);
        return outcome;
      }
      case 'discard':
        journal.emit('delivery.message-discarded', {
          queueId: claim.queueId,
          sender: claim.envelope.reversePath === null ? '' : printMailbox(claim.envelope.reversePath),
          recipient: printMailbox(recipient.mailbox),
        });
        return delivered('discarded, as the mailbox is set to do');
      default:
        return unreachable(delivery);
    }
  }

  async #deliverToFiles(
    delivery: LocalDelivery & { readonly path: string },
    claim: Claim,
    recipient: ClaimedRecipient,
  ): Promise<Outcome> {
    const { disk } = this.#rooms.world;
    const { path } = delivery;
    const one = {
      path,
      name: deliveryName(claim, recipient),
      prefix: deliveryPrefix(claim, recipient),
      content: claim.content,
      maybeThere: claim.attempts > 0 || claim.arrivedAtMs <= this.#startedAtMs,
    };
    try {
      const result = await (delivery.kind === 'maildir' ? deliverToMaildir : deliverToDirectory)(
        disk,
        this.#syncs,
        one,
      );
      this.#conditions.ends(path);
      return delivered(
        result === 'delivered' ? 'delivered into the mailbox' : 'already in the mailbox from an earlier attempt',
      );
    } catch (error) {
      return error instanceof ContentUnreadable
        ? this.#unreadable(claim, error)
        : this.#unwritable(path, recipient, error);
    }
  }

  #unwritable(path: string, recipient: ClaimedRecipient, error: unknown): Outcome {
    const errno = errnoOf(error);
    const text = error instanceof Error ? error.message : String(error);
    if (this.#conditions.begins(path)) {
      this.#rooms.journal.emit('delivery.mailbox-unwritable', {
        recipient: printMailbox(recipient.mailbox),
        path,
        errno,
        error: text,
      });
    }
    if (errno === 'EDQUOT') return { kind: 'deferred', reply: deliveryReplies.mailboxFull() };
    if (errno === 'ENOSPC') return { kind: 'deferred', reply: deliveryReplies.storageFull() };
    return { kind: 'deferred', reply: deliveryReplies.storageFailed(errno || text) };
  }

  #unreadable(claim: Claim, cause: unknown): Outcome {
    if (this.#conditions.begins(`content ${claim.queueId}`)) {
      const error = cause instanceof Error ? cause.message : String(cause);
      this.#rooms.journal.emit('delivery.content-unreadable', { queueId: claim.queueId, error });
    }
    return { kind: 'deferred', reply: deliveryReplies.contentUnreadable() };
  }
}

function failed(reply: Outcome['reply'] & object): Outcome {
  return { kind: 'failed', reply };
}

function delivered(where: string): Outcome {
  return { kind: 'delivered', how: 'delivered', dsnPassed: false, reply: deliveryReplies.delivered(where) };
}
