/** What a tester knows of a queue from outside: what was promised to it, and what it asked for without hearing the end. */
import type { Queue } from '../../../src/flow/queue/port.ts';
import type { LogQueue } from '../../../src/flow/queue/log/engine.ts';
import {
  attempt,
  deferred,
  delivered,
  failed,
  message,
  octets,
  recipient,
  T0,
} from '../../contracts/queue-messages.ts';

interface Entry {
  readonly octets: number;
  /** The 250 was said. */
  accepted: boolean;
  /** How many deliveries it has. */
  readonly deliveries: number;
  /** Deliveries whose last outcome was asked for, or is known to be stable, by their ordinal. */
  readonly asked: Set<string>;
  readonly stable: Set<string>;
  /** Recipients whose delivery is known to be stable. */
  readonly delivered: Set<string>;
  /** The message that owed this one, where it is a report. */
  readonly owedBy?: string;
}

function entryOf(octets: number, deliveries: number, owedBy?: string): Entry {
  return {
    octets,
    deliveries,
    accepted: false,
    asked: new Set(),
    stable: new Set(),
    delivered: new Set(),
    ...(owedBy !== undefined && { owedBy }),
  };
}

function ordinalOf(deliveryId: string): string {
  return deliveryId.split('.')[1] ?? '';
}

/** Content that its name and size decide. */
export function contentOf(name: string, size: number): Buffer {
  const line = Buffer.from(`${name} says the same again and again\r\n`);
  return Buffer.alloc(size, line);
}

async function read(queue: Queue, queueId: string): Promise<string> {
  try {
    const content = await queue.content(queueId);
    return content === undefined ? 'nothing' : await octets(content);
  } catch (error) {
    return String(error);
  }
}

const SIZES = [40, 700, 3000, 4096, 9000, 20_000];

export class Ledger {
  readonly entries = new Map<string, Entry>();
  readonly #chance: () => number;
  #names = 0;
  acknowledged = 0;

  constructor(chance: () => number) {
    this.#chance = chance;
  }

