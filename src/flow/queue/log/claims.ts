/** The scheduler's side of the queue: takes next hops, leases deliveries, records what became of them. */
import { assert } from '../../../base/assert.ts';
import { Fault } from '../../../events/fault.ts';
import type { Journal } from '../../../events/journal.ts';
import type { NextHop } from '../../../mail/next-hop.ts';
import type { QueueId } from '../../../mail/queue-id.ts';
import { makeQueueId } from '../../../mail/queue-id.ts';
import { deliveryFlag } from '../index/deliveries.ts';
import { queueLimits } from '../limits.ts';
import type { AttemptRecord, Claim, ClaimedRecipient, Content, OwedMessage } from '../port.ts';
import type { RecipientState } from '../recipient-state.ts';
import { allFinal, claimedRecipients, withOutcomes } from '../recipient-state.ts';
import type { LogEntry } from './committer.ts';
import { buildMessage, className } from './records.ts';
import type { LoadedDelivery, LogStore } from './store.ts';
import type { DeliveryState } from './state.ts';
import type { Suspects } from './suspects.ts';

/** A lease of a delivery row. */
class LogClaim implements Claim {
  readonly queueId: QueueId;
  readonly deliveryId: string;
  readonly nextHop: NextHop;
  readonly class: Claim['class'];
  readonly envelope: Claim['envelope'];
  readonly recipients: readonly ClaimedRecipient[];
  readonly messageId: string;
  readonly arrivedAtMs: number;
  readonly expiresAtMs: number;
  readonly attempts: number;
  readonly delayReported: boolean;
  readonly content: Content;
  readonly row: number;
  readonly loaded: LoadedDelivery;
  open = true;

  constructor(store: LogStore, row: number, loaded: LoadedDelivery) {
    const { deliveries, nextHops } = store.index;
    const message = deliveries.message[row] ?? 0;
    const { head } = loaded;
    this.row = row;
    this.loaded = loaded;
    this.queueId = store.queueId(message);
    this.deliveryId = store.deliveryId(row);
    this.nextHop = nextHops.names[deliveries.nextHop[row] ?? 0] ?? '';
    this.class = className(deliveries.class[row] ?? 0);
    this.envelope = head.envelope;
    this.recipients = claimedRecipients(loaded.recipients, loaded.states);
    this.messageId = head.messageId;
    this.arrivedAtMs = head.arrivedAtMs;
    this.expiresAtMs = head.expiresAtMs;
    this.attempts = deliveries.attempts[row] ?? 0;
    this.delayReported = deliveries.has(row, deliveryFlag.delayReported);
    this.content = store.contentOf(message, head, loaded.octets);
  }
}

export class Claims {
  readonly #store: LogStore;
  readonly #suspects: Suspects;
  readonly #journal: Journal;

  constructor(store: LogStore, suspects: Suspects, journal: Journal) {
    this.#store = store;
    this.#suspects = suspects;
    this.#journal = journal;
  }

