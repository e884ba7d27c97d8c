import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { errnoOf } from '../../../events/fault.ts';
import type { QueueFilter } from '../../../flow/queue/port.ts';
import type { MessageTimeline } from '../../actions/context.ts';
import type { QueueChange } from '../../actions/queue-change.ts';
import type { QueuePage } from '../../actions/queue-look.ts';
import type { CarriedEnvelope, EnvelopeFile } from '../../carry/envelope-file.ts';
import type { ImportedMessage } from '../../carry/import.ts';
import { isUnreachable } from '../../control/client.ts';
import { exitCodes } from '../exit-codes.ts';
import { findConfigurationFile, noConfigurationText } from '../find-service.ts';
import { type CliSession, globals } from '../session.ts';
import { count, plain } from '../text.ts';

const PAGE = 1000;
const SILENT = 'the service does not answer any more';

/** The rows that a filter matches; undefined where the service could not be asked, which was said. */
export async function allRows(
  session: CliSession,
  command: Command,
  filter: QueueFilter,
  most = Infinity,
): Promise<QueuePage['rows'] | undefined> {
  const rows: QueuePage['rows'][number][] = [];
  const ends = new Map<string, string>();
  const list = async (input: object): Promise<QueuePage['rows'] | undefined> => {
    const page = await session.ask<QueuePage>(command, 'queue.list', { most: PAGE, ...input });
    if (page === undefined || page.missing.length === 0) return page?.rows;
    session.fail(exitCodes.failed, `not everything can be seen: ${page.missing.join('; ')}`, command);
    return undefined;
  };
  for (;;) {
    const page = await list({ filter, after: [...ends.values()] });
    if (page === undefined) return undefined;
    if (page.length === 0 || rows.length >= most) return rows;
    const last = new Map(page.map(({ queueId }) => [shardOf(queueId), queueId]));
    rows.push(...page.filter(({ queueId }) => last.get(shardOf(queueId)) !== queueId));
    for (const [shard, queueId] of last) {
      // Its deliveries may go on behind the page.
      const whole = await list({ filter: { ...filter, queueId } });
      if (whole === undefined) return undefined;
      rows.push(...whole);
      ends.set(shard, queueId);
    }
  }
}

const shardOf = (queueId: string): string => queueId.slice(0, queueId.indexOf('-'));

async function runExport(session: CliSession, command: Command, name: string, filter: QueueFilter): Promise<void> {
  const directory = resolve(name);
  const { exportMail } = await import('../../carry/export.ts');
  const end = await exportMail(session.io.world.disk, directory, {
    async rows() {
      // What is written must not be sent from here, too.
      const input = { filter, all: Object.keys(filter).length === 0 };
      const held = await session.ask<QueueChange>(command, 'queue.hold', input);
      return held === undefined ? undefined : allRows(session, command, filter);
    },
    async envelope(queueId) {
      const end = await session.tryAsk(command, 'queue.envelope', { queueId });
      if (isUnreachable(end)) return SILENT;
      return end.ok ? (end.result as CarriedEnvelope) : end.error.message;
    },
    part: async (queueId, offset) =>
      resultOf<{ sizeBytes: number; text: string }>(await session.tryAsk(command, 'queue.part', { queueId, offset })),
  });
  if (end.kind === 'refused') {
    if (session.code === exitCodes.ok) session.fail(exitCodes.failed, end.why, command);
    return;
  }
  if (end.left.length > 0) session.code = exitCodes.negative;
  if (globals(command).json === true) return session.json({ directory, ...end });
  session.print(`${count(end.messages.length, 'message')} written to ${directory}, and held here.`);
  for (const { queueId, why } of end.left) session.print(`  left: ${queueId}, ${why}`);
  if (end.messages.length === 0) return;
  session.print(`On the other host:  ims queue import ${directory}`);
  session.print(
    'Once they are taken there:  ims queue remove --held --yes   (or, to keep them: ims queue release --held)',
  );
}

function resultOf<T>(end: Awaited<ReturnType<CliSession['tryAsk']>>): T | undefined {
  return !isUnreachable(end) && end.ok ? (end.result as T) : undefined;
}

/** What the running service works with; undefined where that cannot be said, which was said. */
async function dataDirectory(session: CliSession, command: Command): Promise<string | undefined> {
  const path = await findConfigurationFile(session.io, globals(command).config);
  if (path === undefined) {
    session.fail(exitCodes.usage, noConfigurationText(), command);
    return undefined;
  }
  const { loadConfigurationFile } = await import('../../config/load-file.ts');
  const file = await loadConfigurationFile(session.io.world.disk, path);
  if (file.loaded.ok) return file.loaded.settings.server.data;
  session.fail(exitCodes.negative, `${path} has errors; \`ims config check\` shows them`, command);
  return undefined;
}