  /** Accepts, delivers, defers, fails and reports, until it is told to stop. */
  async work(queue: LogQueue, stopped: () => boolean): Promise<void> {
    while (!stopped()) {
      try {
        if (this.#chance() < 0.5) await this.#accept(queue);
        else await this.#attempt(queue);
      } catch {
        // Storage failed: nothing was promised. Let it come back.
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  /** Everything that is wrong with a queue after a crash. */
  async check(queue: Queue): Promise<string[]> {
    const wrong: string[] = [];
    const seen = new Map<string, Set<string>>();
    for (const row of await queue.list({}, { offset: 0, most: 100_000, envelopes: true })) {
      const name = row.messageId ?? '';
      const entry = this.entries.get(name);
      if (entry === undefined) {
        wrong.push(`${name || row.queueId} was never sent`);
        continue;
      }
      const ordinal = ordinalOf(row.deliveryId);
      if (entry.stable.has(ordinal)) wrong.push(`${row.deliveryId} of ${name} is back`);
      const others = seen.get(name) ?? new Set();
      if (others.has(ordinal)) wrong.push(`${name} is there twice`);
      seen.set(name, others.add(ordinal));
      for (const one of row.recipients ?? []) {
        if (one.state === 'waiting' && entry.delivered.has(one.mailbox))
          wrong.push(`${name} forgot the delivery to ${one.mailbox}`);
      }
      const content = await read(queue, row.queueId);
      if (content !== contentOf(name, entry.octets).toString('latin1')) {
        wrong.push(
          `${name} is corrupt: ${content.length} octets ${content.slice(0, 60)} of ${entry.octets}, ${entry.accepted ? 'accepted' : 'not accepted'}`,
        );
      }
    }
    for (const [name, entry] of this.entries) {
      const there = seen.get(name)?.size ?? 0;
      if (entry.accepted && there + entry.asked.size < entry.deliveries) wrong.push(`${name} is lost`);
      if (entry.owedBy === undefined) continue;
      const causeEnded = (this.entries.get(entry.owedBy)?.stable.size ?? 0) > 0;
      if (seen.has(entry.owedBy) && there > 0) wrong.push(`${name} is there before its cause has ended`);
      if (causeEnded && there + entry.asked.size === 0) wrong.push(`report ${name} is lost`);
    }
    this.#learn(seen);
    return wrong;
  }

  /** What was open before the crash is decided now. */
  #learn(seen: ReadonlyMap<string, ReadonlySet<string>>): void {
    for (const [name, entry] of this.entries) {
      const there = seen.get(name);
      entry.accepted = there !== undefined;
      for (const set of [entry.asked, entry.stable]) set.clear();
      for (let ordinal = 0; ordinal < entry.deliveries; ordinal += 1) {
        if (there?.has(String(ordinal)) === true) continue;
        entry.asked.add(String(ordinal));
        entry.stable.add(String(ordinal));
      }
    }
  }

  #name(): string {
    this.#names += 1;
    return `m${this.#names}`;
  }

  async #accept(queue: LogQueue): Promise<void> {
    if (!queue.condition().accepting) return void (await new Promise((resolve) => setImmediate(resolve)));
    const name = this.#name();
    const size = SIZES[Math.floor(this.#chance() * SIZES.length)] ?? 40;
    const draft = queue.begin();
    const content = contentOf(name, size);
    for (let at = 0; at < size; at += 1500) draft.write(content.subarray(at, at + 1500));
    if (this.#chance() < 0.05) return draft.discard();
    const both = [recipient('a@example.com'), recipient('b@example.com')];
    const deliveries =
      this.#chance() < 0.5
        ? [{ nextHop: 'mx:example.com', recipients: both }]
        : both.map((one, at) => ({ nextHop: at === 0 ? 'local' : 'mx:example.com', recipients: [one] }));
    const entry = entryOf(size, deliveries.length);
    this.entries.set(name, entry);
    await draft.commit(message({ messageId: name, deliveries }));
    entry.accepted = true;
    this.acknowledged += 1;
  }

  async #attempt(queue: LogQueue): Promise<void> {
    const [claim] = await queue.claim(this.#chance() < 0.5 ? 'local' : 'mx:example.com', T0 + 1, 1);
    if (claim === undefined) return void (await new Promise((resolve) => setImmediate(resolve)));
    const entry = this.entries.get(claim.messageId);
    if (entry === undefined) throw new Error(`claimed ${claim.messageId}`);
    const dice = this.#chance();
    const outcome = dice < 0.5 ? delivered : dice < 0.7 ? failed : deferred;
    const others = claim.recipients.slice(1).map(() => (this.#chance() < 0.5 ? outcome : deferred));
    const outcomes = [outcome, ...others];
    const record = attempt(outcomes, claim, { nextDueMs: T0 });
    const ends = outcomes.every((one) => one.kind !== 'deferred');
    const ordinal = ordinalOf(claim.deliveryId);
    const owes = ends && outcome.kind === 'failed' && entry.owedBy === undefined && entry.deliveries === 1;
    if (ends) entry.asked.add(ordinal);
    const stable = queue.record(claim, owes ? { ...record, owed: [this.#report(claim.messageId)] } : record);
    const settled = stable.then(() => {
      if (ends) entry.stable.add(ordinal);
      for (const [at, one] of claim.recipients.entries()) {
        if (outcomes[at]?.kind === 'delivered') entry.delivered.add(`${one.mailbox.localPart}@${one.mailbox.domain}`);
      }
    });
    if (this.#chance() < 0.5) await settled;
    else settled.catch(() => undefined);
  }

  #report(cause: string): Parameters<Queue['record']>[1]['owed'][number] {
    const name = `report-${cause}`;
    const size = this.#chance() < 0.5 ? 500 : 9000;
    this.entries.set(name, entryOf(size, 1, cause));
    const deliveries = [{ nextHop: 'local', recipients: [recipient('alice@example.test')] }];
    return { message: message({ messageId: name, deliveries }), content: contentOf(name, size) };
  }
}
