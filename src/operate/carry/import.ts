/**
 * Takes a folder of exported mail into the queue: each message by the queue's own durable acceptance, once. The name of its
 * envelope says how far it is: to be taken, being taken, taken.
 */
import { join } from 'node:path';
import { errnoOf } from '../../events/fault.ts';
import type { Disk } from '../../world/ports/disk.ts';
import {
  CONTENT_SUFFIX,
  ENVELOPE_BYTES_MAX,
  ENVELOPE_SUFFIX,
  type EnvelopeFile,
  MESSAGES_MAX,
  parseEnvelope,
  TAKEN_SUFFIX,
  TAKING_SUFFIX,
} from './envelope-file.ts';

/** Who takes it in. */
export interface ImportTarget {
  /** The queue-id once it is on stable storage; else why it was not taken, or 'unknown' where nobody can know. */
  take(content: string, envelope: EnvelopeFile): Promise<ImportedMessage>;
  /** Whether a message was taken in before, by an import that was cut off. */
  wasTaken(envelope: EnvelopeFile): Promise<boolean | undefined>;
}

/** One message's answer. */
export type ImportedMessage =
  | { readonly kind: 'taken'; readonly queueId: string }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'unknown'; readonly why: string };

/** What became of a folder. */
export interface ImportEnd {
  readonly taken: readonly { readonly name: string; readonly queueId: string }[];
  /** Taken by an earlier import. */
  readonly before: number;
  readonly left: readonly { readonly name: string; readonly why: string }[];
}

type ImportDisk = Pick<Disk, 'list' | 'entry' | 'readFile' | 'rename' | 'syncDirectory'>;

/** Takes everything that has not been taken; a message that cannot be taken stays, with why. Rejects where the folder cannot be read. */
export async function importMail(disk: ImportDisk, directory: string, target: ImportTarget): Promise<ImportEnd> {
  const all = (await disk.list(directory)).sort();
  const names = all.slice(0, MESSAGES_MAX * 2);
  const taken: { name: string; queueId: string }[] = [];
  const left: { name: string; why: string }[] = [];
  let before = names.filter((file) => file.endsWith(TAKEN_SUFFIX)).length;
  for (const file of names) {
    const suffix = [ENVELOPE_SUFFIX, TAKING_SUFFIX].find((one) => file.endsWith(one));
    if (suffix === undefined) continue;
    const name = file.slice(0, -suffix.length);
    const one = await importOne(disk, directory, name, suffix, target).catch((error: unknown) => ({
      kind: 'refused' as const,
      why: `its files cannot be used (${errnoOf(error)})`,
    }));
    if (one === 'before') before += 1;
    else if (one.kind === 'taken') taken.push({ name, queueId: one.queueId });
    else left.push({ name, why: one.why });
  }
  if (all.length > names.length) {
    const why = `${all.length} files are too many at once: move those of messages that were taken away, then import again`;
    left.push({ name: directory, why });
  }
  return { taken, before, left };
}

async function importOne(
  disk: ImportDisk,
  directory: string,
  name: string,
  suffix: string,
  target: ImportTarget,
): Promise<ImportedMessage | 'before'> {
  const at = (end: string): string => join(directory, `${name}${end}`);
  const move = async (from: string, to: string): Promise<void> => {
    await disk.rename(at(from), at(to));
    await disk.syncDirectory(directory);
  };
  const size = (await disk.entry(at(suffix)))?.sizeBytes ?? 0;
  if (size > ENVELOPE_BYTES_MAX) return { kind: 'refused', why: 'its envelope is too large' };
  const envelope = parseEnvelope((await disk.readFile(at(suffix))).toString('utf8'));
  if (typeof envelope === 'string') return { kind: 'refused', why: `its envelope cannot be used: ${envelope}` };
  const content = await disk.entry(at(CONTENT_SUFFIX));
  if (content?.kind !== 'file' || content.sizeBytes !== envelope.sizeBytes)
    return {
      kind: 'refused',
      why: `${name}${CONTENT_SUFFIX} does not have the ${envelope.sizeBytes} octets of the envelope`,
    };
  if (suffix === TAKING_SUFFIX) {
    const was = await target.wasTaken(envelope);
    if (was === undefined) return { kind: 'refused', why: 'whether an import that was cut off took it cannot be seen' };
    if (was) {
      await move(TAKING_SUFFIX, TAKEN_SUFFIX);
      return 'before';
    }
  } else await move(ENVELOPE_SUFFIX, TAKING_SUFFIX);
  const end = await target.take(at(CONTENT_SUFFIX), envelope);
  if (end.kind === 'taken') await move(TAKING_SUFFIX, TAKEN_SUFFIX);
  else if (end.kind === 'refused') await move(TAKING_SUFFIX, ENVELOPE_SUFFIX);
  return end;
}
