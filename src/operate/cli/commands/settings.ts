import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { exitCodes } from '../exit-codes.ts';
import { findConfigurationFile, noConfigurationText } from '../find-service.ts';
import { type CliSession, globals } from '../session.ts';
import { table } from '../table.ts';
import { count, plain, showTime } from '../text.ts';

interface SettingsOptions {
  readonly to?: string;
  readonly why?: string;
  readonly withSecrets?: boolean;
  readonly preview?: boolean;
  readonly yes?: boolean;
}

type SettingsBench = Awaited<ReturnType<typeof import('../../repair/snapshot/bench.ts')['openSettings']>> & object;

async function open(session: CliSession, command: Command): Promise<SettingsBench | undefined> {
  const path = await findConfigurationFile(session.io, globals(command).config);
  if (path === undefined) {
    session.fail(exitCodes.usage, noConfigurationText(), command);
    return undefined;
  }
  const { openSettings } = await import('../../repair/snapshot/bench.ts');
  const bench = await openSettings(session.io, path);
  if (bench === undefined) session.fail(exitCodes.failed, 'this program cannot look at the host', command);
  return bench;
}

async function runRecord(session: CliSession, command: Command): Promise<void> {
  const { to, why = '', withSecrets = false, json } = globals<SettingsOptions>(command);
  const bench = await open(session, command);
  if (bench === undefined) return;
  const recorded = await bench.record(why, withSecrets, to === undefined ? undefined : resolve(to));
  if (!recorded.ok)
    return session.fail(recorded.notPermitted ? exitCodes.notPermitted : exitCodes.failed, recorded.why, command);
  const { path, files, secrets } = recorded;
  if (json === true) return session.json({ path, files, secrets });
  session.print(`${count(files, 'file')} recorded in ${path}.`);
  if (secrets.length === 0) return;
  session.print(
    withSecrets
      ? `It holds secrets (${secrets.map(plain).join(', ')}): keep it as you keep those.`
      : `Not in it: the content of ${secrets.map(plain).join(', ')} (--with-secrets records it, too).`,
  );
}

async function runList(session: CliSession, command: Command): Promise<void> {
  const bench = await open(session, command);
  if (bench === undefined) return;
  const list = await bench.list();
  if (globals(command).json === true) return session.json(list);
  if (list.length === 0)
    return session.print(`No snapshot is in ${bench.directory}; \`ims settings record\` takes one.`);
  const rows = list.map((one) => [
    one.id,
    one.takenAtMs === 0 ? '-' : showTime(one.takenAtMs),
    one.version,
    String(one.files),
    plain(one.fault ?? one.why),
  ]);
  session.print(
    table(
      [
        { title: 'ID' },
        { title: 'TAKEN' },
        { title: 'VERSION' },
        { title: 'FILES', align: 'right' },
        { title: 'WHY', flexible: true },
      ],
      rows,
      session.width,
    ),
  );
}

async function runCompare(session: CliSession, command: Command, name: string | undefined): Promise<void> {
  const bench = await open(session, command);
  if (bench === undefined) return;
  const found = await bench.compare(name);
  if (!found.ok) return session.fail(exitCodes.failed, found.why, command);
  const { differences, path } = found;
  session.code = differences.length === 0 ? exitCodes.ok : exitCodes.negative;
  if (globals(command).json === true) return session.json(found);
  if (differences.length === 0) return session.print(`Everything is as it was when ${path} was taken.`);
  session.print(`Since ${path} was taken:\n`);
  const rows = differences.map(({ use, path: file, what }) => [use, plain(file), plain(what.join('; '))]);
  session.print(table([{ title: 'USE' }, { title: 'WHAT' }, { title: 'NOW', flexible: true }], rows, session.width));
}

async function runRestore(session: CliSession, command: Command, name: string): Promise<void> {
  const options = globals<SettingsOptions>(command);
  const bench = await open(session, command);
  if (bench === undefined) return;
  const planned = await bench.planRestore(name);
  if (!planned.ok) return session.fail(exitCodes.failed, planned.why, command);
  const { plan, foreign } = planned;
  if (options.json !== true) {
    for (const { file, content } of plan.files)
      session.print(`put back  ${plain(file.path)}${content === undefined ? ' (owner and mode)' : ''}`);
    for (const path of plan.missing) session.print(`bring     ${plain(path)}: its content is not in the snapshot`);
    if (foreign) session.print('It was taken on another host: owners are left as they are here.');
  }
  if (options.preview === true || options.yes !== true) {
    session.code = exitCodes.negative;
    if (options.json === true)
      return session.json({ files: plan.files.map(({ file }) => file.path), missing: plan.missing, restored: false });
    return session.print(
      options.preview === true ? 'Nothing was changed.' : 'Nothing was changed: add --yes to put this back.',
    );
  }
  const end = await bench.restore(planned);
  await bench.close();
  session.code =
    end.kind === 'restored'
      ? exitCodes.ok
      : /\((?:EACCES|EPERM)\)/.test(end.why)
        ? exitCodes.notPermitted
        : exitCodes.failed;
  if (options.json === true) return session.json({ ...end, missing: plan.missing });
  if (end.kind === 'restored')
    return session.print(
      `${count(end.files, 'file')} put back; what was there before is in ${end.before}. Apply it with: ims reload`,
    );
  session.fail(session.code, end.kind === 'undone' ? `${end.why}; everything is as it was before` : end.why, command);
}

/** settings record, list, compare, restore. */
export function settingsCommands(root: Command, session: CliSession): void {
  const settings = root
    .command('settings')
    .description(
      'record the configuration, the files that it names and what the host decides by; compare and put back',
    );
  settings
    .command('record')
    .description('take a snapshot; with --to as one file, to take it to another host')
    .addOption(new Option('--to <file>', 'write one file instead of a snapshot in the data directory'))
    .addOption(new Option('--why <text>', 'a note for the list'))
    .addOption(new Option('--with-secrets', 'record the content of keys and password files, too'))
    .addHelpText(
      'after',
      "\nExamples:\n  ims settings record --why 'before the move'\n  ims settings record --with-secrets --to /root/ims-settings.json",
    )
    .action((_options: unknown, command: Command) => runRecord(session, command));
  settings
    .command('list')
    .description('the snapshots that there are, the newest first')
    .addHelpText('after', '\nExample:\n  ims settings list')
    .action((_options: unknown, command: Command) => runList(session, command));
  settings
    .command('compare')
    .description('what is not as it was when a snapshot was taken; without a name the newest')
    .argument('[snapshot]', 'id of a snapshot, or path of an exported one')
    .addHelpText(
      'after',
      '\nExamples:\n  ims settings compare\n  ims settings compare /root/ims-settings.json\n\nExit code: 0 nothing differs, 1 something does.',
    )
    .action((name: string | undefined, _options: unknown, command: Command) => runCompare(session, command, name));
  settings
    .command('restore')
    .description(
      'put back the files of a snapshot, once its configuration is seen to load; files of the host are left alone',
    )
    .argument('<snapshot>', 'id of a snapshot, or path of an exported one')
    .addOption(new Option('--preview', 'show what would be put back, and change nothing'))
    .addOption(new Option('--yes', 'put it back'))
    .addHelpText(
      'after',
      '\nExamples:\n  ims settings restore 20261122T170905Z-record --yes\n  ims --config /etc/ims/ims.yaml settings restore /root/ims-settings.json --yes\n\nExit code: 0 put back, 1 not agreed to, 4 not permitted, 5 failed, and undone.',
    )
    .action((name: string, _options: unknown, command: Command) => runRestore(session, command, name));
}