async function runImport(session: CliSession, command: Command, name: string): Promise<void> {
  const directory = resolve(name);
  const { disk, random } = session.io.world;
  const [data, changes] = await Promise.all([dataDirectory(session, command), session.io.changes?.()]);
  if (data === undefined) return;
  if (changes === undefined) return session.fail(exitCodes.failed, 'this program cannot change files', command);
  const [{ importMail }, { diskOfOwner, giveLike }] = await Promise.all([
    import('../../carry/import.ts'),
    import('../../repair/data-places.ts'),
  ]);
  const own = diskOfOwner(disk, changes, data);
  const take = async (
    content: string,
    { format: _format, queueId: _id, waitedFor: _why, ...carried }: EnvelopeFile,
  ) => {
    const file = `${random.bytes(12).toString('hex')}.eml`;
    const copy = `${data}/incoming/${file}`;
    await own.makeDirectory(`${data}/incoming`, 0o700);
    await own.replaceFile(copy, await disk.readFile(content), 0o600);
    await giveLike(changes, data, [copy]);
    try {
      return takenOf(await session.tryAsk(command, 'queue.take', { name: file, carried }));
    } finally {
      await disk.unlink(copy);
    }
  };
  const wasTaken = async ({ messageId, sizeBytes }: EnvelopeFile): Promise<boolean | undefined> => {
    if (messageId === '') return undefined;
    const end = await session.tryAsk(command, 'trace', { what: `<${messageId}>`, most: 100 });
    if (!isUnreachable(end) && !end.ok && end.error.kind === 'not-found') return false;
    return resultOf<{ messages: readonly MessageTimeline[] }>(end)?.messages.some(({ entries }) =>
      entries.some((one) => one.what === 'received' && one.protocol === 'import' && one.sizeBytes === sizeBytes),
    );
  };
  const end = await importMail(disk, directory, { take, wasTaken }).catch((error: unknown) => errnoOf(error));
  if (typeof end === 'string') return session.fail(exitCodes.failed, `${directory} cannot be read (${end})`, command);
  if (end.left.length > 0) session.code = exitCodes.negative;
  if (globals(command).json === true) return session.json({ directory, ...end });
  session.print(
    `${count(end.taken.length, 'message')} taken into the queue${end.before > 0 ? `, ${end.before} had been before` : ''}.`,
  );
  for (const { name: one, why } of end.left) session.print(`  left: ${plain(one)}, ${plain(why)}`);
}

function takenOf(end: Awaited<ReturnType<CliSession['tryAsk']>>): ImportedMessage {
  if (isUnreachable(end)) return { kind: 'unknown', why: SILENT };
  if (end.ok) return { kind: 'taken', queueId: (end.result as { queueId: string }).queueId };
  const { kind, message } = end.error;
  return { kind: kind === 'refused' || kind === 'usage' ? 'refused' : 'unknown', why: message };
}

/** queue export, queue import. */
export function carryCommands(
  queue: Command,
  session: CliSession,
  withFilters: (command: Command) => Command,
  filterOf: (options: object, queueId: string | undefined) => QueueFilter,
): void {
  withFilters(queue.command('export'))
    .description('write waiting mail with its envelopes into a new folder, and hold it here')
    .argument('<directory>')
    .addOption(new Option('--queue-id <id>', 'this message only'))
    .addHelpText(
      'after',
      '\nExamples:\n  ims queue export /root/waiting\n  ims queue export /root/far --next-hop mx:example.com\n\nEach message is ID.eml (its octets) and ID.envelope.json, on stable storage when the command ends.\nNothing is overwritten: the folder must be new or empty. `ims queue import` takes it in on another host.',
    )
    .action((directory: string, _options: unknown, command: Command) => {
      const options = globals<{ queueId?: string }>(command);
      return runExport(session, command, directory, filterOf(options, options.queueId));
    });
  queue
    .command('import')
    .description('take a folder of exported mail into the queue, each message once')
    .argument('<directory>')
    .addHelpText(
      'after',
      '\nExample:\n  ims queue import /root/waiting\n\nWhat was taken is renamed to ID.envelope.taken.json, so that a second run takes only what is left. Clocks go on:\nmail expires when it would have expired on the host before.',
    )
    .action((directory: string, _options: unknown, command: Command) => runImport(session, command, directory));
}
