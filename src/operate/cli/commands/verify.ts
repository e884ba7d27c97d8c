import type { Command } from 'commander';
import { exitCodes } from '../exit-codes.ts';
import { type CliSession, globals } from '../session.ts';
import { table } from '../table.ts';
import { count, plain } from '../text.ts';

const SHOWN_MAX = 50;

async function runVerify(session: CliSession, command: Command): Promise<void> {
  const { io } = session;
  const { verifyInstallation } = await import('../../installation/verify.ts');
  const found = await verifyInstallation(io.world.disk, io.programDirectory ?? '.', io.nodeVersion ?? '0');
  if (!found.ok) return session.fail(exitCodes.failed, found.why, command);
  const { differences, files, packages, version, root } = found;
  session.code = differences.length === 0 ? exitCodes.ok : exitCodes.negative;
  if (globals(command).json === true) return session.json(found);
  const looked = `${count(files, 'file')} and ${count(packages, 'package')} of version ${version} in ${root}`;
  if (differences.length === 0)
    return session.print(
      `${session.paint('green', 'Everything is as it was built')}: ${looked}; Node ${io.nodeVersion}.`,
    );
  session.print(`${session.paint('red', `${count(differences.length, 'thing')} not as built`)}: ${looked}.\n`);
  const rows = differences
    .slice(0, SHOWN_MAX)
    .map(({ what, expected, seen }) => [plain(what), plain(expected), plain(seen)]);
  session.print(
    table([{ title: 'WHAT', flexible: true }, { title: 'EXPECTED' }, { title: 'SEEN' }], rows, session.width),
  );
  if (differences.length > rows.length) session.print(`and ${differences.length - rows.length} more: --json has all`);
  session.print(
    '\nInstall this version again (git checkout . && npm ci && npm run build in a clone); data and configuration stay.',
  );
}

/** verify. */
export function verifyCommands(root: Command, session: CliSession): void {
  root
    .command('verify')
    .description('compare what is installed with what was built: files, packages, the version of Node; changes nothing')
    .addHelpText(
      'after',
      '\nExamples:\n  ims verify\n  ims verify --json | jq .differences\n\nExit code: 0 everything is as it was built, 1 something differs, 5 there is nothing to compare with.',
    )
    .action((_options: unknown, command: Command) => runVerify(session, command));
}
