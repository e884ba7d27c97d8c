/** What is found in a data directory after a power cut: in its queues, and in its Maildirs. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openLogQueue } from '../../../src/flow/queue/log/engine.ts';
import type { Queue, QueueRow } from '../../../src/flow/queue/port.ts';
import { nodeWorld } from '../../../src/world/node/world.ts';
import { LOCAL_DOMAIN } from './traffic.ts';

/** A message in a queue, with its content as one char an octet. */
export interface QueuedMessage {
  readonly queueId: string;
  readonly content: string;
  readonly waiting: readonly string[];
}

/** A file in a Maildir. */
export interface MaildirMessage {
  readonly mailbox: string;
  readonly file: string;
  /** The queue-id in its name. */
  readonly queueId: string;
  readonly content: string;
}

/** All that a data directory holds. */
export interface Found {
  readonly queued: readonly QueuedMessage[];
  readonly mailboxes: readonly MaildirMessage[];
  /** What the engine says of damage; also that a queue cannot be opened, which then counts as empty. */
  readonly complaints: readonly string[];
}

/** Opens the queues of a data directory, reads everything in them, and closes them. */
export async function findAll(data: string): Promise<Found> {
  const complaints: string[] = [];
  const queued: QueuedMessage[] = [];
  const queues = join(data, 'queue');
  for (const shard of existsSync(queues) ? readdirSync(queues) : []) {
    try {
      queued.push(...(await findQueued(join(queues, shard), Number(shard), complaints)));
    } catch (error) {
      complaints.push(`shard ${shard} cannot be opened: ${String(error)}`);
    }
  }
  return { queued, mailboxes: readMailboxes(data), complaints };
}

async function findQueued(directory: string, shard: number, complaints: string[]): Promise<QueuedMessage[]> {
  const queue = await openLogQueue({
    world: nodeWorld,
    directory,
    shard,
    settings: { spaceFloor: 1024 ** 2, spaceResume: 2 * 1024 ** 2, freshCache: 0, messagesMax: 1_000_000 },
    journal: {
      // The last record may be cut off where nobody was told yet that it is there: what was acknowledged is looked at by itself.
      emit: (name, ...rest) =>
        void (
          !['queue.recovered', 'queue.record-cut'].includes(name) && complaints.push(`${name} ${JSON.stringify(rest)}`)
        ),
    },
    bodyMemoryMax: 1024 ** 2,
    previousEnd: 'killed',
    // Only what it makes itself is small; old segments are read in their own size.
    geometry: { segmentBytes: 1024 ** 2, spareSegments: 0, reserveSegments: 0 },
  });
  try {
    await queue.recovered;
    return await readQueue(queue);
  } finally {
    await queue.close();
  }
}

async function readQueue(queue: Queue): Promise<QueuedMessage[]> {
  const rows = await queue.list({}, { offset: 0, most: 100_000, envelopes: true });
  const byId = new Map<string, QueueRow[]>();
  for (const row of rows) byId.set(row.queueId, [...(byId.get(row.queueId) ?? []), row]);
  const found: QueuedMessage[] = [];
  for (const [queueId, deliveries] of byId) {
    const recipients = deliveries.flatMap((row) => row.recipients ?? []);
    const waiting = recipients.filter(({ state }) => state === 'waiting').map(({ mailbox }) => mailbox);
    found.push({ queueId, waiting, content: await readContent(queue, queueId) });
  }
  return found;
}

async function readContent(queue: Queue, queueId: string): Promise<string> {
  try {
    const parts: Buffer[] = [];
    for await (const chunk of (await queue.content(queueId))?.chunks() ?? []) parts.push(Buffer.from(chunk));
    return Buffer.concat(parts).toString('latin1');
  } catch (error) {
    return `unreadable: ${String(error)}`;
  }
}

/** The files of all Maildirs. */
export function readMailboxes(data: string): MaildirMessage[] {
  const found: MaildirMessage[] = [];
  const domain = join(data, 'mail', LOCAL_DOMAIN);
  for (const mailbox of existsSync(domain) ? readdirSync(domain) : []) {
    for (const part of ['new', 'cur']) {
      const directory = join(domain, mailbox, part);
      for (const file of existsSync(directory) ? readdirSync(directory) : []) {
        const queueId = /^\d+\.([^_]+)_/.exec(file)?.[1] ?? '';
        found.push({
          mailbox: `${mailbox}@${LOCAL_DOMAIN}`,
          file,
          queueId,
          content: readFileSync(join(directory, file), 'latin1'),
        });
      }
    }
  }
  return found;
}
