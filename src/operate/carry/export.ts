/** Writes waiting mail into a folder: content first, its envelope last, both on stable storage; what has an envelope is whole. */
import { join } from 'node:path';
import { errnoOf } from '../../events/fault.ts';
import type { QueueRow } from '../../flow/queue/port.ts';
import { printReply } from '../../mail/reply.ts';
import type { Disk } from '../../world/ports/disk.ts';
import { CONTENT_SUFFIX, type CarriedEnvelope, ENVELOPE_SUFFIX, printEnvelope } from './envelope-file.ts';

/** What the running service answers while mail is written. */
export interface ExportSource {
  /** The deliveries to write, held already. */
  rows(): Promise<readonly QueueRow[] | undefined>;
  /** A text says why there is none. */
  envelope(queueId: string): Promise<CarriedEnvelope | string>;
  /** The content from an offset, as Latin-1 text; undefined where the service cannot be asked. */
  part(queueId: string, offset: number): Promise<{ readonly sizeBytes: number; readonly text: string } | undefined>;
}

/** What became of it. */
export type ExportEnd =
  | {
      readonly kind: 'written';
      readonly messages: readonly string[];
      /** Messages that could not be written, each with why; they stay in the queue. */
      readonly left: readonly { readonly queueId: string; readonly why: string }[];
    }
  | { readonly kind: 'refused'; readonly why: string };

type ExportDisk = Pick<Disk, 'makeDirectory' | 'list' | 'entry' | 'open' | 'replaceFile' | 'syncDirectory' | 'unlink'>;

/** Writes them. Nothing that is there is overwritten. */
export async function exportMail(disk: ExportDisk, directory: string, source: ExportSource): Promise<ExportEnd> {
  try {
    const entry = await disk.entry(directory);
    if (entry !== undefined && entry.kind !== 'directory')
      return { kind: 'refused', why: `${directory} is no directory` };
    if (entry !== undefined && (await disk.list(directory)).length > 0)
      return {
        kind: 'refused',
        why: `${directory} is not empty, and nothing in it may be overwritten; name a new one`,
      };
    await disk.makeDirectory(directory, 0o700);
  } catch (error) {
    return { kind: 'refused', why: `${directory} cannot be used (${errnoOf(error)})` };
  }
  const rows = await source.rows();
  if (rows === undefined) return { kind: 'refused', why: 'the service could not be asked' };
  const byMessage = new Map<string, QueueRow[]>();
  for (const row of rows) byMessage.set(row.queueId, [...(byMessage.get(row.queueId) ?? []), row]);
  const messages: string[] = [];
  const left: { queueId: string; why: string }[] = [];
  for (const [queueId, deliveries] of byMessage) {
    const why = await exportOne(disk, directory, source, queueId, deliveries).catch(
      (error: unknown) => `it could not be written (${errnoOf(error)})`,
    );
    if (why === undefined) messages.push(queueId);
    else left.push({ queueId, why });
  }
  return { kind: 'written', messages, left };
}

async function exportOne(
  disk: ExportDisk,
  directory: string,
  source: ExportSource,
  queueId: string,
  deliveries: readonly QueueRow[],
): Promise<string | undefined> {
  if (deliveries.some(({ claimed }) => claimed)) return 'it is in work just now';
  const envelope = await source.envelope(queueId);
  if (typeof envelope === 'string') return envelope;
  const path = join(directory, `${queueId}${CONTENT_SUFFIX}`);
  const file = await disk.open(path, 'create', 0o600);
  try {
    let at = 0;
    for (let size = envelope.sizeBytes; at < size; ) {
      const part = await source.part(queueId, at);
      if (part === undefined || part.text === '') return 'its content could not be read';
      size = part.sizeBytes;
      const octets = Buffer.from(part.text, 'latin1');
      for (let done = 0; done < octets.length; ) done += await file.writev([octets.subarray(done)], at + done);
      at += octets.length;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  const waitedFor = deliveries.map(({ nextHop, recipients = [] }) => {
    const reply = recipients.find(({ lastReply }) => lastReply !== undefined)?.lastReply;
    return { nextHop, reason: reply === undefined ? '' : printReply(reply) };
  });
  await disk.replaceFile(
    join(directory, `${queueId}${ENVELOPE_SUFFIX}`),
    printEnvelope({ ...envelope, queueId, waitedFor }),
    0o600,
  );
  return undefined;
}