  takeDue(nowMs: number, most: number): NextHop[] {
    const { index } = this.#store;
    const { nextHops } = index;
    if (this.#suspects.exclusive) {
      const row = index.deliveries.nextHop[this.#suspects.exclusiveRow] ?? 0;
      const waits = index.deliveries.has(this.#suspects.exclusiveRow, deliveryFlag.waiting);
      if (row === 0 || !waits || nextHops.eligibleMs(row) > nowMs) return [];
      nextHops.takeRow(row);
      return [nextHops.names[row] ?? ''];
    }
    const taken: NextHop[] = [];
    while (taken.length < most) {
      const row = nextHops.takeDue(nowMs);
      if (row === 0) break;
      taken.push(nextHops.names[row] ?? '');
    }
    return taken;
  }

  rearm(nextHop: NextHop, notBeforeMs: number): void {
    const row = this.#store.index.nextHops.find(nextHop);
    if (row !== 0) this.#store.index.nextHops.rearm(row, notBeforeMs, this.#store.wallMs);
  }

  nextDueMs(): number | undefined {
    const { index } = this.#store;
    if (!this.#suspects.exclusive) return index.nextHops.nextDueMs();
    const row = this.#suspects.exclusiveRow;
    if (row === 0 || !index.deliveries.has(row, deliveryFlag.waiting)) return undefined;
    const eligible = index.nextHops.eligibleMs(index.deliveries.nextHop[row] ?? 0);
    return eligible === Number.POSITIVE_INFINITY ? undefined : eligible;
  }

  /** Deliveries may begin again. */
  wake(): void {
    this.#suspects.wakeAll();
  }

  async claim(nextHop: NextHop, nowMs: number, most: number): Promise<readonly Claim[]> {
    const rows = this.#lease(nextHop, nowMs, most);
    const claims: (Claim | undefined)[] = [];
    const slow: Promise<void>[] = [];
    for (const [place, row] of rows.entries()) {
      this.#suspects.begun(row);
      const fresh = this.#store.loadFresh(row);
      claims.push(fresh === undefined ? undefined : new LogClaim(this.#store, row, fresh));
      if (fresh === undefined) slow.push(this.#loadInto(claims, place, row));
    }
    if (slow.length > 0) await Promise.all(slow);
    return claims.filter((claim) => claim !== undefined);
  }

  /** Claims of deliveries that an operator's verb has leased. */
  ofLeased(leased: readonly (readonly [row: number, loaded: LoadedDelivery])[]): readonly Claim[] {
    return leased.map(([row, loaded]) => {
      this.#suspects.begun(row);
      return new LogClaim(this.#store, row, loaded);
    });
  }

  record(claim: Claim, attempt: AttemptRecord): Promise<readonly QueueId[]> {
    assert(claim instanceof LogClaim && claim.open, 'a claim is recorded once, by the queue that made it');
    claim.open = false;
    const { row, loaded } = claim;
    const states = withOutcomes(loaded.states, attempt.outcomes);
    const change = { attempts: claim.attempts + 1, dueMs: attempt.nextDueMs };
    const ended = allFinal(states);
    return attempt.owed.length === 0
      ? this.#recordAlone(row, ended, this.#state(loaded, states), change, attempt.delayReported)
      : this.#recordOwed(row, ended, this.#state(loaded, states), change, attempt);
  }

  release(claim: Claim, dueAtMs: number): void {
    assert(claim instanceof LogClaim && claim.open, 'a claim is released once, by the queue that made it');
    claim.open = false;
    const { index } = this.#store;
    const { row } = claim;
    index.deliveries.due[row] = dueAtMs;
    index.unlease(row);
    this.#suspects.over(row, false);
    index.wait(row);
    if (index.deliveries.has(row, deliveryFlag.held)) this.#keep(row, this.#state(claim.loaded, claim.loaded.states));
  }

  #lease(nextHop: NextHop, nowMs: number, most: number): number[] {
    const { index } = this.#store;
    const hop = index.nextHops.find(nextHop);
    if (hop === 0 || most <= 0) return [];
    if (this.#suspects.exclusive) {
      const row = this.#suspects.exclusiveRow;
      if (row === 0 || index.deliveries.nextHop[row] !== hop || !index.deliveries.has(row, deliveryFlag.waiting))
        return [];
      index.lease(row);
      return [row];
    }
    const rows: number[] = [];
    while (rows.length < most) {
      const row = index.popDue(hop, nowMs);
      if (row === 0) break;
      rows.push(row);
    }
    return rows;
  }

  /** Keeps the order in which they are due: one that has to be read does not fall behind the fresh ones. */
  async #loadInto(claims: (Claim | undefined)[], place: number, row: number): Promise<void> {
    try {
      claims[place] = new LogClaim(this.#store, row, await this.#store.load(row));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const { index } = this.#store;
      this.#journal.emit(error.event, error.data);
      index.mark(row, true, true);
      index.unlease(row);
      this.#suspects.over(row, false);
    }
  }

  #recordAlone(
    row: number,
    ended: boolean,
    state: DeliveryState,
    change: { attempts: number; dueMs: number },
    delayReported: boolean,
  ): Promise<readonly QueueId[]> {
    return new Promise((resolve, reject) => {
      const done = (error?: unknown): void => {
        this.#recorded(row, ended, state);
        if (error === undefined) resolve([]);
        else reject(error);
      };
      this.#store.committer.add(this.#entry(row, ended, state, change, delayReported, done), 'lazy');
    });
  }

  /** The owed messages go before the outcome, chained to it: all of them become stable, or none. */
  async #recordOwed(
    row: number,
    ended: boolean,
    state: DeliveryState,
    change: { attempts: number; dueMs: number },
    attempt: AttemptRecord,
  ): Promise<readonly QueueId[]> {
    const store = this.#store;
    const ids = attempt.owed.map(() => store.ids.next());
    const built = await Promise.all(attempt.owed.map((owed, at) => this.#buildOwed(ids[at] ?? 0, owed)));
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: unknown): void => {
        if (error !== undefined) reject(error);
      };
      const entries: LogEntry[] = built.map((one, at) => {
        const { message } = attempt.owed[at] as OwedMessage;
        return store.messageEntry(ids[at] ?? 0, message, one, settle);
      });
      const done = (error?: unknown): void => {
        this.#recorded(row, ended, state);
        if (error === undefined) resolve();
        else reject(error);
      };
      entries.push(this.#entry(row, ended, state, change, attempt.delayReported, done));
      store.committer.addChain(entries);
    });
    return ids.map((id) => makeQueueId(store.shard, id));
  }

  async #buildOwed(id: number, { message, content }: OwedMessage): Promise<ReturnType<typeof buildMessage>> {
    const parts = { id, message, chained: true, bodyBytes: content.length };
    if (content.length <= queueLimits.owedInlineBytes)
      return buildMessage({ ...parts, chunks: [content], bigCrc: undefined });
    const big = this.#store.big.begin(id, () => undefined);
    big.write(content);
    await big.finish();
    return buildMessage({ ...parts, chunks: [], bigCrc: big.crc });
  }

  #entry(
    row: number,
    ended: boolean,
    state: DeliveryState,
    change: { attempts: number; dueMs: number },
    delayReported: boolean,
    done: (error?: unknown) => void,
  ): LogEntry {
    if (delayReported) this.#store.index.deliveries.set(row, deliveryFlag.delayReported);
    return ended ? this.#store.endEntry(row, state, change, done) : this.#store.stateEntry(row, state, change, done);
  }

  /** The lease is over. A hold that came meanwhile is written now. */
  #recorded(row: number, ended: boolean, state: DeliveryState): void {
    const { index } = this.#store;
    if (!ended) index.unlease(row);
    this.#suspects.over(row, ended);
    if (ended) return;
    if (index.deliveries.has(row, deliveryFlag.held)) this.#keep(row, state);
    else index.wait(row);
  }

  #keep(row: number, state: DeliveryState): void {
    this.#store.committer.add(
      this.#store.stateEntry(row, state, {}, () => undefined),
      'lazy',
    );
  }

  #state(loaded: LoadedDelivery, states: readonly RecipientState[]): DeliveryState {
    return loaded.ownRecipients ? { states, recipients: loaded.recipients } : { states };
  }
}
