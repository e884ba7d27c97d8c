import { printInstant } from '../../../base/calendar.ts';
import type { QueueRow } from '../../../flow/queue/port.ts';
import { cutRecords, shardsIn } from '../../doctor/facts/queue-segments.ts';
import { addressesMax, cutFilesMax } from '../limits.ts';
import { cureOf, nothing, person, steps, type Repair, type RepairParts } from '../repair.ts';
import type { Plan, ServiceRequest, Step } from '../step.ts';

const CHECK = 'queue.room';
const ROWS = 500;
const ADDRESS = /[\w.+=-]{1,64}@[\w.-]{1,255}/g;

/** What was set aside in the queue of the running service; undefined where it does not tell. */
async function setAside({ parts: { service } }: RepairParts): Promise<readonly QueueRow[] | undefined> {
  const page = (await service?.request('queue.list', { filter: { held: true }, most: ROWS })) as
    | { readonly rows: readonly QueueRow[] }
    | undefined;
  return page?.rows.filter(({ quarantined }) => quarantined);
}

/** Who sends it to whom, and how often it was tried. */
function inWords({ queueId, sender, recipients = [], nextHop, attempts, arrivedAtMs }: QueueRow): string {
  const to = recipients.slice(0, addressesMax).map(({ mailbox }) => mailbox);
  const more = recipients.length > to.length ? ` and ${recipients.length - to.length} more` : '';
  const from = sender === undefined || sender === '' ? 'the null sender' : sender;
  return `${queueId} from ${from} to ${to.join(', ')}${more} (${nextHop}, ${attempts} attempts, of ${printInstant(arrivedAtMs)})`;
}

/** A step for each message that can be read; the words for those that cannot. */
async function planEach(
  given: RepairParts,
  verb: string,
  ask: (queueId: string) => Omit<Extract<Step, { do: 'ask-service' }>, 'do' | 'words'>,
  summary: string,
): Promise<Plan> {
  const rows = await setAside(given);
  if (rows === undefined) return person('Start the service first: only it knows what is in its queue (ims run)');
  const damaged = rows.filter(({ sender }) => sender === undefined).map(({ queueId }) => queueId);
  const lost =
    damaged.length === 0
      ? ''
      : ` Damaged on disk, and left as it is: ${damaged.join(', ')}; put its file back from a backup, or remove it (ims queue remove ${damaged[0]} --yes).`;
  const whole = new Map(rows.flatMap((row) => (row.sender === undefined ? [] : [[row.queueId, row] as const])));
  if (whole.size === 0) return lost === '' ? nothing('nothing in the queue is set aside') : person(lost.trim());
  const list = [...whole.values()].map(
    (row): Step => ({ do: 'ask-service', ...ask(row.queueId), words: `${verb} ${inWords(row)}` }),
  );
  return steps(`${summary}${lost}`, ...list);
}

const request = (action: ServiceRequest['action'], input: object): ServiceRequest => ({ action, input });

/** Deliveries that crashed a worker twice, or could not be read back, and can now. */
export const releaseQuarantined: Repair = {
  id: 'queue.quarantine',
  title: 'Tries again, one message at a time, what was set aside in the queue',
  checks: [CHECK],
  provenBy: CHECK,
  events: [4300, 4301],
  onlyByName:
    'Keep the message for the developers first (ims queue show QUEUE-ID --content). Then ims repair queue.quarantine tries it again, and ims repair queue.return-quarantined returns it to its sender.',
  plan: (given) =>
    planEach(
      given,
      'try again',
      (queueId) => ({
        ...request('queue.release', { filter: { queueId } }),
        undo: request('queue.hold', { filter: { queueId } }),
      }),
      'What was set aside is tried again at once. Undone, it is held. One that crashes the worker again is set aside again after two crashes.',
    ),
};

/** The sender hears of it, and it is gone. */
export const returnQuarantined: Repair = {
  id: 'queue.return-quarantined',
  title: 'Returns to its senders what was set aside in the queue',
  checks: [CHECK],
  provenBy: CHECK,
  onlyByName: 'Returning cannot be taken back.',
  plan: (given) =>
    planEach(
      given,
      'return to its sender',
      (queueId) =>
        request('queue.bounce', { filter: { queueId }, confirmed: true, text: 'the message could not be processed' }),
      'Each sender gets a report that his message could not be processed. THIS CANNOT BE UNDONE.',
    ),
};

/** What can be read of a record that was cut off: when, how much, and which addresses are in it. */
async function cutInWords({ parts: { host } }: RepairParts, path: string, modifiedMs: number): Promise<string> {
  const text = await host?.text(path);
  const found = text?.ok === true ? [...new Set(text.value.match(ADDRESS) ?? [])].slice(0, addressesMax) : [];
  const seen = found.length === 0 ? 'no address in it' : `in it: ${found.join(', ')}`;
  return `${path} of ${printInstant(modifiedMs)}, ${seen}`;
}

/** Records that the end of a file cut off; the service does not read them again. */
export const dropCutRecords: Repair = {
  id: 'queue.cut-records',
  title: 'Removes the rests of cut records that were set aside; the snapshot keeps them',
  checks: ['storage.records'],
  provenBy: 'storage.records',
  events: [3302],
  onlyByName: 'After a power cut nothing is to be done: the sender has no 250 and sends again.',
  async plan(given) {
    const { settings, disk } = given.parts;
    if (settings === undefined || disk === undefined) return person(cureOf(given));
    const queue = `${settings.server.data}/queue`;
    const shards = (await disk.entry(queue)) === undefined ? [] : await shardsIn(disk, queue);
    const paths: string[] = [];
    for (const shard of shards) paths.push(...cutRecords(await disk.list(shard)).map((name) => `${shard}/${name}`));
    const list: Step[] = [];
    const words: string[] = [];
    for (const path of paths.sort().slice(0, cutFilesMax)) {
      const entry = await given.changes.entry(path);
      if (!entry.ok || entry.value.kind !== 'file') continue;
      words.push(await cutInWords(given, path, entry.value.modifiedMs));
      list.push({ do: 'remove-file', path });
    }
    return list.length === 0
      ? nothing('no rest of a cut record is there')
      : steps(`The rests go; the snapshot keeps them. ${words.join('; ')}.`, ...list);
  },
};
