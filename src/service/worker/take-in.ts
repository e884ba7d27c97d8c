import { groupByNextHop } from '../../flow/preparation/deliveries.ts';
import type { Queue } from '../../flow/queue/port.ts';
import type { CarriedEnvelope, TakenIn } from '../../operate/actions/worker-calls.ts';
import type { EnvelopeRecipient } from '../../mail/envelope.ts';
import type { Mailbox } from '../../mail/mailbox.ts';
import { printMailbox } from '../../mail/mailbox.ts';
import type { Timeline } from '../../mail/timeline.ts';
import type { World } from '../../world/world.ts';
import type { Generation } from './generation.ts';

/** What taking in works with. */
export interface TakeInParts {
  readonly world: Pick<World, 'disk' | 'clock'>;
  readonly queue: Pick<Queue, 'condition' | 'begin'>;
  readonly timeline: Timeline;
  readonly generation: () => Pick<Generation, 'router' | 'directory'>;
}

const CHUNK_BYTES = 64 * 1024;
/** How `ims trace` names the way by which such mail came. */
const PROTOCOL = 'import';

/** Takes a message that waited in another queue into this one, octet for octet: no hop of its way, so no trace field of its own. */
export async function takeIn(parts: TakeInParts, path: string, carried: CarriedEnvelope): Promise<TakenIn> {
  const { world, queue, timeline } = parts;
  const condition = queue.condition();
  if (!condition.accepting) return { ok: false, why: `no mail is taken now: ${condition.reply.text.join(' ')}` };
  const { router } = parts.generation();
  const recipients = await targetsOf(parts, carried.recipients);
  const deliveries = groupByNextHop(recipients, (mailbox) => router.nextHop(mailbox, carried.envelope));
  const draft = queue.begin();
  try {
    await readInto(world.disk, path, draft);
    const queueId = await draft.commit({
      envelope: carried.envelope,
      edits: [],
      deliveries,
      class: carried.class,
      messageId: carried.messageId,
      arrivedAtMs: carried.arrivedAtMs,
      expiresAtMs: carried.expiresAtMs,
      eightBit: carried.eightBit,
      dueAtMs: world.clock.wall(),
      held: false,
    });
    const { reversePath } = carried.envelope;
    timeline.add({
      atMs: world.clock.wall(),
      queueId,
      what: 'received',
      messageId: carried.messageId,
      sender: reversePath === null ? '' : printMailbox(reversePath),
      recipients: recipients.map(({ mailbox }) => printMailbox(mailbox)),
      client: '',
      protocol: PROTOCOL,
      sizeBytes: carried.sizeBytes,
      nextHops: deliveries.map(({ nextHop }) => nextHop),
    });
    return { ok: true, queueId };
  } catch (error) {
    draft.discard();
    return { ok: false, why: error instanceof Error ? error.message : String(error) };
  }
}

/** Addresses that are ours here take the place of what stands for them; others go on as they are. */
async function targetsOf(
  { generation }: TakeInParts,
  recipients: readonly EnvelopeRecipient[],
): Promise<readonly EnvelopeRecipient[]> {
  const { directory } = generation();
  const all: EnvelopeRecipient[] = [];
  for (const recipient of recipients) {
    const resolution = await directory.resolve(recipient.mailbox);
    const targets: readonly Mailbox[] = resolution.kind === 'ours' ? resolution.targets : [recipient.mailbox];
    for (const mailbox of targets) all.push({ ...recipient, mailbox });
  }
  return all;
}

async function readInto(disk: World['disk'], path: string, draft: ReturnType<Queue['begin']>): Promise<void> {
  const file = await disk.open(path, 'read');
  try {
    for (let at = 0; ; ) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const length = await file.read(chunk, 0, CHUNK_BYTES, at);
      if (length === 0) return;
      at += length;
      if (!draft.write(chunk.subarray(0, length)))
        await new Promise<void>((resolve, reject) => {
          draft.drained((error) => (error === undefined ? resolve() : reject(error)));
        });
    }
  } finally {
    await file.close();
  }
}
